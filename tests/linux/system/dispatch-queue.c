/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * Queues: making them, and moving items through them (see
 * dispatch-internal.h).
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

/* May what is first in the queue start now? The lock is held. */
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

/* Lets start what may. The lock is held. */
static void queue_pump(dispatch_queue_t queue, struct item_list *ready)
{
	struct item *item;

	while (queue->items.head != NULL &&
		queue_admits(queue, queue->items.head)) {
		item = item_list_take(&queue->items);
		queue->running++;
		queue->exclusive = queue->serial ||
			(item->barrier && item->path[0] == queue);
		queue_push(queue->target, item, ready);
	}
}

static void queue_push(
	dispatch_queue_t queue, struct item *item, struct item_list *ready)
{
	if (item->depth == DISPATCH_PATH_MAX) {
		system_fatal("LIBDISPATCH: %s: target hierarchy too deep",
			queue->label);
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

/* Hands what reached a root to who runs it. */
static void ready_flush(struct item_list *ready)
{
	struct item *item;

	for (item = item_list_take(ready); item != NULL;
		item = item_list_take(ready)) {
		if (item->path[item->depth - 1]->root == QUEUE_ROOT_MAIN) {
			main_push(item);
		} else if (item->waiter != NULL) {
			item_wake(item);
		} else {
			pool_push(item);
		}
	}
}

void queue_item_push(dispatch_queue_t queue, struct item *item)
{
	struct item_list ready;

	item_list_init(&ready);
	queue_push(queue, item, &ready);
	ready_flush(&ready);
}

void queue_async(
	dispatch_queue_t queue, dispatch_function_t work, void *context)
{
	struct item *item = calloc(1, sizeof *item);

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
	unsigned i;

	for (i = item->depth; i > 0; i--) {
		queue_leave(item->path[i - 1], ready);
	}
	for (i = item->depth; i > 0; i--) {
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
	bool done; /* the main thread has run it */
};

static void item_wake_as(struct item *item, bool done)
{
	struct waiter *waiter = item->waiter;

	pthread_mutex_lock(&waiter->lock);
	waiter->woken = true;
	waiter->done = done;
	pthread_cond_signal(&waiter->cond);
	pthread_mutex_unlock(&waiter->lock);
}

static void item_wake(struct item *item)
{
	item_wake_as(item, false);
}

struct item *item_run(struct item *item)
{
	struct waiter *waiter = item->waiter;
	struct item_list ready;
	struct item *next = NULL;

	item_list_init(&ready);
	item_work(item);
	item_leave(item, &ready);
	if (waiter != NULL) {
		item_wake_as(item, true);
	} else {
		free(item);
	}
	/* Saves waking another thread for what this one can do next. */
	if (ready.head != NULL && ready.head->waiter == NULL &&
		ready.head->path[ready.head->depth - 1]->root ==
			QUEUE_ROOT_POOL) {
		next = item_list_take(&ready);
	}
	ready_flush(&ready);
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

/* Would waiting for a turn in the queue wait for this very thread? */
static bool queue_owned_by_caller(dispatch_queue_t queue, bool barrier)
{
	const struct item *item;
	unsigned i;

	if (main_is_bound() && queue == dispatch_get_main_queue()) {
		return true;
	}
	for (item = current; item != NULL; item = item->outer) {
		for (i = 0; i < item->depth; i++) {
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
	dispatch_queue_t at;
	dispatch_queue_t next;

	object_retain(queue);
	for (at = queue; at != NULL; at = next) {
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
	struct waiter waiter = {.woken = false};
	struct item item = {.work = work,
		.context = context,
		.barrier = barrier,
		.waiter = &waiter};
	struct item_list ready;

	queue_check_deadlock(queue, barrier);
	pthread_mutex_init(&waiter.lock, NULL);
	pthread_cond_init(&waiter.cond, NULL);
	queue_item_push(queue, &item);
	waiter_wait(&waiter);
	if (!waiter.done) {
		item_list_init(&ready);
		item_work(&item);
		item_leave(&item, &ready);
		ready_flush(&ready);
	}
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

/*
 * Suspension. Inactive is one suspension more, which resume or activate ends.
 */
static void queue_suspend(struct dispatch_object_s *object)
{
	dispatch_queue_t queue = (dispatch_queue_t)object;

	pthread_mutex_lock(&queue->lock);
	queue->suspended++;
	pthread_mutex_unlock(&queue->lock);
}

static void queue_unsuspend(dispatch_queue_t queue, bool activate)
{
	struct item_list ready;

	item_list_init(&ready);
	pthread_mutex_lock(&queue->lock);
	if (queue->inactive) {
		queue->inactive = false;
	} else if (!activate) {
		if (queue->suspended == 0) {
			system_fatal("LIBDISPATCH: dispatch_resume: "
				     "over-resume of an object (%s)",
				queue->label);
		}
		queue->suspended--;
	}
	queue_pump(queue, &ready);
	pthread_mutex_unlock(&queue->lock);
	ready_flush(&ready);
}

static void queue_resume(struct dispatch_object_s *object)
{
	queue_unsuspend((dispatch_queue_t)object, false);
}

static void queue_activate(struct dispatch_object_s *object)
{
	queue_unsuspend((dispatch_queue_t)object, true);
}

/*
 * Targets
 */
struct retarget {
	dispatch_queue_t queue;
	dispatch_queue_t target;
};

/* Consumes a reference of target. */
static void queue_retarget_now(dispatch_queue_t queue, dispatch_queue_t target)
{
	dispatch_queue_t old = queue->target;

	queue->target = target;
	pthread_mutex_unlock(&queue->lock);
	object_release(old);
}

static void queue_retarget_later(void *context)
{
	struct retarget *retarget = context;

	pthread_mutex_lock(&retarget->queue->lock);
	queue_retarget_now(retarget->queue, retarget->target);
	free(retarget);
}

static void queue_set_target(
	struct dispatch_object_s *object, dispatch_queue_t target)
{
	dispatch_queue_t queue = (dispatch_queue_t)object;
	struct retarget *retarget;
	struct item *item;

	object_retain(target);
	pthread_mutex_lock(&queue->lock);
	if (queue->immutable && !queue->inactive) {
		system_fatal("LIBDISPATCH: dispatch_set_target_queue: cannot "
			     "change the target of this object after it has "
			     "been activated (%s)",
			queue->label);
	}
	if (queue->running == 0 &&
		(queue->inactive || queue->items.head == NULL)) {
		queue_retarget_now(queue, target);
		return;
	}
	pthread_mutex_unlock(&queue->lock);
	/* What is queued before goes the old way, what comes after the new. */
	retarget = calloc(1, sizeof *retarget);
	item = calloc(1, sizeof *item);
	if (retarget == NULL || item == NULL) {
		abort();
	}
	*retarget = (struct retarget){.queue = queue, .target = target};
	item->work = queue_retarget_later;
	item->context = retarget;
	item->barrier = true;
	queue_item_push(queue, item);
}

static dispatch_queue_t queue_get_target(struct dispatch_object_s *object)
{
	return ((dispatch_queue_t)object)->target;
}

/*
 * Life and death
 */
void specifics_destroy(struct specific *specifics);

static void queue_dispose(struct dispatch_object_s *object)
{
	dispatch_queue_t queue = (dispatch_queue_t)object;

	pthread_mutex_lock(&queue->lock);
	if (!queue->hidden && (queue->suspended > 0 || queue->inactive)) {
		system_fatal("LIBDISPATCH: dispatch_release: release of %s "
			     "object (%s)",
			queue->inactive ? "an inactive" : "a suspended",
			queue->label);
	}
	pthread_mutex_unlock(&queue->lock);
}

static void queue_destroy(struct dispatch_object_s *object)
{
	dispatch_queue_t queue = (dispatch_queue_t)object;

	specifics_destroy(queue->specifics);
	pthread_mutex_destroy(&queue->lock);
	object_release(queue->target);
	free((char *)queue->label);
	free(queue);
}

static const struct object_class queue_class = {
	.name = "dispatch_queue",
	.dispose = queue_dispose,
	.destroy = queue_destroy,
	.suspend = queue_suspend,
	.resume = queue_resume,
	.activate = queue_activate,
	.set_target = queue_set_target,
	.get_target = queue_get_target,
};

static const struct object_class hidden_class = {
	.name = "hidden queue",
	.uncounted = true,
	.dispose = queue_dispose,
	.destroy = queue_destroy,
	.suspend = queue_suspend,
	.resume = queue_resume,
	.activate = queue_activate,
	.set_target = queue_set_target,
	.get_target = queue_get_target,
};

const struct object_class root_class = {.name = "root queue"};

/*
 * Attributes are values: one static object for each combination.
 */
struct dispatch_queue_attr_s {
	struct dispatch_object_s object;
	bool concurrent;
	bool inactive;
};

static const struct object_class attr_class = {.name = "dispatch_queue_attr"};

#define ATTR(is_concurrent, is_inactive)                                       \
	{                                                                      \
		.object = {.class = &attr_class, .immortal = true},            \
		.concurrent = is_concurrent, .inactive = is_inactive           \
	}

struct dispatch_queue_attr_s _dispatch_queue_attr_concurrent =
	ATTR(true, false);
static struct dispatch_queue_attr_s attr_concurrent_inactive = ATTR(true, true);
static struct dispatch_queue_attr_s attr_serial_inactive = ATTR(false, true);
static struct dispatch_queue_attr_s attr_serial = ATTR(false, false);

dispatch_queue_attr_t dispatch_queue_attr_make_initially_inactive(
	dispatch_queue_attr_t attr)
{
	if (attr != NULL && attr->concurrent) {
		return &attr_concurrent_inactive;
	}
	return &attr_serial_inactive;
}

dispatch_queue_attr_t dispatch_queue_attr_make_with_qos_class(
	dispatch_queue_attr_t attr, dispatch_qos_class_t qos_class,
	int relative_priority)
{
	return attr == NULL ? &attr_serial : attr;
}

dispatch_queue_attr_t dispatch_queue_attr_make_with_autorelease_frequency(
	dispatch_queue_attr_t attr, dispatch_autorelease_frequency_t frequency)
{
	return attr == NULL ? &attr_serial : attr;
}

static dispatch_queue_t queue_new(const struct object_class *class,
	const char *label, dispatch_queue_t target)
{
	dispatch_queue_t queue = object_create(class, sizeof *queue);

	queue->label = strdup(label == NULL ? "" : label);
	if (queue->label == NULL) {
		abort();
	}
	if (target == NULL) {
		target = dispatch_get_global_queue(0, 0);
	}
	object_retain(target);
	queue->target = target;
	pthread_mutex_init(&queue->lock, NULL);
	item_list_init(&queue->items);
	return queue;
}

dispatch_queue_t dispatch_queue_create_with_target(
	const char *label, dispatch_queue_attr_t attr, dispatch_queue_t target)
{
	dispatch_queue_t queue = queue_new(&queue_class, label, target);

	queue->serial = attr == NULL || !attr->concurrent;
	queue->inactive = attr != NULL && attr->inactive;
	queue->immutable = true;
	return queue;
}

dispatch_queue_t dispatch_queue_create(
	const char *label, dispatch_queue_attr_t attr)
{
	dispatch_queue_t queue =
		dispatch_queue_create_with_target(label, attr, NULL);

	queue->immutable = false;
	return queue;
}

dispatch_queue_t system_queue_create(dispatch_queue_t target, bool suspended)
{
	dispatch_queue_t queue = queue_new(&hidden_class, NULL, target);

	queue->serial = true;
	queue->hidden = true;
	queue->suspended = suspended ? 1 : 0;
	return queue;
}
