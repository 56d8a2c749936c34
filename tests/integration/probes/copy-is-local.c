// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_network_ref network = create(configure(VMNET_HOST_MODE, NULL, 0));
	xpc_object_t serialization =
	    vmnet_network_copy_serialization(network, NULL);
	struct in_addr address, mask, same;
	vmnet_network_ref copy = NULL;
	struct port port = { 0 };

	vmnet_network_get_ipv4_subnet(network, &address, &mask);
	CFRelease(network);
	copy = vmnet_network_create_with_serialization(serialization, NULL);
	if (copy == NULL) {
		does_not_hold("no reference to a network that was released");
	}
	vmnet_network_get_ipv4_subnet(copy, &same, &mask);
	if (same.s_addr != address.s_addr) {
		does_not_hold("the reference has another subnet");
	}
	if (port_start(&port, copy) == VMNET_SUCCESS) {
		does_not_hold("an interface starts on a released network");
	}
	holds("the reference is created, and the interface does not start");
}

const struct probe probe = {
	.assumes =
	    "a reference can be created from a serialization even if the "
	    "network is gone; an interface on it does not start",
	.if_holds = "programs learn of a lost network from the SDK, and "
		    "when they attach to it",
	.if_not = "nothing breaks, but docs/writing-a-client.md is wrong",
	.run = run,
};
