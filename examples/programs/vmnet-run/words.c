// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: passes the sockets to the command.
 *
 * {fd0}, {mac0}, {mtu0} and so on are replaced in its arguments and in the
 * values of its environment; the same values are in the variables VMNET_FD0,
 * VMNET_MAC0, …
 */

#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum word { WORD_FD, WORD_MAC, WORD_MTU, WORD_COUNT };

static const char *const words[WORD_COUNT] = { "fd", "mac", "mtu" };

static void word_value(
    enum word word, const struct port *port, char *value, size_t size)
{
	switch (word) {
	case WORD_FD:
		snprintf(value, size, "%d",
		    port->wanted_fd != 0 ? port->wanted_fd : port->guest_fd);
		break;
	case WORD_MAC:
		snprintf(value, size, "%s", port->mac);
		break;
	default:
		snprintf(value, size, "%" PRIu64, port->mtu);
	}
}

/* Whether the text begins with {fd0}, {mac1}, …, and its length. The network
 * may not exist: the caller compares with port_count. */
static bool find_word(
    const char *text, enum word *word, unsigned *port, size_t *length)
{
	for (int i = 0; i < WORD_COUNT; i++) {
		size_t name = strlen(words[i]);
		if (text[0] != '{' || strncmp(text + 1, words[i], name) != 0) {
			continue;
		}
		const char *digits = text + 1 + name;
		size_t count = strspn(digits, "0123456789");
		if (count > 0 && count < 4 && digits[count] == '}') {
			*word = (enum word)i;
			*port = (unsigned)strtoul(digits, NULL, 10);
			*length = name + count + 2;
			return true;
		}
	}
	return false;
}

/* A word for a network that does not exist is an error. */
static void check(const char *argument)
{
	enum word word = WORD_FD;
	unsigned port = 0;
	size_t length = 0;

	for (; *argument != '\0'; argument++) {
		if (find_word(argument, &word, &port, &length) &&
		    port >= (unsigned)port_count) {
			usage_error("{%s%u}: there is no network %u: the last "
				    "one is {%s%d}",
			    words[word], port, port, words[word],
			    port_count - 1);
		}
	}
}

void words_check(char *arguments[])
{
	for (char **argument = arguments; *argument != NULL; argument++) {
		check(*argument);
	}
}

/* A copy of the argument with every {word} replaced. */
static char *expand(const char *argument)
{
	/* Every value is shorter than this, every {word} at least 5 long. */
	char value[32];
	size_t size = strlen(argument) / 5 * sizeof(value) + strlen(argument);
	char *out = allocate(size + 1, 1);
	char *end = out;
	enum word word = WORD_FD;
	unsigned port = 0;
	size_t length = 0;

	while (*argument != '\0') {
		if (find_word(argument, &word, &port, &length)) {
			word_value(word, &ports[port], value, sizeof(value));
			end = stpcpy(end, value);
			argument += length;
		} else {
			*end++ = *argument++;
		}
	}
	return out;
}

void words_expand(char *arguments[])
{
	for (char **argument = arguments; *argument != NULL; argument++) {
		*argument = expand(*argument);
	}
}

void words_export(void)
{
	static const char *const names[WORD_COUNT] = { "FD", "MAC", "MTU" };
	char value[32];
	char name[32];

	for (int i = 0; i < port_count * WORD_COUNT; i++) {
		enum word word = (enum word)(i % WORD_COUNT);
		int port = i / WORD_COUNT;
		snprintf(name, sizeof(name), "VMNET_%s%d", names[word], port);
		word_value(word, &ports[port], value, sizeof(value));
		if (setenv(name, value, 1) != 0) {
			fail("out of memory");
		}
	}
}
