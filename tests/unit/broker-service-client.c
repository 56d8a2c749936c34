// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-service-fixture.h"

#include <stdio.h>
#include <string.h>

void connect_client(struct client *client)
{
	atomic_int *ended = &client->ended;

	client->ended = 0;
	client->connection =
	    xpc_connection_create_from_endpoint(fixture.endpoint);
	xpc_connection_set_event_handler(
	    client->connection, ^(xpc_object_t event) {
		    if (xpc_get_type(event) == XPC_TYPE_ERROR) {
			    (*ended)++;
		    }
	    });
	xpc_connection_activate(client->connection);
}

void wait_ended(struct client *client)
{
	wait_until(^bool {
		return client->ended > 0;
	});
}

void close_client(struct client *client)
{
	xpc_connection_cancel(client->connection);
	wait_ended(client);
	xpc_release(client->connection);
}

xpc_object_t request_create(const char *command, const char *name)
{
	xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);

	if (command != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_COMMAND, command);
	}
	if (name != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_NETWORK_NAME, name);
	}
	return request;
}

xpc_object_t ask(struct client *client, xpc_object_t request)
{
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	return reply;
}

int64_t get_status(xpc_object_t reply)
{
	int64_t status = -1;

	if (xpc_get_type(reply) == XPC_TYPE_DICTIONARY) {
		xpc_object_t error =
		    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR);
		xpc_object_t network =
		    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);

		if ((error == NULL) == (network == NULL)) {
			fail_msg("neither an error nor a network, or both");
		}
		if (error != NULL) {
			assert_ptr_equal(xpc_get_type(error), XPC_TYPE_INT64);
			assert_non_null(xpc_dictionary_get_string(
			    reply, VMNET_BROKER_KEY_ERROR_MESSAGE));
		}
		status = error == NULL ? 0 : xpc_int64_get_value(error);
	}
	xpc_release(reply);
	return status;
}

int64_t acquire(struct client *client, const char *name)
{
	return get_status(
	    ask(client, request_create(VMNET_BROKER_COMMAND_ACQUIRE, name)));
}

void assert_acquire(struct client *client, const char *name, int64_t status)
{
	assert_int_equal(acquire(client, name), status);
}

void assert_info(xpc_object_t reply, const char *key, const char *expected)
{
	xpc_object_t info =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);

	assert_non_null(info);
	assert_string_equal(xpc_dictionary_get_string(info, key), expected);
}

void assert_client_can_acquire(const char *name)
{
	struct client client;

	connect_client(&client);
	assert_acquire(&client, name, 0);
	close_client(&client);
}

void acquire_and_release(const char *name)
{
	assert_client_can_acquire(name);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
}

void acquire_later(
    struct client *client, struct replies *replies, const char *name)
{
	xpc_object_t request =
	    request_create(VMNET_BROKER_COMMAND_ACQUIRE, name);

	xpc_connection_send_message_with_reply(
	    client->connection, request, NULL, ^(xpc_object_t reply) {
		    int64_t status =
			get_status((xpc_object_t)xpc_retain(reply));

		    if (status == 0) {
			    replies->networks++;
		    } else if (status < 0) {
			    replies->ends++;
		    } else {
			    replies->status = (int)status;
			    replies->refused++;
		    }
	    });
	xpc_release(request);
}

void wait_replies(struct replies *replies, int count)
{
	wait_until(^bool {
		return replies->networks + replies->ends + replies->refused ==
		    count;
	});
}

/*
 * Status.
 */

struct status get_broker_status(struct client *client)
{
	xpc_object_t reply =
	    ask(client, request_create(VMNET_BROKER_COMMAND_STATUS, NULL));
	struct status status = { 0 };

	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	status.peers =
	    xpc_dictionary_get_uint64(reply, VMNET_BROKER_STATUS_PEERS);
	status.stopping =
	    xpc_dictionary_get_bool(reply, VMNET_BROKER_STATUS_STOPPING);
	status.networks = xpc_array_get_count(
	    xpc_dictionary_get_value(reply, VMNET_BROKER_STATUS_NETWORKS));
	xpc_release(reply);
	return status;
}

void wait_peers(struct client *client, uint64_t count)
{
	wait_until(^bool {
		return get_broker_status(client).peers == count;
	});
}

void assert_network(
    struct client *client, const char *name, const char *expected)
{
	xpc_object_t reply =
	    ask(client, request_create(VMNET_BROKER_COMMAND_STATUS, NULL));
	xpc_object_t all =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_STATUS_NETWORKS);
	char found[64] = "";

	for (size_t i = 0; i < xpc_array_get_count(all); i++) {
		xpc_object_t one = xpc_array_get_value(all, i);

		if (strcmp(
			xpc_dictionary_get_string(one, VMNET_BROKER_INFO_NAME),
			name) == 0) {
			snprintf(found, sizeof(found), "%s %d",
			    xpc_dictionary_get_string(
				one, VMNET_BROKER_STATUS_STATE),
			    (int)xpc_dictionary_get_uint64(
				one, VMNET_BROKER_STATUS_HOLDERS));
		}
	}
	assert_string_equal(found, expected);
	xpc_release(reply);
}
