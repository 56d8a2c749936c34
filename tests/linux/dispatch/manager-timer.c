// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Timers: a heap of deadlines. Fired and freed by the manager thread only, so
 * that a timer cannot go away under its own handler.
 */

#include "manager.h"

#include <stdlib.h>

#define NOT_IN_HEAP SIZE_MAX

struct system_timer {
	uint64_t deadline;
	size_t place;
	void *context;
	dispatch_function_t handler;
	dispatch_function_t finished;
};

static struct {
	pthread_mutex_t lock;
	struct system_timer **heap;
	size_t count;
	size_t room;
} timers = { .lock = PTHREAD_MUTEX_INITIALIZER };

void timers_forget(void)
{
	pthread_mutex_init(&timers.lock, NULL);
	timers.count = 0;
}

static void place(struct system_timer *timer, size_t i)
{
	timers.heap[i] = timer;
	timer->place = i;
}

static void sift_up(struct system_timer *timer, size_t i)
{
	while (i > 0 && timers.heap[(i - 1) / 2]->deadline > timer->deadline) {
		place(timers.heap[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	place(timer, i);
}

static void sift_down(struct system_timer *timer, size_t i)
{
	for (size_t child = 2 * i + 1; child < timers.count;
	     child = 2 * i + 1) {
		if (child + 1 < timers.count &&
		    timers.heap[child + 1]->deadline <
			timers.heap[child]->deadline) {
			child++;
		}
		if (timers.heap[child]->deadline >= timer->deadline) {
			break;
		}
		place(timers.heap[child], i);
		i = child;
	}
	place(timer, i);
}

static void heap_add(struct system_timer *timer)
{
	if (timers.count == timers.room) {
		timers.room = timers.room == 0 ? 16 : 2 * timers.room;
		timers.heap =
		    realloc(timers.heap, timers.room * sizeof(*timers.heap));
		if (timers.heap == NULL) {
			abort();
		}
	}
	timers.count++;
	sift_up(timer, timers.count - 1);
}

static void heap_remove(struct system_timer *timer)
{
	size_t i = timer->place;
	struct system_timer *last;

	if (i == NOT_IN_HEAP) {
		return;
	}
	timer->place = NOT_IN_HEAP;
	timers.count--;
	last = timers.heap[timers.count];
	if (last != timer) {
		sift_up(last, i);
		sift_down(last, last->place);
	}
}

struct system_timer *system_timer_create(
    void *context, dispatch_function_t handler)
{
	struct system_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL) {
		abort();
	}
	timer->place = NOT_IN_HEAP;
	timer->context = context;
	timer->handler = handler;
	return timer;
}

void system_timer_set(struct system_timer *timer, uint64_t deadline)
{
	bool first = false;

	manager_start();
	pthread_mutex_lock(&timers.lock);
	heap_remove(timer);
	if (deadline != UINT64_MAX) {
		timer->deadline = deadline;
		heap_add(timer);
		first = timer->place == 0;
	}
	pthread_mutex_unlock(&timers.lock);
	if (first) {
		manager_wake();
	}
}

static void timer_finish(void *context)
{
	struct system_timer *timer = context;

	if (timer->finished != NULL) {
		timer->finished(timer->context);
	}
	free(timer);
}

void system_timer_destroy(
    struct system_timer *timer, dispatch_function_t finished)
{
	if (timer == NULL) {
		return;
	}
	pthread_mutex_lock(&timers.lock);
	heap_remove(timer);
	pthread_mutex_unlock(&timers.lock);
	timer->finished = finished;
	system_manager_post(timer, timer_finish);
}

uint64_t timers_run(void)
{
	struct system_timer *timer;
	uint64_t next = UINT64_MAX;

	pthread_mutex_lock(&timers.lock);
	while (timers.count > 0) {
		timer = timers.heap[0];
		if (timer->deadline > system_uptime()) {
			next = timer->deadline;
			break;
		}
		heap_remove(timer);
		pthread_mutex_unlock(&timers.lock);
		timer->handler(timer->context);
		pthread_mutex_lock(&timers.lock);
	}
	pthread_mutex_unlock(&timers.lock);
	return next;
}
