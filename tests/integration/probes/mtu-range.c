// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	static const uint32_t sizes[] = { 1280, 1500 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		vmnet_network_configuration_ref config =
		    configure(VMNET_HOST_MODE, NULL, 0);
		vmnet_return_t status = VMNET_SUCCESS;
		vmnet_network_ref network = NULL;
		struct port port = { 0 };

		vmnet_network_configuration_set_mtu(config, sizes[i]);
		network = try_create(config, &status);
		if (network != NULL) {
			status = port_start(&port, network);
		}
		if (status != VMNET_SUCCESS) {
			does_not_hold("MTU %u: vmnet status %u",
			    (unsigned)sizes[i], (unsigned)status);
		}
		port_stop(&port);
		CFRelease(network);
	}
	holds("1280 and 1500");
}

const struct probe probe = {
	.assumes = "a network may have an MTU of 1280 to 1500",
	.if_holds = "networks.json may have all of them",
	.if_not = "a network with such an MTU is accepted in networks.json, "
		  "and cannot be created or used",
	.run = run,
};
