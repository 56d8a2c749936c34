// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Dictionaries and errors: entries in the order of insertion, found by hash
 * when there are more than a few. The hash is seeded, so that a peer cannot
 * choose 100,000 keys that collide.
 */

#include "object.h"

#include <pthread.h>
#include <sys/random.h>

#include "message.h"

/* With at most this many entries, a search compares all of them. */
#define UNHASHED_MAX 8

static void dispose(struct xobject *object);

XPC_TYPE(_xpc_type_dictionary) = { "dictionary", dispose };
XPC_TYPE(_xpc_type_error) = { "error", NULL };

const char *const _xpc_error_key_description = "XPCErrorDescription";
const char *const _xpc_event_key_name = "XPCEventName";

/*
 * An error is a constant dictionary with one entry. The text has no flexible
 * array here: a struct with the same beginning stands in for struct xbytes.
 */
#define ERROR(name, text)                                                      \
	static const struct {                                                  \
		struct xobject object;                                         \
		size_t length;                                                 \
		char bytes[sizeof(text)];                                      \
	} name##_text = { { .type = XPC_TYPE_STRING,                           \
			      .references = XOBJECT_STATIC },                  \
		sizeof(text) - 1, text };                                      \
	static const struct xentry name##_entry = {                            \
		.value = (struct xobject *)&name##_text,                       \
		.key = "XPCErrorDescription"                                   \
	};                                                                     \
	const struct _xpc_dictionary_s name = {                                \
		.object = { .type = XPC_TYPE_ERROR,                            \
		    .references = XOBJECT_STATIC },                            \
		.first = (struct xentry *)&name##_entry,                       \
		.last = (struct xentry *)&name##_entry,                        \
		.count = 1                                                     \
	}

_Static_assert(
    offsetof(struct xbytes, bytes) == sizeof(struct xobject) + sizeof(size_t),
    "the text of an error would not be where a string has it");

ERROR(_xpc_error_connection_interrupted, "Connection interrupted");
ERROR(_xpc_error_connection_invalid, "Connection invalid");
ERROR(_xpc_error_termination_imminent, "Process is about to terminate");
ERROR(_xpc_error_peer_code_signing_requirement,
    "Peer does not satisfy the code signing requirement");

static uint64_t seed;

static void seed_choose(void)
{
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		seed = (uintptr_t)&seed;
	}
}

static uint64_t hash(const char *key)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t value;

	pthread_once(&once, seed_choose);
	value = seed;
	while (*key != '\0') {
		value = (value ^ (unsigned char)*key++) * 0x9e3779b97f4a7c15;
		value ^= value >> 32;
	}
	return value;
}

static struct xentry *find(
    const struct _xpc_dictionary_s *self, const char *key)
{
	struct xentry *entry;
	uint64_t wanted;

	if (self->bucket_count == 0) {
		entry = self->first;
		while (entry != NULL && strcmp(entry->key, key) != 0) {
			entry = entry->next;
		}
		return entry;
	}
	wanted = hash(key);
	entry = self->buckets[wanted & (self->bucket_count - 1)];
	while (entry != NULL &&
	    (entry->hash != wanted || strcmp(entry->key, key) != 0)) {
		entry = entry->chain;
	}
	return entry;
}

static void chain(struct _xpc_dictionary_s *self, struct xentry *entry)
{
	struct xentry **bucket =
	    &self->buckets[entry->hash & (self->bucket_count - 1)];

	entry->chain = *bucket;
	*bucket = entry;
}

static void grow(struct _xpc_dictionary_s *self)
{
	self->bucket_count = self->count * 4;
	while ((self->bucket_count & (self->bucket_count - 1)) != 0) {
		self->bucket_count &= self->bucket_count - 1;
	}
	free(self->buckets);
	self->buckets = xallocate(self->bucket_count * sizeof(struct xentry *));
	for (struct xentry *entry = self->first; entry != NULL;
	     entry = entry->next) {
		entry->hash = hash(entry->key);
		chain(self, entry);
	}
}

static void insert(
    struct _xpc_dictionary_s *self, const char *key, struct xobject *value)
{
	size_t size = strlen(key) + 1;
	struct xentry *entry = xallocate(sizeof(*entry) + size);

