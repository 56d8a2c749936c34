// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_network_ref network = create(configure(VMNET_HOST_MODE, NULL, 0));
	struct in_addr address, mask;
	vmnet_return_t status = VMNET_SUCCESS;
	struct port port = { 0 };

	vmnet_network_get_ipv4_subnet(network, &address, &mask);
	if (is_own_address(address)) {
		does_not_hold("the gateway's address is there before an "
			      "interface is");
	}
	status = port_start(&port, network);
	if (status != VMNET_SUCCESS) {
		cannot_tell("no interface: vmnet status %u", (unsigned)status);
	}
	if (!is_own_address(address)) {
		does_not_hold("no interface of the Mac has the gateway's "
			      "address though a guest is there");
	}
	holds("the gateway's address came with the first interface");
}

const struct probe probe = {
	.assumes = "the Mac has the gateway's address as soon as, and not "
		   "before, the network has an interface",
	.if_holds = "an unused network takes nothing on the Mac but its name "
		    "and its subnet",
	.if_not = "programs that use the gateway's address must wait for it",
	.run = run,
};
