// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Waiting with a deadline, on either clock. The kernel does not know the fake
 * clock: with that, a timer of the manager wakes the waiter.
 */

#include "../fault/standin-internal.h"
#include "system.h"

#include <errno.h>
#include <stdlib.h>

void system_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct nudge {
	struct system_timer *timer;
	pthread_cond_t *cond; /* NULL: no thread waits any more */
	pthread_mutex_t *mutex;
};

/* Locked after the waiter's mutex; in the opposite order only trylock is
 * safe. */
static pthread_mutex_t nudge_lock = PTHREAD_MUTEX_INITIALIZER;

static void nudge_fire(void *context)
{
	struct nudge *nudge = context;

	pthread_mutex_lock(&nudge_lock);
	if (nudge->cond != NULL) {
		if (pthread_mutex_trylock(nudge->mutex) == 0) {
			pthread_cond_broadcast(nudge->cond);
			pthread_mutex_unlock(nudge->mutex);
		} else {
			/* Held: perhaps by the waiter, about to wait. */
			system_timer_set(nudge->timer, 0);
		}
	}
	pthread_mutex_unlock(&nudge_lock);
}

static void wait_fake(
    pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline)
{
	struct nudge *nudge = calloc(1, sizeof(*nudge));

	if (nudge == NULL) {
		abort();
	}
	nudge->cond = cond;
	nudge->mutex = mutex;
	nudge->timer = system_timer_create(nudge, nudge_fire);
	system_timer_set(nudge->timer, deadline);
	pthread_cond_wait(cond, mutex);
	pthread_mutex_lock(&nudge_lock);
	nudge->cond = NULL;
	pthread_mutex_unlock(&nudge_lock);
	system_timer_destroy(nudge->timer, free);
}

int system_cond_wait(
    pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / NSEC_PER_SEC),
		.tv_nsec = (long)(deadline % NSEC_PER_SEC),
	};

	if (deadline == UINT64_MAX) {
		return pthread_cond_wait(cond, mutex);
	}
	if (system_uptime() >= deadline) {
		return ETIMEDOUT;
	}
	if (standin_clock_is_fake()) {
		wait_fake(cond, mutex, deadline);
	} else {
		pthread_cond_timedwait(cond, mutex, &until);
	}
	return system_uptime() >= deadline ? ETIMEDOUT : 0;
}
