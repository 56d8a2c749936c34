// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * How libraries of the stand-in make objects for CFRetain and CFRelease: a
 * struct that begins with a struct cf_object, on the heap.
 */

#ifndef CF_OBJECT_H
#define CF_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <CoreFoundation/CFBase.h>

struct cf_class {
	const char *name; /* also the type in the count of live objects */
	void (*finalize)(void *object); /* frees what is inside; may be NULL */
	/* For CFEqual; NULL: an object is equal to itself only. */
	bool (*equal)(const void *one, const void *other);
};

struct cf_object {
	const struct cf_class *class;
	uint64_t state; /* distinguishes a live object from a freed one */
	long retains;
};

/* Returns size zeroed bytes with one reference, or NULL with errno ENOMEM. */
void *cf_object_create(const struct cf_class *class, size_t size);

/* Aborts with a message unless object is a live object of class. */
void cf_object_check(
    const void *object, const struct cf_class *class, const char *caller);

#endif /* CF_OBJECT_H */
