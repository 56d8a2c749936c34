// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "counters.h"

static void add_creation(struct counters *counters, uint64_t took)
{
	counters->creations++;
	if (took > counters->longest_creation) {
		counters->longest_creation = took;
	}
}

static void add_failure(struct counters *counters, int64_t vmnet_status)
{
	size_t i = 0;

	while (i <= counters->failure_count &&
	    counters->failures[i].vmnet_status != vmnet_status) {
		i++;
	}
	if (i == COUNTERS_STATUSES) {
		i = 0;
	} else if (i > counters->failure_count) {
		counters->failures[i].vmnet_status = vmnet_status;
		counters->failure_count = i;
	}
	counters->failures[i].count++;
}

void counters_add_event(
    struct counters *counters, const struct registry_event *event, uint64_t now)
{
	switch (event->kind) {
	case REGISTRY_CREATED:
		add_creation(counters, now - event->network->since);
		break;
	case REGISTRY_FAILED:
		/* A release that timed out is not counted. */
		if (event->network->state == NETWORK_CREATING) {
			add_failure(counters, event->failure->vmnet_status);
		}
		break;
	case REGISTRY_ACQUIRED:
		counters->acquires++;
		break;
	case REGISTRY_RELEASED:
	case REGISTRY_STATE:
		break;
	}
}

void counters_add_refusal(struct counters *counters, enum failure_status status)
{
	counters->refusals[status]++;
}
