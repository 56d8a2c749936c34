// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What the tests of the dispatch stand-in share.
 */

#ifndef DISPATCH_FIXTURE_H
#define DISPATCH_FIXTURE_H

#include <dispatch/dispatch.h>

#include <setjmp.h>
#include <standin.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A teardown: the test left no object behind. The last reference may be a
 * thread's that has just run the last item: it goes soon, or never.
 */
int all_gone(void **state);

/* Enough blocks for what goes wrong only now and then. */
#define MANY 1000

/* Waits forever. */
void wait_for(dispatch_semaphore_t semaphore);

/* Waits until what was queued has run, and releases the queue. */
void finish(dispatch_queue_t queue);

/* What a test hears of its source. */
struct heard {
	dispatch_queue_t queue;
	dispatch_source_t source; /* its handlers run on the queue */
	dispatch_semaphore_t event;
	dispatch_semaphore_t cancel;
	atomic_ulong data; /* of the last event */
	atomic_int events;
};

/* The source is not active yet. */
struct heard *heard_create(
    dispatch_source_type_t type, uintptr_t handle, uintptr_t mask);

/* Cancels; waits until the cancel handler has run; it runs once. */
void heard_destroy(struct heard *heard);

#endif
