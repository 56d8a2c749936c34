// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#include "protocol.h"

static void run(void)
{
	xpc_connection_t connection = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);
	xpc_object_t hello = xpc_dictionary_create(NULL, NULL, 0);
	dispatch_semaphore_t event = dispatch_semaphore_create(0);
	__block xpc_object_t error = NULL;
	xpc_object_t reply;

	xpc_connection_set_event_handler(connection, ^(xpc_object_t object) {
		error = object; /* a constant */
		dispatch_semaphore_signal(event);
	});
	xpc_connection_activate(connection);
	xpc_dictionary_set_string(hello, VMNET_BROKER_KEY_COMMAND, "hello");
	reply = xpc_connection_send_message_with_reply_sync(connection, hello);
	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		cannot_tell("the broker is not installed, or does not answer");
	}
	/* After a minute without a network the broker cancels it. */
	dispatch_semaphore_wait(event, DISPATCH_TIME_FOREVER);
	if (error != XPC_ERROR_CONNECTION_INTERRUPTED) {
		does_not_hold("%s",
		    xpc_dictionary_get_string(
			error, XPC_ERROR_KEY_DESCRIPTION));
	}
	holds("XPC_ERROR_CONNECTION_INTERRUPTED after %d idle seconds",
	    VMNET_BROKER_PEER_IDLE);
}

const struct probe probe = {
	.assumes = "a client whose connection the broker cancels sees an "
		   "interruption",
	.if_holds = "the SDK asks for its networks again",
	.if_not = "the SDK asks again in this case, too",
	.run = run,
};
