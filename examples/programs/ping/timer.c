// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: timers.
 *
 * Starting a timer again cancels its previous block: only the block that was
 * scheduled last has an effect.
 */

#include "guest.h"

#include <time.h>

#include <dispatch/dispatch.h>

struct timer step_timer;
struct timer lease_timer;

void timer_start(struct timer *timer, double seconds, void (*act)(void))
{
	unsigned turn = ++timer->turn;
	int64_t delay = (int64_t)(seconds * (double)NSEC_PER_SEC);

	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, delay),
	    dispatch_get_main_queue(), ^{
		    if (timer->turn == turn) {
			    act();
		    }
	    });
}

void timer_stop(struct timer *timer)
{
	timer->turn++;
}

double seconds_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
