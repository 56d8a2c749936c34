// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "service-fuzz-client.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "broker-fixture.h"
#include "failure.h"
#include "protocol.h"

size_t pick(uint8_t byte, size_t count)
{
	return (uint8_t)(byte - '0') % count;
}

static struct client {
	xpc_connection_t connection; /* NULL: not connected */
	atomic_bool ended;
	int asked;
	atomic_int answered;
} clients[CLIENTS];

static struct client *client_at(uint8_t which)
{
	return &clients[pick(which, CLIENTS)];
}

void client_connect(const uint8_t *arguments)
{
	struct client *client = client_at(arguments[0]);

	if (client->connection != NULL) {
		return;
	}
	client->ended = false;
	client->asked = 0;
	client->answered = 0;
	client->connection =
	    xpc_connection_create_from_endpoint(fixture_endpoint);
	xpc_connection_set_event_handler(
	    client->connection, ^(xpc_object_t event) {
		    require(xpc_get_type(event) == XPC_TYPE_ERROR ||
			xpc_dictionary_get_string(
			    event, VMNET_BROKER_KEY_EVENT) != NULL);
		    if (event == XPC_ERROR_CONNECTION_INVALID) {
			    client->ended = true;
		    }
	    });
	xpc_connection_activate(client->connection);
}

void client_die(const uint8_t *arguments)
{
	struct client *client = client_at(arguments[0]);

	if (client->connection == NULL) {
		return;
	}
	xpc_connection_cancel(client->connection);
	while (!client->ended || client->answered != client->asked) {
		fixture_run();
	}
	xpc_release(client->connection);
	client->connection = NULL;
}

static void check_error(xpc_object_t reply, xpc_object_t error)
{
	int64_t status = xpc_int64_get_value(error);
	const char *message =
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE);

	require(xpc_get_type(error) == XPC_TYPE_INT64);
	require(
	    status >= FAILURE_NOT_ALLOWED && status <= FAILURE_CONFIGURATION);
	require(message != NULL);
	require_printable(message);
}

/* A reply without an error has one of these keys. */
static const char *const promised[] = {
	VMNET_BROKER_KEY_NETWORK,
	VMNET_BROKER_STATUS_PEERS,
	VMNET_BROKER_KEY_CAPABILITIES,
	VMNET_BROKER_KEY_CLIENTS,
	VMNET_BROKER_KEY_WATCHING,
};

/* These replies have only one key. */
static bool is_short(xpc_object_t reply)
{
	static const char *const keys[] = {
		VMNET_BROKER_STATUS_NETWORKS, /* list */
		VMNET_BROKER_STATUS_HOLDERS,  /* drain, recreate */
		VMNET_BROKER_STATUS_DRAINING, /* resume */
	};
	bool found = false;

	for (size_t i = 0; i < COUNT(keys); i++) {
		found =
		    found || xpc_dictionary_get_value(reply, keys[i]) != NULL;
	}
	return found && xpc_dictionary_get_count(reply) == 1;
}

/* name: the network that the reply may contain, or NULL. */
static void check_reply(xpc_object_t reply, const char *name)
{
	xpc_object_t error =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR);
	xpc_object_t network =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);
	xpc_object_t info =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);
	int kinds = (error != NULL) + is_short(reply);

	for (size_t i = 0; i < COUNT(promised); i++) {
		kinds += xpc_dictionary_get_value(reply, promised[i]) != NULL;
	}
	require(kinds == 1);
	if (error != NULL) {
		check_error(reply, error);
	}
	if (network != NULL) {
		require(name != NULL && info != NULL);
		require(strcmp(xpc_dictionary_get_string(
				   info, VMNET_BROKER_INFO_NAME),
			    name) == 0);
		require(xpc_get_type(network) == XPC_TYPE_DICTIONARY);
	}
}

/* Releases request. */
static void client_ask(
    struct client *client, xpc_object_t request, const char *name)
{
	if (client->connection != NULL) {
		client->asked++;
		xpc_connection_send_message_with_reply(
		    client->connection, request, NULL, ^(xpc_object_t reply) {
			    if (xpc_get_type(reply) == XPC_TYPE_DICTIONARY) {
				    check_reply(reply, name);
			    }
			    client->answered++;
		    });
	}
	xpc_release(request);
}

