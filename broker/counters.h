// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Counts events since the broker started. Plain C.
 */

#ifndef COUNTERS_H
#define COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "registry.h"

/* Number of vmnet statuses that are counted separately. */
#define COUNTERS_STATUSES 16

struct counters {
	uint64_t acquires; /* granted */
	uint64_t refusals[FAILURE_STATUSES];
	uint64_t creations;
	uint64_t longest_creation; /* ns */
	/* The first is status 0: the broker's own failures, such as a timeout,
	 * and those vmnet statuses for which there is no room. */
	struct {
		int64_t vmnet_status;
		uint64_t count;
	} failures[COUNTERS_STATUSES];
	size_t failure_count; /* entries in failures after the first */
};

/* Counts an event at the time now (ns, the registry's clock). */
void counters_add_event(struct counters *counters,
    const struct registry_event *event, uint64_t now);

/* A request was refused. */
void counters_add_refusal(
    struct counters *counters, enum failure_status status);

#endif
