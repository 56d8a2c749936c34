// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reference counts. Misuse that crashes a program on macOS also ends it here,
 * with a message: NULL, a pointer to no CF object, or a freed object.
 */

#include "cf-object.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <standin.h>

#define STATE_LIVE 0x6c69766563666f62ULL
#define STATE_FREED 0x6465616463666f62ULL

__attribute__((noreturn)) static void fatal(const char *caller, const char *why)
{
	fprintf(stderr, "%s: %s\n", caller, why);
	abort();
}

static struct cf_object *check(const void *pointer, const char *caller)
{
	struct cf_object *object = (struct cf_object *)(uintptr_t)pointer;

	if (object == NULL) {
		fatal(caller, "called with NULL");
	}
	if (object->state == STATE_FREED) {
		fatal(caller, "the object was freed before");
	}
	if (object->state != STATE_LIVE) {
		fatal(caller, "not a CoreFoundation object");
	}
	return object;
}

void *cf_object_create(const struct cf_class *class, size_t size)
{
	struct cf_object *object = calloc(1, size);

	if (object == NULL) {
		return NULL;
	}
	object->class = class;
	object->state = STATE_LIVE;
	object->retains = 1;
	standin_count_add(class->name, 1);
	return object;
}

void cf_object_check(
    const void *object, const struct cf_class *class, const char *caller)
{
	if (check(object, caller)->class != class) {
		fatal(caller, "an object of another type");
	}
}

CFTypeRef CFRetain(CFTypeRef cf)
{
	__atomic_add_fetch(&check(cf, __func__)->retains, 1, __ATOMIC_RELAXED);
	return cf;
}

void CFRelease(CFTypeRef cf)
{
	struct cf_object *object = check(cf, __func__);
	const struct cf_class *class = object->class;

	if (__atomic_sub_fetch(&object->retains, 1, __ATOMIC_ACQ_REL) > 0) {
		return;
	}
	if (class->finalize != NULL) {
		class->finalize(object);
	}
	object->state = STATE_FREED;
	free(object);
	standin_count_add(class->name, -1);
}

CFIndex CFGetRetainCount(CFTypeRef cf)
{
	return __atomic_load_n(&check(cf, __func__)->retains, __ATOMIC_RELAXED);
}

CFTypeID CFGetTypeID(CFTypeRef cf)
{
	return (CFTypeID)(uintptr_t)check(cf, __func__)->class;
}

Boolean CFEqual(CFTypeRef cf1, CFTypeRef cf2)
{
	struct cf_object *one = check(cf1, __func__);
	struct cf_object *other = check(cf2, __func__);

	if (one == other) {
		return true;
	}
	return one->class == other->class && one->class->equal != NULL &&
	    one->class->equal(one, other);
}
