// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_return_t status = VMNET_SUCCESS;

	if (geteuid() == 0) {
		cannot_tell("this is root: run it as an ordinary user");
	}
	if (vmnet_network_create(
		configure(VMNET_SHARED_MODE, NULL, 0), &status) == NULL) {
		does_not_hold("vmnet status %u", (unsigned)status);
	}
	holds("user %u has a network", (unsigned)geteuid());
}

const struct probe probe = {
	.assumes = "an ordinary user may create a network, if the program has "
		   "the virtualization entitlement",
	.if_holds = "the broker runs as _vmnetbroker, without root",
	.if_not = "the broker answers CREATE_FAILURE and logs the status",
	.run = run,
};
