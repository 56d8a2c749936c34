// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-kill-fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <standin.h>

#include "protocol.h"

struct client *victim;
struct client *others[OTHERS_MAX];
int others_count;

static struct client *watcher; /* holds nothing */

/* On return, the broker has read everything that the client sent before. */
static xpc_object_t get_status(struct client *client)
{
	xpc_object_t reply = ask(client, VMNET_BROKER_COMMAND_STATUS, NULL);

	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	return reply;
}

void ask_and_wait(struct client *client, const char *name)
{
	ask_later(client, VMNET_BROKER_COMMAND_ACQUIRE, name);
	xpc_release(get_status(client));
}

void all_ask(void)
{
	ask_and_wait(victim, KILL_NETWORK);
	for (int i = 0; i < others_count; i++) {
		ask_and_wait(others[i], KILL_NETWORK);
	}
}

/*
 * What is expected.
 */

static char last[128]; /* for the alarm */
static char wanted[128];

static void describe(char text[128], const char *name)
{
	xpc_object_t status = get_status(watcher);
	xpc_object_t all =
	    xpc_dictionary_get_value(status, VMNET_BROKER_STATUS_NETWORKS);
	const char *state = "absent";
	int holders = 0;

	for (size_t i = 0; i < xpc_array_get_count(all); i++) {
		xpc_object_t one = xpc_array_get_value(all, i);

		if (strcmp(
			xpc_dictionary_get_string(one, VMNET_BROKER_INFO_NAME),
			name) == 0) {
			state = xpc_dictionary_get_string(
			    one, VMNET_BROKER_STATUS_STATE);
			holders = (int)xpc_dictionary_get_uint64(
			    one, VMNET_BROKER_STATUS_HOLDERS);
		}
	}
	snprintf(text, 128, "%s %d, %d clients", state, holders,
	    (int)xpc_dictionary_get_uint64(status, VMNET_BROKER_STATUS_PEERS));
	xpc_release(status);
}

static void on_alarm(int number)
{
	(void)number;
	dprintf(STDERR_FILENO, "waited for \"%s\", last was \"%s\"\n", wanted,
	    last);
	abort();
}

void expect(const char *name, const char *state, int holders, int clients)
{
	snprintf(wanted, sizeof(wanted), "%s %d, %d clients", state, holders,
	    clients);
	do {
		describe(last, name);
	} while (strcmp(last, wanted) != 0);
}

void expect_rest(const char *state)
{
	expect(KILL_NETWORK, state, others_count, others_count + 1);
}

void expect_held(const char *alone)
{
	expect(KILL_NETWORK, others_count > 0 ? "held" : alone, others_count,
	    others_count + 1);
}

void expect_answers(int granted, int refused)
{
	for (int i = 0; i < others_count; i++) {
		wait_reply(others[i]);
		assert_int_equal(others[i]->granted, granted);
		assert_int_equal(others[i]->refused, refused);
	}
}

void leave_lingering(void)
{
	struct client *client = client_connect(USER);

	ask_and_wait(client, KILL_NETWORK);
	wait_reply(client);
	assert_int_equal(client->granted, 1);
	client_destroy(client);
	expect(KILL_NETWORK, "lingering", 0, others_count + 2);
}

static void (*die)(void);

int choose_state(void **state)
{
	signal(SIGALRM, on_alarm);
	die = (void (*)(void)) * state;
	return 0;
}

void die_in_state(void **unused)
{
	static const int counts[] = { 0, 1, OTHERS_MAX };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		others_count = counts[i];
		set_up(unused);
		victim = client_connect(USER);
		watcher = client_connect(USER);
		for (int j = 0; j < others_count; j++) {
			others[j] = client_connect(USER);
		}
		die();
		standin_fail(NULL);
		standin_unhang();
		client_destroy(watcher);
		for (int j = 0; j < others_count; j++) {
			client_destroy(others[j]);
		}
		tear_down(unused);
	}
}
