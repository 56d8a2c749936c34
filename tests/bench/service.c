// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <stdlib.h>

#include <dispatch/dispatch.h>

static void peer_event(xpc_connection_t peer, xpc_object_t event)
{
	if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) {
		return;
	}
	xpc_object_t reply = xpc_dictionary_create_reply(event);
	if (reply != NULL) {
		xpc_connection_send_message(peer, reply);
		xpc_release(reply);
	}
}

static void accept_peer(xpc_connection_t peer, dispatch_queue_t queue)
{
	xpc_connection_set_target_queue(peer, queue);
	xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
		peer_event(peer, event);
	});
	xpc_connection_activate(peer);
}

_Noreturn void service_run(void)
{
	dispatch_queue_t queue = dispatch_queue_create(BENCH_SERVICE, NULL);
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    BENCH_SERVICE, queue, XPC_CONNECTION_MACH_SERVICE_LISTENER);

	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		if (xpc_get_type(event) != XPC_TYPE_CONNECTION) {
			exit(EXIT_FAILURE);
		}
		accept_peer((xpc_connection_t)event, queue);
	});
	xpc_connection_activate(listener);
	dispatch_main();
}
