// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Functions that submit work to a queue: blocks, barriers, after, apply.
 */

#include "dispatch-internal.h"
#include "dispatch-block.h"

#include <Block.h>
#include <stdlib.h>

void block_call(void *block)
{
	((dispatch_block_t)block)();
	Block_release(block);
}

static void block_borrow(void *block)
{
	((dispatch_block_t)block)();
}

void dispatch_async_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	queue_async(queue, work, context);
}

static void barrier_async(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	struct item *item = calloc(1, sizeof(*item));

	if (item == NULL) {
		abort();
	}
	item->work = work;
	item->context = context;
	item->barrier = true;
	queue_item_push(queue, item);
}

void dispatch_barrier_async_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	barrier_async(queue, context, work);
}

void dispatch_async(dispatch_queue_t queue, dispatch_block_t block)
{
	if (block_is_barrier(block)) {
		barrier_async(queue, Block_copy(block), block_call);
	} else {
		queue_async(queue, block_call, Block_copy(block));
	}
}

void dispatch_barrier_async(dispatch_queue_t queue, dispatch_block_t block)
{
	barrier_async(queue, Block_copy(block), block_call);
}

void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block)
{
	if (block_is_barrier(block)) {
		dispatch_barrier_sync_f(queue, (void *)block, block_borrow);
	} else {
		dispatch_sync_f(queue, (void *)block, block_borrow);
	}
}

void dispatch_barrier_sync(dispatch_queue_t queue, dispatch_block_t block)
{
	dispatch_barrier_sync_f(queue, (void *)block, block_borrow);
}

/* Differs from sync only in which thread's attributes the work gets. */
void dispatch_async_and_wait(dispatch_queue_t queue, dispatch_block_t block)
{
	dispatch_sync(queue, block);
}

void dispatch_async_and_wait_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	dispatch_sync_f(queue, context, work);
}

void dispatch_barrier_async_and_wait(
    dispatch_queue_t queue, dispatch_block_t block)
{
	dispatch_barrier_sync(queue, block);
}

void dispatch_barrier_async_and_wait_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	dispatch_barrier_sync_f(queue, context, work);
}

/*
 * After
 */
struct later {
	struct system_timer *timer;
	dispatch_queue_t queue;
	dispatch_function_t work;
	void *context;
};

static void later_free(void *context)
{
	struct later *later = context;

	object_release(later->queue);
	free(later);
}

static void later_fire(void *context)
{
	struct later *later = context;

	queue_async(later->queue, later->work, later->context);
	system_timer_destroy(later->timer, later_free);
}

void dispatch_after_f(dispatch_time_t when, dispatch_queue_t queue,
    void *context, dispatch_function_t work)
{
	struct later *later;

	if (when == DISPATCH_TIME_NOW) {
		queue_async(queue, work, context);
		return;
	}
	if (when == DISPATCH_TIME_FOREVER) {
		return;
	}
	later = calloc(1, sizeof(*later));
	if (later == NULL) {
		abort();
	}
	object_retain(queue);
	later->queue = queue;
	later->work = work;
	later->context = context;
	later->timer = system_timer_create(later, later_fire);
	system_timer_set(later->timer, system_deadline(when));
}

void dispatch_after(
    dispatch_time_t when, dispatch_queue_t queue, dispatch_block_t block)
{
	if (when != DISPATCH_TIME_FOREVER) {
		dispatch_after_f(when, queue, Block_copy(block), block_call);
	}
}

/*
 * Apply. Helpers take iterations as long as there are any; the caller does so
 * too, and then waits for those that helpers have begun.
 */
#define APPLY_HELPERS 3

struct apply {
	atomic_size_t next;
	atomic_int references;
	size_t iterations;
	void *context;
	void (*work)(void *context, size_t iteration);
	pthread_mutex_t lock;
	pthread_cond_t cond;
	size_t done;
};

static void apply_release(struct apply *apply)
{
	if (atomic_fetch_sub(&apply->references, 1) == 1) {
		pthread_cond_destroy(&apply->cond);
		pthread_mutex_destroy(&apply->lock);
		free(apply);
	}
}

static void apply_work(struct apply *apply)
{
	size_t i = atomic_fetch_add(&apply->next, 1);
	size_t done = 0;

	for (; i < apply->iterations; i = atomic_fetch_add(&apply->next, 1)) {
		apply->work(apply->context, i);
		done++;
	}
	pthread_mutex_lock(&apply->lock);
	apply->done += done;
	pthread_cond_broadcast(&apply->cond);
	pthread_mutex_unlock(&apply->lock);
}

static void apply_help(void *context)
{
	apply_work(context);
	apply_release(context);
}

static void apply_lead(void *context)
{
	apply_work(context);
}

static void apply_wait(struct apply *apply)
{
	pthread_mutex_lock(&apply->lock);
	system_blocking_begin();
	while (apply->done < apply->iterations) {
		pthread_cond_wait(&apply->cond, &apply->lock);
	}
	system_blocking_end();
	pthread_mutex_unlock(&apply->lock);
}

void dispatch_apply_f(size_t iterations, dispatch_queue_t queue, void *context,
    void (*work)(void *context, size_t iteration))
{
	struct apply *apply;

	if (iterations == 0) {
		return;
	}
	apply = calloc(1, sizeof(*apply));
	if (apply == NULL) {
		abort();
	}
	atomic_init(&apply->references, 1);
	apply->iterations = iterations;
	apply->context = context;
	apply->work = work;
	pthread_mutex_init(&apply->lock, NULL);
	pthread_cond_init(&apply->cond, NULL);
	if (queue == DISPATCH_APPLY_AUTO) {
		queue = dispatch_get_global_queue(0, 0);
	}
	for (size_t i = 1;
	     !queue->serial && i < iterations && i <= APPLY_HELPERS; i++) {
		atomic_fetch_add(&apply->references, 1);
		queue_async(queue, apply_help, apply);
	}
	dispatch_sync_f(queue, apply, apply_lead);
	apply_wait(apply);
	apply_release(apply);
}

static void apply_block(void *context, size_t iteration)
{
	void (^block)(size_t) = (void (^)(size_t))context;

	block(iteration);
}

void dispatch_apply(
    size_t iterations, dispatch_queue_t queue, void (^block)(size_t))
{
	dispatch_apply_f(iterations, queue, (void *)block, apply_block);
}
