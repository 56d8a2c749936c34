// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Event sources: states and handlers (see dispatch-source.h).
 */

#include "dispatch-source.h"

#include <Block.h>
#include <stdlib.h>

/*
 * Handlers
 */
static void handler_drop(struct handler handler)
{
	if (handler.block != NULL) {
		Block_release(handler.block);
	}
}

/* Takes ownership of the block. */
static void source_set_handler(struct dispatch_source_s *source,
    enum source_handler which, struct handler handler)
{
	struct handler old;

	pthread_mutex_lock(&source->lock);
	old = source->handlers[which];
	source->handlers[which] = handler;
	pthread_mutex_unlock(&source->lock);
	handler_drop(old);
}

static void source_set_block(struct dispatch_source_s *source,
    enum source_handler which, dispatch_block_t block)
{
	struct handler handler = { NULL, NULL };

	if (block != NULL) {
		handler.block = Block_copy(block);
	}
	source_set_handler(source, which, handler);
}

static void source_set_function(struct dispatch_source_s *source,
    enum source_handler which, dispatch_function_t function)
{
	source_set_handler(source, which, (struct handler){ function, NULL });
}

/*
 * Calls the handler. It may be replaced meanwhile, from any thread and by
 * itself: what runs holds its own reference.
 */
static void source_call(
    struct dispatch_source_s *source, enum source_handler which)
{
	struct handler handler;

	pthread_mutex_lock(&source->lock);
	handler = source->handlers[which];
	if (handler.block != NULL) {
		handler.block = Block_copy(handler.block);
	}
	pthread_mutex_unlock(&source->lock);
	if (handler.block != NULL) {
		block_call(handler.block);
	} else if (handler.function != NULL) {
		handler.function(source->object.context);
	}
}

static void source_drop_handlers(struct dispatch_source_s *source)
{
	source_set_function(source, SOURCE_EVENT, NULL);
	source_set_function(source, SOURCE_CANCEL, NULL);
	source_set_function(source, SOURCE_REGISTRATION, NULL);
}

/*
 * Events
 */
static bool source_is_over(const struct dispatch_source_s *source)
{
	return source->cancelled || source->disposed;
}

/* On the source's queue. Takes over the reference that the event had. */
static void source_fire(void *context)
{
	struct dispatch_source_s *source = context;
	bool over;

	pthread_mutex_lock(&source->lock);
	source->scheduled = false;
	over = source_is_over(source);
	source->data = source->pending;
	source->pending = 0;
	if (!over && source->type->data != NULL) {
		source->data = source->type->data(source, source->data);
	}
	/* A timer that was set again in the meantime has no event. */
	over = over || (source->data == 0 && !source->type->zero);
	pthread_mutex_unlock(&source->lock);
	if (!over) {
		source_call(source, SOURCE_EVENT);
	}
	pthread_mutex_lock(&source->lock);
	if (source->armed && !source_is_over(source) &&
	    source->type->rearm != NULL) {
		source->type->rearm(source);
	}
	pthread_mutex_unlock(&source->lock);
	object_release(source);
}

static void source_combine(struct dispatch_source_s *source, uintptr_t data)
{
	switch (source->type->merge) {
	case SOURCE_ADD:
		source->pending += data;
		break;
	case SOURCE_OR:
		source->pending |= data;
		break;
	case SOURCE_REPLACE:
		source->pending = data;
		break;
	}
}

void source_merge(struct dispatch_source_s *source, uintptr_t data)
{
	bool schedule = false;

	pthread_mutex_lock(&source->lock);
	if (!source_is_over(source)) {
		source_combine(source, data);
		schedule = !source->scheduled;
		source->scheduled = true;
	}
	if (schedule) {
		object_retain(source);
	}
	pthread_mutex_unlock(&source->lock);
	if (schedule) {
		queue_async(source->queue, source_fire, source);
	}
}

/*
 * The end
 */

/* On the source's queue: nothing runs there after this. */
static void source_end(void *context)
{
	struct dispatch_source_s *source = context;

	if (source->cancelled) {
		source_call(source, SOURCE_CANCEL);
	}
	source_drop_handlers(source);
	object_release(source);
}

void source_disarmed(void *context)
{
	struct dispatch_source_s *source = context;

	queue_async(source->queue, source_end, source);
}

/*
 * Disarms once, as soon as the source is both active and over. The lock is
 * held. source_end() releases the reference that is taken here.
 */
static void source_stop(struct dispatch_source_s *source)
{
	object_retain(source);
	if (source->armed) {
		source->armed = false;
		source->type->disarm(source);
	} else {
		source_disarmed(source);
	}
}

void dispatch_source_cancel(dispatch_source_t source)
{
	pthread_mutex_lock(&source->lock);
	if (!source_is_over(source)) {
		source->cancelled = true;
		if (source->active) {
			source_stop(source);
		}
	}
	pthread_mutex_unlock(&source->lock);
}

static void source_dispose(struct dispatch_object_s *object)
{
	struct dispatch_source_s *source = (void *)object;

	pthread_mutex_lock(&source->lock);
	if (!source->active || source->suspended > 0) {
		system_fatal("LIBDISPATCH: dispatch_release: release of %s "
			     "object (source of type %s)",
		    source->active ? "a suspended" : "an inactive",
		    source->type->name);
	}
	if (!source_is_over(source)) {
		source->disposed = true;
		source_stop(source);
	}
	pthread_mutex_unlock(&source->lock);
}

