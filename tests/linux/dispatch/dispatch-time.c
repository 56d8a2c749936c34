// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Times. An uptime is its nanoseconds; a wall time is minus its nanoseconds
 * since 1970, so that its top bit is set: the encoding that programs on macOS
 * see.
 */

#include "dispatch-internal.h"

#include <errno.h>
#include <time.h>

#define TIME_MAX ((uint64_t)INT64_MAX)

static bool time_is_wall(dispatch_time_t when)
{
	return when > TIME_MAX && when != DISPATCH_TIME_FOREVER;
}

/* UINT64_MAX if the sum would overflow. */
static uint64_t add(uint64_t nanoseconds, int64_t delta)
{
	if (delta >= 0) {
		nanoseconds += (uint64_t)delta;
		return nanoseconds > TIME_MAX ? UINT64_MAX : nanoseconds;
	}
	if (0 - (uint64_t)delta >= nanoseconds) {
		return 1; /* 0 means now, and this is long ago */
	}
	return nanoseconds + (uint64_t)delta;
}

static dispatch_time_t wall(uint64_t nanoseconds, int64_t delta)
{
	uint64_t sum = add(nanoseconds, delta);

	if (sum == UINT64_MAX) {
		return DISPATCH_TIME_FOREVER;
	}
	/* -1 is forever and -2 is now. */
	return 0 - (sum < 3 ? 3 : sum);
}

dispatch_time_t dispatch_time(dispatch_time_t when, int64_t delta)
{
	if (when == DISPATCH_TIME_FOREVER) {
		return DISPATCH_TIME_FOREVER;
	}
	if (when == DISPATCH_WALLTIME_NOW) {
		return wall(system_walltime(), delta);
	}
	if (time_is_wall(when)) {
		return wall(0 - when, delta);
	}
	if (when == DISPATCH_TIME_NOW) {
		when = system_uptime();
	}
	return add(when, delta);
}

dispatch_time_t dispatch_walltime(const struct timespec *when, int64_t delta)
{
	uint64_t nanoseconds;

	if (when == NULL) {
		nanoseconds = system_walltime();
	} else {
		nanoseconds = (uint64_t)when->tv_sec * NSEC_PER_SEC +
		    (uint64_t)when->tv_nsec;
	}
	return wall(nanoseconds, delta);
}

uint64_t system_deadline(dispatch_time_t when)
{
	uint64_t now = system_uptime();
	uint64_t then;

	if (when == DISPATCH_TIME_FOREVER) {
		return UINT64_MAX;
	}
	if (when == DISPATCH_TIME_NOW || when == DISPATCH_WALLTIME_NOW) {
		return now;
	}
	if (time_is_wall(when)) {
		then = 0 - when;
		return add(now, (int64_t)(then - system_walltime()));
	}
	return when;
}
