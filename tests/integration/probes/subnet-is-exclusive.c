// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	const char *gateway = subnet_address(1);
	vmnet_return_t status = VMNET_SUCCESS;

	create(configure(VMNET_HOST_MODE, gateway, 24));
	if (try_create(configure(VMNET_HOST_MODE, gateway, 24), &status) !=
	    NULL) {
		does_not_hold("two networks use %s/24", gateway);
	}
	if (status != VMNET_FAILURE) {
		does_not_hold(
		    "refused with status %u instead of 1001", (unsigned)status);
	}
	holds("the second network was refused with status 1001");
}

const struct probe probe = {
	.assumes = "vmnet refuses a subnet that another network uses, with "
		   "status 1001",
	.if_holds = "the broker treats 1001 as \"the subnet is in use\", and "
		    "tries the next one if the subnet was not required",
	.if_not = "networks of different programs may use the same subnet; the "
		  "broker only keeps its own networks apart",
	.run = run,
};
