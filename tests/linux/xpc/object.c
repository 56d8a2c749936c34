// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The common part of all objects: type, references, destruction.
 */

#include "object.h"

#include <errno.h>
#include <stdarg.h>

#include <standin.h>

#include "../os/system.h"
#include "message.h"

static const char *misuse_info;

const char *xpc_debugger_api_misuse_info(void)
{
	return misuse_info;
}

void xmisuse(const char *format, ...)
{
	static char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	misuse_info = text;
	system_fatal("LIBXPC: %s", text);
}

void *xallocate(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL) {
		system_fatal("LIBXPC: out of memory for %zu bytes", size);
	}
	return memory;
}

void *xreallocate(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (memory == NULL) {
		system_fatal("LIBXPC: out of memory for %zu bytes", size);
	}
	return memory;
}

void *xobject_create(xpc_type_t type, size_t size)
{
	struct xobject *object = xallocate(size);

	object->type = type;
	atomic_init(&object->references, 1);
	standin_count_add(type->name, 1);
	return object;
}

void xobject_free(struct xobject *object)
{
	standin_count_add(object->type->name, -1);
	free(object);
}

void xobject_require(xpc_object_t object, xpc_type_t type, const char *caller)
{
	if (object == NULL) {
		xmisuse("%s: NULL where a %s is wanted", caller, type->name);
	}
	if (type == XPC_TYPE_DICTIONARY ? !xobject_is_dictionary(object)
					: !xobject_is(object, type)) {
		xmisuse("%s: given object not of required type: a %s, not a %s",
		    caller, xobject(object)->type->name, type->name);
	}
}

xpc_object_t xpc_retain(xpc_object_t object)
{
	struct xobject *self = xobject(object);
	int references =
	    atomic_load_explicit(&self->references, memory_order_relaxed);

	if (references == XOBJECT_STATIC) {
		return object;
	}
	references = atomic_fetch_add_explicit(
	    &self->references, 1, memory_order_relaxed);
	if (references <= 0) {
		xmisuse("xpc_retain: the object has been freed");
	}
	return object;
}

bool xobject_try_retain(struct xobject *object)
{
	int references =
	    atomic_load_explicit(&object->references, memory_order_relaxed);

	do {
		if (references <= 0) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&object->references,
	    &references, references + 1, memory_order_acquire,
	    memory_order_relaxed));
	return true;
}

/* Drops a reference; returns whether it was the last one. */
static bool drop(struct xobject *object)
{
	int references =
	    atomic_load_explicit(&object->references, memory_order_relaxed);

	if (references == XOBJECT_STATIC) {
		return false;
	}
	references = atomic_fetch_sub_explicit(
	    &object->references, 1, memory_order_acq_rel);
	if (references <= 0) {
		xmisuse("xpc_release: over-release of an object");
	}
	return references == 1;
}

static struct xobject **dead_link(struct xobject *object)
{
	if (object->type == XPC_TYPE_ARRAY) {
		return &((struct xarray *)object)->dead;
	}
	return &((struct _xpc_dictionary_s *)object)->dead;
}

static bool is_container(const struct xobject *object)
{
	return object->type == XPC_TYPE_ARRAY ||
	    object->type == XPC_TYPE_DICTIONARY;
}

/*
 * Containers that have died in this release but still own their children. A
 * child that dies with its container joins the list instead of being freed
 * inside it, so that a deep object needs no more stack.
 */
static _Thread_local struct xobject *dead;
static _Thread_local bool burying;

void xpc_release(xpc_object_t object)
{
	struct xobject *self = xobject(object);

	if (!drop(self)) {
		return;
	}
	if (!is_container(self)) {
		self->type->dispose(self);
		return;
	}
	*dead_link(self) = dead;
	dead = self;
	if (burying) {
		return;
	}
	burying = true;
	while (dead != NULL) {
		self = dead;
		dead = *dead_link(self);
		self->type->dispose(self);
	}
	burying = false;
}

xpc_type_t xpc_get_type(xpc_object_t object)
{
	return xobject(object)->type;
}

const char *xpc_type_get_name(xpc_type_t type)
{
	return type->name;
}

void xstack_push(struct xstack *stack, const void *first, const void *second)
{
	if (stack->count == stack->capacity) {
		stack->capacity =
		    stack->capacity == 0 ? 16 : stack->capacity * 2;
		stack->pairs = xreallocate(
		    stack->pairs, stack->capacity * sizeof(stack->pairs[0]));
	}
	stack->pairs[stack->count].first = (void *)first;
	stack->pairs[stack->count].second = (void *)second;
	stack->count++;
}

bool xstack_pop(struct xstack *stack, struct xpair *pair)
{
	if (stack->count == 0) {
		xstack_free(stack);
		return false;
	}
	*pair = stack->pairs[--stack->count];
	return true;
}

void xstack_free(struct xstack *stack)
{
	free(stack->pairs);
	*stack = (struct xstack){ 0 };
}

void xtext_printf(struct xtext *text, const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length == -1) {
		xmisuse("a text cannot be formatted: %s", strerror(errno));
	}
	if (text->capacity - text->length <= (size_t)length) {
		text->capacity = (text->length + (size_t)length + 64) * 2;
		text->text = xreallocate(text->text, text->capacity);
	}
	vsnprintf(text->text + text->length, text->capacity - text->length,
	    format, again);
	va_end(again);
	text->length += (size_t)length;
}
