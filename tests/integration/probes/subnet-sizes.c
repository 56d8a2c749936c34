// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	static const int lengths[] = { 16, 24, 29 };
	vmnet_return_t status = VMNET_SUCCESS;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		vmnet_network_ref network = try_create(
		    configure(VMNET_HOST_MODE, "172.30.0.1", lengths[i]),
		    &status);
		if (network == NULL) {
			does_not_hold("172.30.0.0/%d: vmnet status %u",
			    lengths[i], (unsigned)status);
		}
		CFRelease(network);
	}
	holds("/16, /24 and /29");
}

const struct probe probe = {
	.assumes = "a subnet may have a prefix of 16 to 29 bits",
	.if_holds = "networks.json may have all of them",
	.if_not = "a network with such a subnet is accepted in networks.json, "
		  "and cannot be created (CREATE_FAILURE)",
	.run = run,
};
