// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#include <arpa/inet.h>

static void run(void)
{
	vmnet_network_configuration_ref config =
	    configure(VMNET_SHARED_MODE, NULL, 0);
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network = NULL;
	struct in6_addr wanted, prefix;
	uint8_t length = 0;

	inet_pton(AF_INET6, "fd9c:3a51:77e0:1::", &wanted);
	vmnet_network_configuration_set_ipv6_prefix(config, &wanted, 64);
	network = try_create(config, &status);
	if (network == NULL) {
		does_not_hold("vmnet status %u", (unsigned)status);
	}
	vmnet_network_get_ipv6_prefix(network, &prefix, &length);
	if (length != 64 || memcmp(&prefix, &wanted, 8) != 0) {
		does_not_hold("the network has another prefix of %u bits",
		    (unsigned)length);
	}
	holds("fd9c:3a51:77e0:1::/64");
}

const struct probe probe = {
	.assumes = "a network gets the prefix in fd00::/8 that it is "
		   "configured with, if it has 64 bits",
	.if_holds = "networks.json may have an ipv6_prefix",
	.if_not = "the network cannot be created, or the broker reports in "
		  "\"differs\" which prefix macOS chose",
	.run = run,
};
