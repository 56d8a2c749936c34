// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

static void run(void)
{
	const char *gateway = subnet_address(1);
	int end = -1;
	pid_t pid = 0;

	ask_before_harm();
	pid = owner_start(gateway, &end);
	close(end);
	check_free_after(pid, gateway);
}

const struct probe probe = {
	.assumes = "the subnet of a network is free when its owner exited "
		   "without a release",
	.if_holds = "a broker that exits in the middle of a call leaves "
		    "nothing behind",
	.if_not = "the same as for a killed owner; the broker releases its "
		  "networks before it exits, unless a call hangs",
	.run = run,
};
