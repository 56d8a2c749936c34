// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	xpc_object_t serialization = acquire();
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network =
	    vmnet_network_create_with_serialization(serialization, &status);
	struct port port = { 0 };

	if (network == NULL) {
		does_not_hold("cannot create a reference: vmnet status %u",
		    (unsigned)status);
	}
	status = port_start(&port, network); /* macOS 26.1 crashes us here */
	if (status != VMNET_SUCCESS) {
		does_not_hold("cannot start an interface: vmnet status %u",
		    (unsigned)status);
	}
	port_stop(&port);
	holds("an interface started on the broker's network \"host\"");
}

const struct probe probe = {
	.assumes = "a program may use a network that another program of "
		   "another user created",
	.if_holds = "everything works; the SDK asks for macOS 26.2",
	.if_not = "the product cannot work on this version of macOS; the "
		  "examples refuse to start before 26.2",
	.run = run,
};
