// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	vmnet_network_configuration_ref config =
	    configure(VMNET_SHARED_MODE, NULL, 0);
	vmnet_return_t status = VMNET_FAILURE;

	if (vmnet_network_configuration_set_external_interface(
		config, "none99") == VMNET_SUCCESS &&
	    try_create(config, &status) != NULL) {
		does_not_hold("a network with the external interface "
			      "\"none99\" was created");
	}
	holds("vmnet status %u", (unsigned)status);
}

const struct probe probe = {
	.assumes = "vmnet refuses an external interface that does not exist",
	.if_holds = "the client of such a network gets CREATE_FAILURE",
	.if_not = "such a network is created, and its VMs do not reach the "
		  "external network; nothing reports it",
	.run = run,
};
