// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#include <arpa/inet.h>

static void run(void)
{
	const char *gateway = subnet_address(1);
	vmnet_network_ref network =
	    create(configure(VMNET_HOST_MODE, gateway, 24));
	struct in_addr wanted, address, mask;
	char text[INET_ADDRSTRLEN];

	inet_pton(AF_INET, gateway, &wanted);
	vmnet_network_get_ipv4_subnet(network, &address, &mask);
	inet_ntop(AF_INET, &address, text, sizeof(text));
	if (address.s_addr != wanted.s_addr || ntohl(mask.s_addr) != ~255U) {
		does_not_hold("asked for %s, and got %s, mask 0x%08x", gateway,
		    text, (unsigned)ntohl(mask.s_addr));
	}
	holds("%s/24", text);
}

const struct probe probe = {
	.assumes = "the address that a network is configured with becomes the "
		   "Mac's own address, and the network reports it",
	.if_holds = "the broker passes the first address of the subnet, and "
		    "reports it as the gateway",
	.if_not = "the broker reports in \"differs\" which subnet macOS made",
	.run = run,
};
