// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_network_configuration_ref config =
	    configure(VMNET_SHARED_MODE, NULL, 0);
	vmnet_return_t status = VMNET_SUCCESS;

	vmnet_network_configuration_disable_nat44(config);
	if (try_create(config, &status) == NULL) {
		does_not_hold("vmnet status %u", (unsigned)status);
	}
	holds("a shared network with NAT66 alone was created");
}

const struct probe probe = {
	.assumes = "a shared network may do without NAT44 if it has NAT66",
	.if_holds = "networks.json may have \"nat44\": false",
	.if_not = "such a network is accepted in networks.json, and cannot be "
		  "created (CREATE_FAILURE); use mode host instead",
	.run = run,
};
