// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <standin.h>

#include "broker-fixture.h"
#include "protocol.h"

int set_up(void **unused)
{
	(void)unused;
	fixture_start();
	return 0;
}

int tear_down(void **unused)
{
	(void)unused;
	standin_fail(NULL);
	standin_unhang();
	fixture_end();
	return 0;
}

/*
 * Clients.
 */

static void take_event(struct client *client, xpc_object_t event)
{
	int count = client->event_count;

	if (count < EVENTS) {
		client->events[count] = xpc_retain(event);
	}
	client->dropped +=
	    xpc_dictionary_get_uint64(event, VMNET_BROKER_EVENT_DROPPED);
	client->event_count++;
}

static struct client *client_create(unsigned uid)
{
	struct client *client = calloc(1, sizeof(*client));

	assert_non_null(client);
	fixture_set_user(uid);
	client->connection =
	    xpc_connection_create_from_endpoint(fixture_endpoint);
	xpc_connection_set_event_handler(
	    client->connection, ^(xpc_object_t event) {
		    if (event == XPC_ERROR_CONNECTION_INVALID) {
			    client->ended = true;
		    } else if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			    take_event(client, event);
		    }
	    });
	xpc_connection_activate(client->connection);
	return client;
}

/* Sends request, which it releases, and waits. */
static xpc_object_t send_request(struct client *client, xpc_object_t request)
{
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	return reply;
}

xpc_object_t ask(struct client *client, const char *command, const char *name)
{
	return send_request(client, fixture_request(command, name));
}

struct client *client_connect(unsigned uid)
{
	struct client *client = client_create(uid);

	xpc_release(ask(client, "hello", NULL));
	return client;
}

static void count_reply(struct client *client, xpc_object_t reply)
{
	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		return;
	}
	if (xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK) != NULL) {
		client->granted++;
	}
	if (xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR) != NULL) {
		client->refused++;
	}
}

void ask_later(struct client *client, const char *command, const char *name)
{
	xpc_object_t request = fixture_request(command, name);

	client->pending++;
	xpc_connection_send_message_with_reply(
	    client->connection, request, NULL, ^(xpc_object_t reply) {
		    xpc_object_t before =
			atomic_exchange(&client->last, xpc_retain(reply));

		    if (before != NULL) {
			    xpc_release(before);
		    }
		    count_reply(client, reply);
		    client->pending--;
	    });
	xpc_release(request);
}

void wait_reply(struct client *client)
{
	while (client->pending > 0) {
		fixture_run();
	}
}

void wait_ended(struct client *client)
{
	while (!client->ended) {
		fixture_run();
	}
}

void client_destroy(struct client *client)
{
	xpc_connection_cancel(client->connection);
	wait_ended(client);
	wait_reply(client);
	xpc_release(client->connection);
	for (int i = 0; i < client->event_count && i < EVENTS; i++) {
		xpc_release(client->events[i]);
	}
	if (client->last != NULL) {
		xpc_release(client->last);
	}
	free(client);
}

/*
 * Replies.
 */

static void describe(FILE *file, xpc_object_t value);

struct keys {
	const char *names[32];
	size_t count;
};

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void describe_dictionary(FILE *file, xpc_object_t dictionary)
{
	__block struct keys keys = { .count = 0 };
	struct keys *all = &keys;

	xpc_dictionary_apply(
	    dictionary, ^bool(const char *key, xpc_object_t value) {
		    (void)value;
		    assert_true(all->count < 32);
		    all->names[all->count++] = key;
		    return true;
	    });
	qsort(keys.names, keys.count, sizeof(keys.names[0]), compare_keys);
	fputc('{', file);
	for (size_t i = 0; i < keys.count; i++) {
		fprintf(file, "%s%s=", i == 0 ? "" : " ", keys.names[i]);
		describe(
		    file, xpc_dictionary_get_value(dictionary, keys.names[i]));
	}
	fputc('}', file);
}

static void describe(FILE *file, xpc_object_t value)
{
	xpc_type_t type = xpc_get_type(value);

	if (type == XPC_TYPE_DICTIONARY) {
		describe_dictionary(file, value);
	} else if (type == XPC_TYPE_ARRAY) {
		fputc('[', file);
		for (size_t i = 0; i < xpc_array_get_count(value); i++) {
			fputs(i == 0 ? "" : " ", file);
			describe(file, xpc_array_get_value(value, i));
		}
		fputc(']', file);
	} else if (type == XPC_TYPE_STRING) {
		fprintf(file, "\"%s\"", xpc_string_get_string_ptr(value));
	} else if (type == XPC_TYPE_BOOL) {
		fputs(xpc_bool_get_value(value) ? "true" : "false", file);
	} else if (type == XPC_TYPE_UINT64) {
		fprintf(file, "%llu",
		    (unsigned long long)xpc_uint64_get_value(value));
	} else if (type == XPC_TYPE_INT64) {
		fprintf(file, "i%lld", (long long)xpc_int64_get_value(value));
	} else {
		fputs(value == XPC_ERROR_CONNECTION_INVALID ? "INVALID" : "?",
		    file);
	}
}

void assert_describes(xpc_object_t value, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	describe(file, value);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
}

void assert_reply(xpc_object_t reply, const char *expected)
{
	assert_describes(reply, expected);
	xpc_release(reply);
}

void assert_value(xpc_object_t reply, const char *key, const char *expected)
{
	xpc_object_t value = xpc_dictionary_get_value(reply, key);

	assert_non_null(value);
	assert_describes(value, expected);
	xpc_release(reply);
}

void assert_refused(xpc_object_t reply, int64_t status, const char *part)
{
	const char *message =
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE);

	assert_int_equal(
	    xpc_dictionary_get_int64(reply, VMNET_BROKER_KEY_ERROR), status);
	assert_non_null(message);
	if (strstr(message, part) == NULL) {
		fail_msg("\"%s\" is not in \"%s\"", part, message);
	}
	assert_int_equal(xpc_dictionary_get_count(reply), 2);
	xpc_release(reply);
}

uint64_t acquire(struct client *client, const char *name)
{
	xpc_object_t reply = ask(client, "acquire", name);
	xpc_object_t info =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);
	uint64_t generation = 0;

	assert_non_null(info);
	generation =
	    xpc_dictionary_get_uint64(info, VMNET_BROKER_INFO_GENERATION);
	xpc_release(reply);
	return generation;
}

xpc_object_t get_listed(struct client *client, const char *name)
{
	static const char *const chosen[] = { VMNET_BROKER_INFO_GENERATION,
		VMNET_BROKER_INFO_IPV6_PREFIX };
	xpc_object_t reply = ask(client, "list", NULL);
	xpc_object_t all =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_STATUS_NETWORKS);
	xpc_object_t found = NULL;

	for (size_t i = 0; i < xpc_array_get_count(all); i++) {
		xpc_object_t one = xpc_array_get_value(all, i);

		if (strcmp(
			xpc_dictionary_get_string(one, VMNET_BROKER_INFO_NAME),
			name) == 0) {
			found = xpc_retain(one);
		}
	}
	assert_non_null(found);
	xpc_release(reply);
	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
		xpc_dictionary_set_value(found, chosen[i], NULL);
	}
	return found;
}

void wait_state(struct client *client, const char *name, const char *state)
{
	bool reached = false;

	while (!reached) {
		xpc_object_t listed = get_listed(client, name);

		reached = strcmp(xpc_dictionary_get_string(
				     listed, VMNET_BROKER_STATUS_STATE),
			      state) == 0;
		xpc_release(listed);
	}
}
