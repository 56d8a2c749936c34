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
		does_not_hold("the gateway's address exists before an "
			      "interface does");
	}
	status = port_start(&port, network);
	if (status != VMNET_SUCCESS) {
		cannot_tell("no interface: vmnet status %u", (unsigned)status);
	}
	if (!is_own_address(address)) {
		does_not_hold("no interface of the Mac has the gateway's "
			      "address although a guest is attached");
	}
	holds("the gateway's address appeared with the first interface");
}

const struct probe probe = {
	.assumes = "the Mac has the gateway's address as soon as, and not "
		   "before, the network has an interface",
	.if_holds = "an unused network occupies only its name and its subnet "
		    "on the Mac",
	.if_not = "programs that use the gateway's address must wait for it",
	.run = run,
};
