// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

/* Is the network "host" in use? Then others may have interfaces on it. */
static bool is_in_use(void)
{
	xpc_object_t networks =
	    xpc_dictionary_get_value(ask_broker("status"), "networks");
	bool found = false;

	for (size_t i = 0; i < xpc_array_get_count(networks); i++) {
		xpc_object_t network = xpc_array_get_value(networks, i);
		const char *name = xpc_dictionary_get_string(network, "name");

		found |= name != NULL && strcmp(name, "host") == 0;
	}
	return found;
}

static void run(void)
{
	struct in_addr address, mask;

	if (is_in_use()) {
		cannot_tell("the broker's network \"host\" is in use");
	}
	vmnet_network_get_ipv4_subnet(
	    vmnet_network_create_with_serialization(acquire(), NULL), &address,
	    &mask);
	for (int i = 0; i < 50; i++) { /* five seconds */
		if (is_own_address(address)) {
			holds("the gateway's address appeared without a VM");
		}
		usleep(100000);
	}
	does_not_hold("no bridge appeared (does networks.json turn the anchor "
		      "of \"host\" off?)");
}

const struct probe probe = {
	.assumes = "a daemon of a role user may start an interface on its own "
		   "network",
	.if_holds = "the broker's interface keeps the network running, with "
		    "its reservations and port rules",
	.if_not = "the broker logs the status and serves the network "
		  "without an interface of its own; reservations and "
		  "port rules may be lost with the last VM",
	.run = run,
};
