// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * old-broker: replaces the daemon by a broker older than vmnet-brokerctl. It
 * answers status, and acquire with a network that cannot be used; it rejects
 * other commands as invalid requests. With OLDEST in its environment it
 * supports only acquire, as the first broker did.
 */

#include <stdlib.h>
#include <string.h>

#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

#include "protocol.h"

#define INVALID_REQUEST 4

static void set_new(xpc_object_t reply, const char *key, xpc_object_t value)
{
	xpc_dictionary_set_value(reply, key, value);
	xpc_release(value);
}

static void fill_status(xpc_object_t reply)
{
	xpc_object_t network = xpc_dictionary_create(NULL, NULL, 0);
	xpc_object_t networks = xpc_array_create(NULL, 0);

	xpc_dictionary_set_string(network, "name", "default");
	xpc_dictionary_set_string(network, "mode", "shared");
	xpc_dictionary_set_string(network, "state", "held");
	xpc_dictionary_set_uint64(network, "holders", 2);
	xpc_dictionary_set_string(network, "subnet", "192.168.115.0/24");
	xpc_dictionary_set_string(network, "gateway", "192.168.115.1");
	xpc_array_append_value(networks, network);
	xpc_release(network);
	xpc_dictionary_set_uint64(reply, "peers", 3);
	xpc_dictionary_set_bool(reply, "stopping", false);
	set_new(reply, "networks", networks);
}

static void answer(xpc_connection_t peer, xpc_object_t request)
{
	xpc_object_t reply = xpc_dictionary_create_reply(request);
	const char *command =
	    xpc_dictionary_get_string(request, VMNET_BROKER_KEY_COMMAND);

	if (command != NULL && strcmp(command, "acquire") == 0) {
		set_new(reply, VMNET_BROKER_KEY_NETWORK,
		    xpc_dictionary_create(NULL, NULL, 0));
	} else if (command != NULL && strcmp(command, "status") == 0 &&
	    getenv("OLDEST") == NULL) {
		fill_status(reply);
	} else {
		xpc_dictionary_set_int64(
		    reply, VMNET_BROKER_KEY_ERROR, INVALID_REQUEST);
	}
	xpc_connection_send_message(peer, reply);
	xpc_release(reply);
}

int main(void)
{
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, dispatch_get_main_queue(),
	    XPC_CONNECTION_MACH_SERVICE_LISTENER);

	xpc_connection_set_event_handler(listener, ^(xpc_object_t peer) {
		if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) {
			exit(EXIT_FAILURE);
		}
		xpc_connection_set_target_queue(
		    peer, dispatch_get_main_queue());
		xpc_connection_set_event_handler(peer, ^(xpc_object_t message) {
			if (xpc_get_type(message) == XPC_TYPE_DICTIONARY) {
				answer(peer, message);
			}
		});
		xpc_connection_activate(peer);
	});
	xpc_connection_activate(listener);
	dispatch_main();
}
