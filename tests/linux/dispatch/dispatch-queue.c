// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Moving items through queues (see dispatch-internal.h).
 */

#include "dispatch-internal.h"

#include <stdlib.h>

static _Thread_local struct item *current;

void item_list_init(struct item_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

void item_list_append(struct item_list *list, struct item *item)
{
	item->next = NULL;
	*list->tail = item;
	list->tail = &item->next;
}

struct item *item_list_take(struct item_list *list)
{
	struct item *item = list->head;

	if (item != NULL) {
		list->head = item->next;
		if (list->head == NULL) {
			list->tail = &list->head;
		}
	}
	return item;
}

struct item *item_current(void)
{
	return current;
}

static void queue_push(
    dispatch_queue_t queue, struct item *item, struct item_list *ready);

/* Whether the first item in the queue may start now. The lock is held. */
static bool queue_admits(dispatch_queue_t queue, const struct item *item)
{
	if (queue->suspended > 0 || queue->inactive || queue->exclusive) {
		return false;
	}
	if (queue->serial || (item->barrier && item->path[0] == queue)) {
		return queue->running == 0;
	}
	return true;
}

/* Starts the items that may start. The lock is held. */
static void queue_pump(dispatch_queue_t queue, struct item_list *ready)
{
	struct item *item;

	while (queue->items.head != NULL &&
	    queue_admits(queue, queue->items.head)) {
		item = item_list_take(&queue->items);
		queue->running++;
		queue->exclusive =
		    queue->serial || (item->barrier && item->path[0] == queue);
		queue_push(queue->target, item, ready);
	}
}

static void queue_push(
    dispatch_queue_t queue, struct item *item, struct item_list *ready)
{
	if (item->depth == DISPATCH_PATH_MAX) {
		system_fatal(
		    "LIBDISPATCH: %s: target hierarchy too deep", queue->label);
	}
	item->path[item->depth] = queue;
	item->depth++;
	object_retain(queue);
	if (queue->root != QUEUE_NO_ROOT) {
		item_list_append(ready, item);
		return;
	}
	pthread_mutex_lock(&queue->lock);
	item_list_append(&queue->items, item);
	queue_pump(queue, ready);
	pthread_mutex_unlock(&queue->lock);
}

/* An item that ran in the queue leaves it. */
static void queue_leave(dispatch_queue_t queue, struct item_list *ready)
{
	if (queue->root == QUEUE_NO_ROOT) {
		pthread_mutex_lock(&queue->lock);
		queue->running--;
		queue->exclusive = false;
		queue_pump(queue, ready);
		pthread_mutex_unlock(&queue->lock);
	}
}

static void item_wake(struct item *item);

void item_list_flush(struct item_list *ready)
{
	for (struct item *item = item_list_take(ready); item != NULL;
	     item = item_list_take(ready)) {
		if (item->path[item->depth - 1]->root == QUEUE_ROOT_MAIN &&
		    main_keep(item)) {
			continue;
		}
		if (item->waiter != NULL) {
			item_wake(item);
		} else {
			pool_push(item);
		}
	}
}

void queue_unlock_and_pump(dispatch_queue_t queue)
{
	struct item_list ready;

	item_list_init(&ready);
	queue_pump(queue, &ready);
	pthread_mutex_unlock(&queue->lock);
	item_list_flush(&ready);
}

void queue_item_push(dispatch_queue_t queue, struct item *item)
{
	struct item_list ready;

	item_list_init(&ready);
	queue_push(queue, item, &ready);
	item_list_flush(&ready);
}

void queue_async(
    dispatch_queue_t queue, dispatch_function_t work, void *context)
{
	struct item *item = calloc(1, sizeof(*item));

	if (item == NULL) {
		abort();
	}
	item->work = work;
	item->context = context;
	queue_item_push(queue, item);
}

/* Leaves the queues of the path, root first; puts what starts into ready. */
static void item_leave(struct item *item, struct item_list *ready)
{
	for (unsigned i = item->depth; i > 0; i--) {
		queue_leave(item->path[i - 1], ready);
	}
	for (unsigned i = item->depth; i > 0; i--) {
		object_release(item->path[i - 1]);
	}
}

static void item_work(struct item *item)
{
	item->outer = current;
	current = item;
	item->work(item->context);
	current = item->outer;
}

/*
 * Synchronous items. The item and its waiter live on the stack of the thread
 * that waits.
 */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool woken;
};