static void source_destroy(struct dispatch_object_s *object)
{
	struct dispatch_source_s *source = (void *)object;

	source_drop_handlers(source);
	pthread_mutex_destroy(&source->lock);
	dispatch_release(source->queue);
	free(source);
}

/*
 * Activation, suspension
 */
static void source_register(void *context)
{
	struct dispatch_source_s *source = context;
	bool over;

	pthread_mutex_lock(&source->lock);
	over = source_is_over(source);
	pthread_mutex_unlock(&source->lock);
	if (!over) {
		source_call(source, SOURCE_REGISTRATION);
		source_set_function(source, SOURCE_REGISTRATION, NULL);
	}
	object_release(source);
}

static bool source_activate_first(struct dispatch_source_s *source)
{
	pthread_mutex_lock(&source->lock);
	if (source->active) {
		pthread_mutex_unlock(&source->lock);
		return false;
	}
	source->active = true;
	object_retain(source);
	queue_async(source->queue, source_register, source);
	if (source->cancelled) {
		source_stop(source);
	} else {
		source->armed = true;
		source->type->arm(source);
	}
	pthread_mutex_unlock(&source->lock);
	dispatch_resume(source->queue);
	return true;
}

static void source_activate(struct dispatch_object_s *object)
{
	source_activate_first((void *)object);
}

static void source_suspend(struct dispatch_object_s *object)
{
	struct dispatch_source_s *source = (void *)object;

	pthread_mutex_lock(&source->lock);
	source->suspended++;
	pthread_mutex_unlock(&source->lock);
	dispatch_suspend(source->queue);
}

static void source_resume(struct dispatch_object_s *object)
{
	struct dispatch_source_s *source = (void *)object;

	if (source_activate_first(source)) {
		return;
	}
	pthread_mutex_lock(&source->lock);
	if (source->suspended == 0) {
		system_fatal("LIBDISPATCH: dispatch_resume: over-resume of an "
			     "object (source of type %s)",
		    source->type->name);
	}
	source->suspended--;
	pthread_mutex_unlock(&source->lock);
	dispatch_resume(source->queue);
}

static void source_set_target(
    struct dispatch_object_s *object, dispatch_queue_t target)
{
	dispatch_set_target_queue(
	    ((struct dispatch_source_s *)object)->queue, target);
}

static dispatch_queue_t source_get_target(struct dispatch_object_s *object)
{
	return ((struct dispatch_source_s *)object)->queue->target;
}

static const struct object_class source_class = {
	.name = "dispatch_source",
	.dispose = source_dispose,
	.destroy = source_destroy,
	.suspend = source_suspend,
	.resume = source_resume,
	.activate = source_activate,
	.set_target = source_set_target,
	.get_target = source_get_target,
};

dispatch_source_t dispatch_source_create(dispatch_source_type_t type,
    uintptr_t handle, uintptr_t mask, dispatch_queue_t queue)
{
	struct dispatch_source_s *source;

	if (type->check != NULL && !type->check(handle, mask)) {
		return NULL;
	}
	source = object_create(&source_class, sizeof(*source));
	source->type = type;
	source->handle = handle;
	source->mask = mask;
	source->fd = -1;
	source->schedule.next = UINT64_MAX;
	source->queue = system_queue_create(queue, true);
	pthread_mutex_init(&source->lock, NULL);
	return source;
}

void dispatch_source_set_event_handler(
    dispatch_source_t source, dispatch_block_t handler)
{
	source_set_block(source, SOURCE_EVENT, handler);
}

void dispatch_source_set_cancel_handler(
    dispatch_source_t source, dispatch_block_t handler)
{
	source_set_block(source, SOURCE_CANCEL, handler);
}

void dispatch_source_set_registration_handler(
    dispatch_source_t source, dispatch_block_t handler)
{
	source_set_block(source, SOURCE_REGISTRATION, handler);
}

void dispatch_source_set_event_handler_f(
    dispatch_source_t source, dispatch_function_t handler)
{
	source_set_function(source, SOURCE_EVENT, handler);
}

void dispatch_source_set_cancel_handler_f(
    dispatch_source_t source, dispatch_function_t handler)
{
	source_set_function(source, SOURCE_CANCEL, handler);
}

void dispatch_source_set_registration_handler_f(
    dispatch_source_t source, dispatch_function_t handler)
{
	source_set_function(source, SOURCE_REGISTRATION, handler);
}

intptr_t dispatch_source_testcancel(dispatch_source_t source)
{
	bool cancelled;

	pthread_mutex_lock(&source->lock);
	cancelled = source->cancelled;
	pthread_mutex_unlock(&source->lock);
	return cancelled;
}

uintptr_t dispatch_source_get_handle(dispatch_source_t source)
{
	return source->handle;
}

uintptr_t dispatch_source_get_mask(dispatch_source_t source)
{
	return source->mask;
}

uintptr_t dispatch_source_get_data(dispatch_source_t source)
{
	uintptr_t data;

	pthread_mutex_lock(&source->lock);
	data = source->data;
	pthread_mutex_unlock(&source->lock);
	return data;
}