/*
 * Requests.
 */

/* A client may have eight, so there are more names than that. */
static const char *name_at(uint8_t which)
{
	return fixture_network(pick(which, NETWORKS));
}

void ask_acquire(const uint8_t *arguments)
{
	const char *name = name_at(arguments[1]);

	client_ask(client_at(arguments[0]),
	    fixture_request(VMNET_BROKER_COMMAND_ACQUIRE, name), name);
}

void ask_status(const uint8_t *arguments)
{
	client_ask(client_at(arguments[0]),
	    fixture_request(VMNET_BROKER_COMMAND_STATUS, NULL), NULL);
}

void ask_command(const uint8_t *arguments)
{
	static const char *const commands[] = {
		VMNET_BROKER_COMMAND_HELLO,
		VMNET_BROKER_COMMAND_LIST,
		VMNET_BROKER_COMMAND_CLIENTS,
		VMNET_BROKER_COMMAND_WATCH,
		VMNET_BROKER_COMMAND_RESUME,
		VMNET_BROKER_COMMAND_RECREATE,
		VMNET_BROKER_COMMAND_DRAIN,
	};
	size_t which = pick(arguments[1], COUNT(commands));
	struct client *client = client_at(arguments[0]);

	if (which == COUNT(commands) - 1 && client->connection != NULL) {
		fixture_expect_no_answers();
	}
	client_ask(client,
	    fixture_request(commands[which], name_at(arguments[2])), NULL);
}

void ask_bytes(const uint8_t *arguments)
{
	const char text[] = { (char)arguments[1], (char)arguments[2],
		(char)arguments[3], '\0' };

	client_ask(client_at(arguments[0]), fixture_request(text, text), NULL);
	client_ask(
	    client_at(arguments[0]), fixture_request("acquire", text), NULL);
}

static xpc_object_t value_create(uint8_t which)
{
	switch (pick(which, 8)) {
	case 0:
		return xpc_int64_create(1);
	case 1:
		return xpc_data_create("default", 7);
	case 2:
		return xpc_array_create(NULL, 0);
	case 3:
		return xpc_dictionary_create(NULL, NULL, 0);
	case 4:
		return xpc_null_create();
	case 5:
		return xpc_fd_create(STDERR_FILENO);
	case 6:
		return (xpc_object_t)xpc_retain(fixture_endpoint);
	default:
		return xpc_string_create("");
	}
}

void ask_value(const uint8_t *arguments)
{
	static const char *const keys[] = { VMNET_BROKER_KEY_COMMAND,
		VMNET_BROKER_KEY_NETWORK_NAME, "unknown" };
	size_t key = pick(arguments[2], COUNT(keys));
	xpc_object_t request = fixture_request("acquire", "default");
	xpc_object_t value = value_create(arguments[1]);

	xpc_dictionary_set_value(request, keys[key], value);
	xpc_release(value);
	client_ask(
	    client_at(arguments[0]), request, key == 2 ? "default" : NULL);
}

void send_one_way(const uint8_t *arguments)
{
	struct client *client = client_at(arguments[0]);
	xpc_object_t request =
	    fixture_request("acquire", name_at(arguments[1]));

	if (client->connection != NULL) {
		xpc_connection_send_message(client->connection, request);
	}
	xpc_release(request);
}

void wait_read(const uint8_t *arguments)
{
	struct client *client = client_at(arguments[0]);
	__block atomic_bool answered = false;
	atomic_bool *flag = &answered;
	xpc_object_t request = NULL;

	if (client->connection == NULL || fixture_need_not_answer()) {
		fixture_run();
		return;
	}
	request = fixture_request(VMNET_BROKER_COMMAND_STATUS, NULL);
	xpc_connection_send_message_with_reply(
	    client->connection, request, NULL, ^(xpc_object_t reply) {
		    (void)reply;
		    *flag = true;
	    });
	xpc_release(request);
	while (!answered) {
		fixture_run();
	}
}
