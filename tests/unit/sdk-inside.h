// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The inside of the SDK, for its tests: they include vmnet-broker.c, not link
 * it, before this, for its queue and its state. When events_settle() returns,
 * what was queued before is over, and nothing needs to sleep. That protocol.h
 * comes before the SDK lets the compiler compare the two.
 */

#ifndef SDK_INSIDE_H
#define SDK_INSIDE_H

#include <sched.h>

#include "sdk-fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* All events and replies that have arrived have been handled. */
static inline void events_settle(void)
{
	dispatch_sync(events,
	    ^{
	    });
}

/* Waits until a hold pauses before it asks again, or has its answer. Returns
 * for how long, or 0 if it is granted or refused. */
static inline int64_t pause_or_end(vmnet_broker_hold_t hold)
{
	int64_t delay = -1;

	while (delay == -1) {
		sched_yield();
		pthread_mutex_lock(&lock);
		if (is_settled(hold)) {
			delay = 0;
		} else if (hold->connection == NULL) {
			delay = hold->delay;
		}
		pthread_mutex_unlock(&lock);
	}
	return delay;
}

/* The same for a hold that has no answer, or loses what it had. */
static inline int64_t pause_wait(vmnet_broker_hold_t hold)
{
	int64_t delay = 0;

	while (delay == 0) {
		delay = pause_or_end(hold);
	}
	return delay;
}

#endif