static void item_wake(struct item *item)
{
	struct waiter *waiter = item->waiter;

	pthread_mutex_lock(&waiter->lock);
	waiter->woken = true;
	pthread_cond_signal(&waiter->cond);
	pthread_mutex_unlock(&waiter->lock);
}

struct item *item_run(struct item *item)
{
	struct item_list ready;
	struct item *next = NULL;

	item_list_init(&ready);
	item_work(item);
	item_leave(item, &ready);
	free(item);
	/* Avoids waking another thread for an item that this thread can run
	 * next. */
	if (ready.head != NULL && ready.head->waiter == NULL &&
	    ready.head->path[ready.head->depth - 1]->root == QUEUE_ROOT_POOL) {
		next = item_list_take(&ready);
	}
	item_list_flush(&ready);
	return next;
}

static void waiter_wait(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->lock);
	if (!waiter->woken) {
		system_blocking_begin();
		while (!waiter->woken) {
			pthread_cond_wait(&waiter->cond, &waiter->lock);
		}
		system_blocking_end();
	}
	pthread_mutex_unlock(&waiter->lock);
}

/* Whether waiting for a turn in the queue would wait for this thread itself. */
static bool queue_owned_by_caller(dispatch_queue_t queue, bool barrier)
{
	if (main_is_bound() && queue == dispatch_get_main_queue()) {
		return true;
	}
	for (const struct item *item = current; item != NULL;
	     item = item->outer) {
		for (unsigned i = 0; i < item->depth; i++) {
			if (item->path[i] == queue &&
			    (queue->serial || barrier ||
				(i == 0 && item->barrier))) {
				return queue->root == QUEUE_NO_ROOT;
			}
		}
	}
	return false;
}

/* The target, which another thread may be about to change; NULL of a root. */
static dispatch_queue_t queue_copy_target(dispatch_queue_t queue)
{
	dispatch_queue_t target = NULL;

	if (queue->root == QUEUE_NO_ROOT) {
		pthread_mutex_lock(&queue->lock);
		target = queue->target;
		object_retain(target);
		pthread_mutex_unlock(&queue->lock);
	}
	return target;
}

static void queue_check_deadlock(dispatch_queue_t queue, bool barrier)
{
	dispatch_queue_t next;

	object_retain(queue);
	for (dispatch_queue_t at = queue; at != NULL; at = next) {
		if (queue_owned_by_caller(at, barrier && at == queue)) {
			system_fatal("LIBDISPATCH: dispatch_sync called on "
				     "queue already owned by current thread "
				     "(%s)",
			    at->label);
		}
		next = queue_copy_target(at);
		object_release(at);
	}
}

static void queue_sync(dispatch_queue_t queue, dispatch_function_t work,
    void *context, bool barrier)
{
	struct waiter waiter = { .woken = false };
	struct item item = { .work = work,
		.context = context,
		.barrier = barrier,
		.waiter = &waiter };
	struct item_list ready;

	queue_check_deadlock(queue, barrier);
	pthread_mutex_init(&waiter.lock, NULL);
	pthread_cond_init(&waiter.cond, NULL);
	queue_item_push(queue, &item);
	waiter_wait(&waiter);
	item_list_init(&ready);
	item_work(&item);
	item_leave(&item, &ready);
	item_list_flush(&ready);
	pthread_cond_destroy(&waiter.cond);
	pthread_mutex_destroy(&waiter.lock);
}

void dispatch_sync_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	queue_sync(queue, work, context, false);
}

void dispatch_barrier_sync_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work)
{
	queue_sync(queue, work, context, true);
}
