// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#include <signal.h>

static void run(void)
{
	const char *gateway = subnet_address(1);
	int end = -1;
	pid_t pid = 0;

	ask_before_harm();
	pid = owner_start(gateway, &end);
	kill(pid, SIGKILL);
	check_free_after(pid, gateway);
}

const struct probe probe = {
	.assumes = "the subnet of a network is free when its owner was killed",
	.if_holds = "a broker that was killed can use its subnets again",
	.if_not = "the broker cannot use a required subnet again "
		  "(CREATE_FAILURE), and chooses others for networks without "
		  "one; it holds transactions so that launchd does not kill it",
	.run = run,
};
