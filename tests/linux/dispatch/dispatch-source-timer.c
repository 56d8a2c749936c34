// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Timers. The manager's timer is armed for the next deadline only; how many
 * have passed is counted when the handler is about to run. Leeway is ignored:
 * nothing is coalesced.
 */

#include "dispatch-source.h"

static void timer_fire(void *context)
{
	source_merge(context, 1);
}

/* The lock is held, here and below. */
static void timer_rearm(struct dispatch_source_s *source)
{
	system_timer_set(source->timer, source->schedule.next);
}

static void timer_arm(struct dispatch_source_s *source)
{
	source->timer = system_timer_create(source, timer_fire);
	timer_rearm(source);
}

static void timer_disarm(struct dispatch_source_s *source)
{
	system_timer_destroy(source->timer, source_disarmed);
	source->timer = NULL;
}

/* How often the timer was due since the handler last ran. */
static uintptr_t timer_data(struct dispatch_source_s *source, uintptr_t data)
{
	struct source_timer *schedule = &source->schedule;
	uint64_t now = system_uptime();
	uint64_t missed;

	if (schedule->next == UINT64_MAX || schedule->next > now) {
		return 0; /* set anew after it had fired */
	}
	if (schedule->interval == UINT64_MAX) {
		schedule->next = UINT64_MAX;
		return 1;
	}
	missed = (now - schedule->next) / schedule->interval;
	schedule->next += (missed + 1) * schedule->interval;
	return missed + 1;
}

const struct dispatch_source_type_s _dispatch_source_type_timer = {
	.name = "timer",
	.merge = SOURCE_ADD,
	.arm = timer_arm,
	.rearm = timer_rearm,
	.disarm = timer_disarm,
	.data = timer_data,
};

void dispatch_source_set_timer(dispatch_source_t source, dispatch_time_t start,
    uint64_t interval, uint64_t leeway)
{
	if (source->type != DISPATCH_SOURCE_TYPE_TIMER) {
		system_fatal("LIBDISPATCH: attempt to set timer on a non-timer "
			     "source (type %s)",
		    source->type->name);
	}
	pthread_mutex_lock(&source->lock);
	source->schedule.next = system_deadline(start);
	/* 0 is no interval at all: as often as possible, as on macOS. */
	source->schedule.interval = interval == 0 ? 1
	    : interval > INT64_MAX                ? UINT64_MAX
						  : interval;
	if (source->armed) {
		timer_rearm(source);
	}
	pthread_mutex_unlock(&source->lock);
}
