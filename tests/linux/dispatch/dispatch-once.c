// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A predicate is 0, then an address that identifies the thread that runs the
 * function, then -1.
 */

#include "dispatch-internal.h"

static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t once_cond = PTHREAD_COND_INITIALIZER;
static _Thread_local char once_self;

enum { ONCE_NEVER = 0, ONCE_DONE = -1 };

/* Returns true if the caller must run the function; otherwise waits until
 * another thread has run it. */
static bool once_begin(dispatch_once_t *predicate)
{
	bool mine = false;

	pthread_mutex_lock(&once_lock);
	if (*predicate == (intptr_t)&once_self) {
		system_fatal("LIBDISPATCH: dispatch_once: trying to lock "
			     "recursively");
	}
	if (*predicate == ONCE_NEVER) {
		__atomic_store_n(
		    predicate, (intptr_t)&once_self, __ATOMIC_RELAXED);
		mine = true;
	}
	system_blocking_begin();
	while (!mine && *predicate != ONCE_DONE) {
		pthread_cond_wait(&once_cond, &once_lock);
	}
	system_blocking_end();
	pthread_mutex_unlock(&once_lock);
	return mine;
}

void dispatch_once_f(
    dispatch_once_t *predicate, void *context, dispatch_function_t function)
{
	if (__atomic_load_n(predicate, __ATOMIC_ACQUIRE) == ONCE_DONE ||
	    !once_begin(predicate)) {
		return;
	}
	function(context);
	pthread_mutex_lock(&once_lock);
	__atomic_store_n(predicate, ONCE_DONE, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&once_cond);
	pthread_mutex_unlock(&once_lock);
}

static void once_block(void *block)
{
	((dispatch_block_t)block)();
}

void dispatch_once(dispatch_once_t *predicate, dispatch_block_t block)
{
	dispatch_once_f(predicate, (void *)block, once_block);
}
