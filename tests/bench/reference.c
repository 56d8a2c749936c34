// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The baseline of `make bench`: the minimal code that keeps a vmnet network for
 * each name and hands out its serialization by the broker's protocol. launchd
 * starts it in the same way as the broker.
 *
 * It trusts its clients, chooses no subnet, waits for vmnet on the queue that
 * answers them, and keeps each network until it is killed. So it does not
 * replace the broker; it shows what XPC, launchd and vmnet cost by themselves.
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "protocol.h"

struct network {
	struct network *next;
	xpc_object_t serialization;
	const char *name;
};

static struct network *networks;

static xpc_object_t create_serialization(void)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_SHARED_MODE, &status);
	vmnet_network_ref network = NULL;

	if (config == NULL) {
		errx(EXIT_FAILURE, "vmnet configuration: status %u", status);
	}
	network = vmnet_network_create(config, &status);
	if (network == NULL) {
		errx(EXIT_FAILURE, "vmnet network: status %u", status);
	}
	CFRelease(config);
	/* The network itself is kept until this process ends. */
	return vmnet_network_copy_serialization(network, &status);
}

static xpc_object_t get_serialization(const char *name)
{
	struct network *network = networks;

	while (network != NULL && strcmp(network->name, name) != 0) {
		network = network->next;
	}
	if (network == NULL) {
		network = calloc(1, sizeof(*network));
		if (network == NULL) {
			err(EXIT_FAILURE, "%s", name);
		}
		network->name = strdup(name);
		network->serialization = create_serialization();
		network->next = networks;
		networks = network;
	}
	return network->serialization;
}

static void handle_request(xpc_connection_t peer, xpc_object_t request)
{
	const char *command =
	    xpc_dictionary_get_string(request, VMNET_BROKER_KEY_COMMAND);
	const char *name =
	    xpc_dictionary_get_string(request, VMNET_BROKER_KEY_NETWORK_NAME);
	xpc_object_t reply = xpc_dictionary_create_reply(request);

	if (reply == NULL || command == NULL || name == NULL ||
	    strcmp(command, VMNET_BROKER_COMMAND_ACQUIRE) != 0) {
		errx(EXIT_FAILURE, "not a request to acquire a network");
	}
	xpc_dictionary_set_value(
	    reply, VMNET_BROKER_KEY_NETWORK, get_serialization(name));
	xpc_connection_send_message(peer, reply);
	xpc_release(reply);
}

static void accept_peer(xpc_connection_t peer, dispatch_queue_t queue)
{
	xpc_connection_set_target_queue(peer, queue);
	xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			handle_request(peer, event);
		}
	});
	xpc_connection_activate(peer);
}

int main(void)
{
	dispatch_queue_t queue =
	    dispatch_queue_create(VMNET_BROKER_SERVICE, DISPATCH_QUEUE_SERIAL);
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, queue, XPC_CONNECTION_MACH_SERVICE_LISTENER);

	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_CONNECTION) {
			accept_peer((xpc_connection_t)event, queue);
		}
	});
	xpc_connection_activate(listener);
	dispatch_main();
}
