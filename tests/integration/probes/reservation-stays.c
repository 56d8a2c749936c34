// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_network_ref network = create_with_reservation();
	struct port port = { 0 };

	if (port_start(&port, network) != VMNET_SUCCESS ||
	    port_stop(&port) != VMNET_SUCCESS) {
		cannot_tell("no interface");
	}
	check_reservation(&port, network);
}

const struct probe probe = {
	.assumes = "reservations and port rules remain when the last interface "
		   "has stopped and a new one has started",
	.if_holds = "networks may have \"anchor\": false without losing them",
	.if_not = "the broker's own interface on each network keeps them; do "
		  "not turn it off (\"anchor\") where they are needed",
	.run = run,
};