	memcpy(entry + 1, key, size);
	entry->key = (char *)(entry + 1);
	entry->value = value;
	entry->previous = self->last;
	if (self->last == NULL) {
		self->first = entry;
	} else {
		self->last->next = entry;
	}
	self->last = entry;
	self->count++;
	if (self->count > UNHASHED_MAX && self->count > self->bucket_count) {
		grow(self);
	} else if (self->bucket_count != 0) {
		entry->hash = hash(key);
		chain(self, entry);
	}
}

static void take_out(struct _xpc_dictionary_s *self, struct xentry *entry)
{
	struct xentry **link;

	if (self->bucket_count != 0) {
		link = &self->buckets[entry->hash & (self->bucket_count - 1)];
		while (*link != entry) {
			link = &(*link)->chain;
		}
		*link = entry->chain;
	}
	if (entry->previous == NULL) {
		self->first = entry->next;
	} else {
		entry->previous->next = entry->next;
	}
	if (entry->next == NULL) {
		self->last = entry->previous;
	} else {
		entry->next->previous = entry->previous;
	}
	self->count--;
}

void xdictionary_put(
    struct _xpc_dictionary_s *self, const char *key, struct xobject *value)
{
	struct xentry *entry = find(self, key);
	struct xobject *old;

	if (entry == NULL) {
		insert(self, key, value);
		return;
	}
	old = entry->value;
	entry->value = value;
	xpc_release(old);
}

static void dispose(struct xobject *object)
{
	struct _xpc_dictionary_s *self = (struct _xpc_dictionary_s *)object;
	struct xentry *entry = self->first, *next;

	for (; entry != NULL; entry = next) {
		next = entry->next;
		xpc_release(entry->value);
		free(entry);
	}
	free(self->buckets);
	xmessage_destroy(self->message);
	xobject_free(object);
}

xpc_object_t xpc_dictionary_create(
    const char *const *keys, const xpc_object_t *values, size_t count)
{
	xpc_object_t self = xpc_dictionary_create_empty();

	for (size_t i = 0; i < count; i++) {
		if (values[i] != NULL) {
			xpc_dictionary_set_value(self, keys[i], values[i]);
		}
	}
	return self;
}

xpc_object_t xpc_dictionary_create_empty(void)
{
	return xobject_create(
	    XPC_TYPE_DICTIONARY, sizeof(struct _xpc_dictionary_s));
}

void xpc_dictionary_set_value(
    xpc_object_t xdict, const char *key, xpc_object_t value)
{
	struct xentry *entry;

	/* An error is constant. */
	if (!xobject_is(xdict, XPC_TYPE_DICTIONARY)) {
		xmisuse("xpc_dictionary_set_value: given object not of "
			"required type: a %s, not a dictionary",
		    xobject(xdict)->type->name);
	}
	if (value != NULL) {
		xdictionary_put(xdict, key, xpc_retain(value));
		return;
	}
	entry = find(xdict, key);
	if (entry != NULL) {
		take_out(xdict, entry);
		xpc_release(entry->value);
		free(entry);
	}
}

xpc_object_t xpc_dictionary_get_value(xpc_object_t xdict, const char *key)
{
	struct xentry *entry;

	xobject_require(xdict, XPC_TYPE_DICTIONARY, "xpc_dictionary_get_value");
	entry = find(xdict, key);
	return entry == NULL ? NULL : entry->value;
}

size_t xpc_dictionary_get_count(xpc_object_t xdict)
{
	xobject_require(xdict, XPC_TYPE_DICTIONARY, "xpc_dictionary_get_count");
	return ((struct _xpc_dictionary_s *)xdict)->count;
}

/* The applier may replace values, and remove the entry that it is given. */
bool xpc_dictionary_apply(xpc_object_t xdict, xpc_dictionary_applier_t applier)
{
	struct xentry *entry, *next;

	xobject_require(xdict, XPC_TYPE_DICTIONARY, "xpc_dictionary_apply");
	entry = ((struct _xpc_dictionary_s *)xdict)->first;
	for (; entry != NULL; entry = next) {
		next = entry->next;
		if (!applier(entry->key, entry->value)) {
			return false;
		}
	}
	return true;
}
