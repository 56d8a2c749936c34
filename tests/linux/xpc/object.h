// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The memory layout of XPC objects, and the interfaces between the files that
 * implement them. Nothing declared here is visible outside libSystem.
 *
 * Objects are immutable and shared freely between threads, except arrays and
 * dictionaries, which belong to one thread at a time, as on macOS.
 *
 * Nothing here recurses over an object: a message may be 10,000 levels deep,
 * and it is freed, copied, compared, encoded and described on whatever small
 * stack a worker thread has.
 */

#ifndef XPC_OBJECT_H
#define XPC_OBJECT_H

#include <stdatomic.h>
#include <stddef.h>
#include <xpc/xpc.h>

#pragma GCC visibility push(hidden)

struct xobject;

struct _xpc_type_s {
	const char *name;
	/* Frees what the object refers to, then the object itself. */
	void (*dispose)(struct xobject *object);
};

/* Never freed: null, the two booleans, the errors. */
#define XOBJECT_STATIC (-1)

struct xobject {
	const struct _xpc_type_s *type;
	atomic_int references;
	/* Containers: how many of their children are yet to be freed. */
	unsigned int flags;
};

struct _xpc_bool_s {
	struct xobject object;
	bool value;
};

struct xnumber {
	struct xobject object;
	union {
		int64_t int64; /* also a date */
		uint64_t uint64;
		double number;
	};
};

/* Data, and strings: those have a NUL after their length. */
struct xbytes {
	struct xobject object;
	size_t length;
	char bytes[];
};

struct xuuid {
	struct xobject object;
	uint8_t bytes[16];
};

/* Descriptors, shared memory (a memfd) and endpoints: one descriptor, owned. */
struct xdescriptor {
	struct xobject object;
	int fd;
	uint64_t length; /* of shared memory */
};

struct xarray {
	struct xobject object;
	struct xobject *dead; /* see xobject_release() */
	struct xobject **values;
	size_t count;
	size_t capacity;
};

/* In the order of insertion; hashed from the ninth entry on. */
struct xentry {
	struct xentry *next, *previous;
	struct xentry *chain;
	struct xobject *value;
	const char *key; /* allocated with the entry */
	uint64_t hash;
};

struct xmessage;

struct _xpc_dictionary_s {
	struct xobject object;
	struct xobject *dead; /* see xobject_release() */
	struct xentry *first, *last;
	struct xentry **buckets;
	size_t bucket_count; /* 0, or a power of two */
	size_t count;
	struct xmessage *message; /* received, or a reply to be sent */
};

/* Prints why and aborts; the reason is a sentence without a full stop. */
_Noreturn void xmisuse(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Never NULL: if out of memory, the stand-in aborts. */
void *xallocate(size_t size);
void *xreallocate(void *old, size_t size);

/* size: of the whole object; its first reference is the caller's. */
void *xobject_create(xpc_type_t type, size_t size);
/* For dispose functions: the last thing they do. */
void xobject_free(struct xobject *object);
/* Takes a reference unless the object is being freed. */
bool xobject_try_retain(struct xobject *object);
/* Aborts, naming the function, when object is not of that type. */
void xobject_require(xpc_object_t object, xpc_type_t type, const char *caller);

/* fd becomes the object's. */
struct xobject *xdescriptor_create(xpc_type_t type, int fd, uint64_t length);
struct xobject *xbytes_create(
    xpc_type_t type, const void *bytes, size_t length);

/* A reference to value is taken over. Keys are copied. */
void xdictionary_put(struct _xpc_dictionary_s *dictionary, const char *key,
    struct xobject *value);
void xarray_put(struct xarray *array, size_t index, struct xobject *value);

static inline struct xobject *xobject(xpc_object_t object)
{
	return object;
}

static inline bool xobject_is(xpc_object_t object, xpc_type_t type)
{
	return xobject(object)->type == type;
}

/* Both an error and a message are read with xpc_dictionary_get_*(). */
static inline bool xobject_is_dictionary(xpc_object_t object)
{
	return xobject_is(object, XPC_TYPE_DICTIONARY) ||
	    xobject_is(object, XPC_TYPE_ERROR);
}

/*
 * A stack of pairs, for walks over nested objects. Zeroed is empty.
 */
struct xstack {
	struct xpair {
		void *first, *second;
	} * pairs;
	size_t count, capacity;
};

void xstack_push(struct xstack *stack, const void *first, const void *second);
/* false: empty, and its memory has been freed. */
bool xstack_pop(struct xstack *stack, struct xpair *pair);
void xstack_free(struct xstack *stack);

/* Text that grows. Zeroed is empty. */
struct xtext {
	char *text;
	size_t length, capacity;
};

void xtext_printf(struct xtext *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#pragma GCC visibility pop

#endif
