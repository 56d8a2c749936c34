// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_network_ref network = create_with_reservation();
	struct port port = { 0 };

	check_reservation(&port, network);
}

const struct probe probe = {
	.assumes = "a guest with a reserved MAC address gets the reserved "
		   "address by DHCP",
	.if_holds = "dhcp_reservations of networks.json give VMs fixed "
		    "addresses",
	.if_not = "guests get other addresses than those that the broker "
		  "reports as reserved",
	.run = run,
};
