// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-reload-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

char config_path[] = "/tmp/broker-reload-test.XXXXXX";

void assert_error(xpc_object_t reply, const char *expected)
{
	const char *message =
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE);
	char text[1024] = "";

	if (message != NULL) {
		snprintf(text, sizeof(text), "%d %s",
		    (int)xpc_dictionary_get_int64(
			reply, VMNET_BROKER_KEY_ERROR),
		    message);
	}
	assert_string_equal(text, expected);
	xpc_release(reply);
}

void assert_acquire(struct client *client, const char *name, const char *error)
{
	assert_error(ask(client, VMNET_BROKER_COMMAND_ACQUIRE, name), error);
}

/* "a b": the strings of an array, of which the file's path is cut off. */
static void append_list(
    char *text, size_t size, xpc_object_t reply, const char *key)
{
	xpc_object_t array = xpc_dictionary_get_array(reply, key);

	assert_non_null(array);
	for (size_t i = 0; i < xpc_array_get_count(array); i++) {
		const char *item = xpc_array_get_string(array, i);
		size_t used = strlen(text);

		if (strncmp(item, config_path, strlen(config_path)) == 0) {
			item += strlen(config_path);
		}
		snprintf(
		    text + used, size - used, "%s%s", i == 0 ? "" : " ", item);
	}
}

void write_file(const char *text)
{
	int fd = open(config_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void reload(const char *text, const char *expected)
{
	static const char *const keys[] = {
		VMNET_BROKER_RELOAD_ADDED,
		VMNET_BROKER_RELOAD_CHANGED,
		VMNET_BROKER_CONFIGURATION_PENDING,
		VMNET_BROKER_RELOAD_REMOVED,
		VMNET_BROKER_CONFIGURATION_PROBLEMS,
	};
	struct client *root = NULL;
	char got[4096] = "";
	xpc_object_t reply = NULL;

	write_file(text);
	root = client_connect(0);
	reply = ask(root, VMNET_BROKER_COMMAND_RELOAD, NULL);
	assert_null(xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		append_list(got, sizeof(got), reply, keys[i]);
		if (i + 1 < sizeof(keys) / sizeof(keys[0])) {
			strcat(got, "|");
		}
	}
	assert_string_equal(got, expected);
	xpc_release(reply);
	client_destroy(root);
}

void assert_made(const char *setting)
{
	char text[1024] = "";

	fake_vmnet_take_settings(text, sizeof(text));
	if (strstr(text, setting) == NULL) {
		fail_msg("no \"%s\" in: %s", setting, text);
	}
}

void configure(const char *text)
{
	struct client *root = client_connect(0);

	write_file(text);
	assert_value(ask(root, VMNET_BROKER_COMMAND_RELOAD, NULL),
	    VMNET_BROKER_CONFIGURATION_PROBLEMS, "[]");
	client_destroy(root);
}

int set_up_reloaded(void **state)
{
	set_up(state);
	/* The fixture's networks are unused: they are removed at once. */
	reload("{}", "|||default far n1 n2 n3 n4 n5 n6 near z-broken|");
	return 0;
}

int open_config(void **state)
{
	int fd = mkstemp(config_path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(config_path, 0644), 0);
	fixture_config_path = config_path;
	fixture_open();
	fixture_start();
	fixture_end();
	return 0;
}

int close_config(void **state)
{
	(void)state;
	return unlink(config_path);
}
