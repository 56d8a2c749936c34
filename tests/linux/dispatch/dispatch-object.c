// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The common part of all dispatch objects: references, context, finalizer.
 */

#include "dispatch-internal.h"
#include <standin.h>

#include <stdlib.h>

void *object_create(const struct object_class *class, size_t size)
{
	struct dispatch_object_s *object = calloc(1, size);

	if (object == NULL) {
		abort();
	}
	object->class = class;
	atomic_init(&object->external, 1);
	atomic_init(&object->internal, 1);
	if (!class->uncounted) {
		standin_count_add(class->name, 1);
	}
	return object;
}

void object_retain(void *pointer)
{
	struct dispatch_object_s *object = pointer;

	if (!object->immortal) {
		atomic_fetch_add_explicit(
		    &object->internal, 1, memory_order_relaxed);
	}
}

/* The finalizer runs on the target queue, and only when there is a context. */
static void object_destroy(struct dispatch_object_s *object)
{
	const struct object_class *class = object->class;
	dispatch_queue_t target = NULL;

	if (object->finalizer != NULL && object->context != NULL) {
		if (class->get_target != NULL) {
			target = class->get_target(object);
		}
		if (target == NULL) {
			target = dispatch_get_global_queue(0, 0);
		}
		queue_async(target, object->finalizer, object->context);
	}
	if (!class->uncounted) {
		standin_count_add(class->name, -1);
	}
	class->destroy(object);
}

void object_release(void *pointer)
{
	struct dispatch_object_s *object = pointer;

	if (object->immortal) {
		return;
	}
	if (atomic_fetch_sub_explicit(
		&object->internal, 1, memory_order_acq_rel) == 1) {
		object_destroy(object);
	}
}

void dispatch_retain(dispatch_object_t any)
{
	struct dispatch_object_s *object = any._do;

	if (object->immortal) {
		return;
	}
	if (atomic_fetch_add_explicit(
		&object->external, 1, memory_order_relaxed) < 1) {
		system_fatal("LIBDISPATCH: %s: resurrection of a released "
			     "object",
		    object->class->name);
	}
}

void dispatch_release(dispatch_object_t any)
{
	struct dispatch_object_s *object = any._do;
	int before;

	if (object->immortal) {
		return;
	}
	before = atomic_fetch_sub_explicit(
	    &object->external, 1, memory_order_acq_rel);
	if (before < 1) {
		system_fatal("LIBDISPATCH: %s: over-release of an object",
		    object->class->name);
	}
	if (before > 1) {
		return;
	}
	if (object->class->dispose != NULL) {
		object->class->dispose(object);
	}
	object_release(object);
}

void *os_retain(void *object)
{
	dispatch_retain((struct dispatch_object_s *)object);
	return object;
}

void os_release(void *object)
{
	dispatch_release((struct dispatch_object_s *)object);
}

void *dispatch_get_context(dispatch_object_t object)
{
	return object._do->context;
}

void dispatch_set_context(dispatch_object_t object, void *context)
{
	if (!object._do->immortal) {
		object._do->context = context;
	}
}

void dispatch_set_finalizer_f(
    dispatch_object_t object, dispatch_function_t finalizer)
{
	if (!object._do->immortal) {
		object._do->finalizer = finalizer;
	}
}

void dispatch_suspend(dispatch_object_t object)
{
	if (object._do->class->suspend != NULL) {
		object._do->class->suspend(object._do);
	}
}

void dispatch_resume(dispatch_object_t object)
{
	if (object._do->class->resume != NULL) {
		object._do->class->resume(object._do);
	}
}

void dispatch_activate(dispatch_object_t object)
{
	if (object._do->class->activate != NULL) {
		object._do->class->activate(object._do);
	}
}

void dispatch_set_target_queue(dispatch_object_t object, dispatch_queue_t queue)
{
	if (object._do->immortal || object._do->class->set_target == NULL) {
		return;
	}
	if (queue == NULL) {
		queue = dispatch_get_global_queue(0, 0);
	}
	object._do->class->set_target(object._do, queue);
}

void dispatch_set_qos_class_floor(dispatch_object_t object,
    dispatch_qos_class_t qos_class, int relative_priority)
{
	/* All threads have the same quality of service here. */
}
