// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	const char *gateway = subnet_address(1);
	vmnet_network_ref network =
	    create(configure(VMNET_HOST_MODE, gateway, 24));
	vmnet_network_ref copy = copy_network(network);
	vmnet_return_t status = VMNET_SUCCESS;
	struct port port = { 0 };

	status = port_start(&port, copy);
	CFRelease(copy);
	if (status != VMNET_SUCCESS || port_stop(&port) != VMNET_SUCCESS) {
		cannot_tell("no interface: vmnet status %u", (unsigned)status);
	}
	CFRelease(network);
	if (try_create(configure(VMNET_HOST_MODE, gateway, 24), &status) ==
	    NULL) {
		does_not_hold("vmnet status %u", (unsigned)status);
	}
	holds("%s/24 could be used again at once", gateway);
}

const struct probe probe = {
	.assumes =
	    "the subnet of a network is free when its last interface has "
	    "stopped and its owner has released the network",
	.if_holds = "the broker stops its interface, releases the network, and "
		    "can create it again for the next client",
	.if_not = "a network with a required subnet cannot be created again "
		  "(CREATE_FAILURE); others get the next subnet",
	.run = run,
};
