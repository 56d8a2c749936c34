// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Queues as objects: creation, destruction, suspension, targets.
 */

#include "dispatch-internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * Suspension. An inactive queue has one more, which resume or activate ends.
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
	queue_unlock_and_pump(queue);
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
	/* Items queued before go to the old target, later ones to the new
	 * target. */
	retarget = calloc(1, sizeof(*retarget));
	item = calloc(1, sizeof(*item));
	if (retarget == NULL || item == NULL) {
		abort();
	}
	*retarget = (struct retarget){ .queue = queue, .target = target };
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

/*
 * Attributes are values: one static object for each combination.
 */
struct dispatch_queue_attr_s {
	struct dispatch_object_s object;
	bool concurrent;
	bool inactive;
};

static const struct object_class attr_class = { .name = "dispatch_queue_attr" };

#define ATTR(is_concurrent, is_inactive)                                       \
	{                                                                      \
		.object = { .class = &attr_class, .immortal = true },          \
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
	dispatch_queue_t queue = object_create(class, sizeof(*queue));

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

dispatch_workloop_t dispatch_workloop_create(const char *label)
{
	return dispatch_queue_create(label, DISPATCH_QUEUE_SERIAL);
}

dispatch_workloop_t dispatch_workloop_create_inactive(const char *label)
{
	return dispatch_queue_create(label, DISPATCH_QUEUE_SERIAL_INACTIVE);
}

void dispatch_workloop_set_autorelease_frequency(
    dispatch_workloop_t workloop, dispatch_autorelease_frequency_t frequency)
{
}

dispatch_queue_t system_queue_create(dispatch_queue_t target, bool suspended)
{
	dispatch_queue_t queue = queue_new(&hidden_class, NULL, target);

	queue->serial = true;
	queue->hidden = true;
	queue->suspended = suspended ? 1 : 0;
	return queue;
}
