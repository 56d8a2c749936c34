// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Copies, comparisons and hashes.
 */

#include "object.h"

static struct xobject *shallow(struct xobject *object)
{
	if (xobject_is(object, XPC_TYPE_ARRAY)) {
		return xpc_array_create_empty();
	}
	if (xobject_is(object, XPC_TYPE_DICTIONARY)) {
		return xpc_dictionary_create_empty();
	}
	return NULL;
}

/* Copies the children of from into to; pushes those that have children. */
static void copy_children(
    struct xobject *from, struct xobject *to, struct xstack *stack)
{
	struct xarray *array = (struct xarray *)from;
	struct xentry *entry;
	struct xobject *copy;

	if (xobject_is(from, XPC_TYPE_ARRAY)) {
		for (size_t i = 0; i < array->count; i++) {
			copy = shallow(array->values[i]);
			if (copy == NULL) {
				copy = xpc_retain(array->values[i]);
			} else {
				xstack_push(stack, array->values[i], copy);
			}
			xarray_put((struct xarray *)to, XPC_ARRAY_APPEND, copy);
		}
		return;
	}
	entry = ((struct _xpc_dictionary_s *)from)->first;
	for (; entry != NULL; entry = entry->next) {
		copy = shallow(entry->value);
		if (copy == NULL) {
			copy = xpc_retain(entry->value);
		} else {
			xstack_push(stack, entry->value, copy);
		}
		xdictionary_put(
		    (struct _xpc_dictionary_s *)to, entry->key, copy);
	}
}

xpc_object_t xpc_copy(xpc_object_t object)
{
	struct xstack stack = { 0 };
	struct xobject *copy = shallow(object);
	struct xpair pair;

	if (xobject_is(object, XPC_TYPE_CONNECTION)) {
		return NULL;
	}
	if (copy == NULL) {
		return xpc_retain(object); /* immutable */
	}
	xstack_push(&stack, object, copy);
	while (xstack_pop(&stack, &pair)) {
		copy_children(pair.first, pair.second, &stack);
	}
	return copy;
}

static bool equal_numbers(xpc_object_t one, xpc_object_t other)
{
	struct xnumber *first = one, *second = other;

	if (xobject_is(one, XPC_TYPE_DOUBLE)) {
		return first->number == second->number;
	}
	return first->uint64 == second->uint64;
}

/* Objects of one type that have no children. */
static bool equal_leaves(struct xobject *one, struct xobject *other)
{
	struct xbytes *first = (struct xbytes *)one;
	struct xbytes *second = (struct xbytes *)other;
	xpc_type_t type = one->type;

	if (type == XPC_TYPE_NULL) {
		return true;
	}
	if (type == XPC_TYPE_BOOL) {
		return xpc_bool_get_value(one) == xpc_bool_get_value(other);
	}
	if (type == XPC_TYPE_INT64 || type == XPC_TYPE_UINT64 ||
	    type == XPC_TYPE_DOUBLE || type == XPC_TYPE_DATE) {
		return equal_numbers(one, other);
	}
	if (type == XPC_TYPE_DATA || type == XPC_TYPE_STRING) {
		return first->length == second->length &&
		    memcmp(first->bytes, second->bytes, first->length) == 0;
	}
	if (type == XPC_TYPE_UUID) {
		return memcmp(xpc_uuid_get_bytes(one),
			   xpc_uuid_get_bytes(other), 16) == 0;
	}
	return false; /* descriptors and connections are only themselves */
}

static bool equal_arrays(
    struct xarray *one, struct xarray *other, struct xstack *stack)
{
	if (one->count != other->count) {
		return false;
	}
	for (size_t i = 0; i < one->count; i++) {
		xstack_push(stack, one->values[i], other->values[i]);
	}
	return true;
}

static bool equal_dictionaries(struct _xpc_dictionary_s *one,
    struct _xpc_dictionary_s *other, struct xstack *stack)
{
	xpc_object_t value;

	if (one->count != other->count) {
		return false;
	}
	for (struct xentry *entry = one->first; entry != NULL;
	     entry = entry->next) {
		value = xpc_dictionary_get_value(other, entry->key);
		if (value == NULL) {
			return false;
		}
		xstack_push(stack, entry->value, value);
	}
	return true;
}

static bool equal_pair(struct xpair *pair, struct xstack *stack)
{
	struct xobject *one = pair->first, *other = pair->second;

	if (one == other) {
		return true;
	}
	if (one->type != other->type) {
		return false;
	}
	if (one->type == XPC_TYPE_ARRAY) {
		return equal_arrays(pair->first, pair->second, stack);
	}
	if (one->type == XPC_TYPE_DICTIONARY) {
		return equal_dictionaries(pair->first, pair->second, stack);
	}
	return equal_leaves(one, other);
}

bool xpc_equal(xpc_object_t object1, xpc_object_t object2)
{
	struct xstack stack = { 0 };
	struct xpair pair;

	xstack_push(&stack, object1, object2);
	while (xstack_pop(&stack, &pair)) {
		if (!equal_pair(&pair, &stack)) {
			xstack_free(&stack);
			return false;
		}
	}
	return true;
}

static size_t hash_bytes(const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;
	size_t value = 14695981039346656037u, i;

	for (i = 0; i < length; i++) {
		value = (value ^ byte[i]) * 1099511628211u;
	}
	return value;
}

/* Values are left out: equal containers have the same hash. */
static size_t hash_container(struct xobject *object)
{
	struct xentry *entry;
	size_t value;

	if (object->type == XPC_TYPE_ARRAY) {
		return hash_bytes("array", 5) +
		    ((struct xarray *)object)->count;
	}
	value = hash_bytes("dictionary", 10);
	entry = ((struct _xpc_dictionary_s *)object)->first;
	for (; entry != NULL; entry = entry->next) {
		value += hash_bytes(entry->key, strlen(entry->key));
	}
	return value;
}

size_t xpc_hash(xpc_object_t object)
{
	struct xobject *self = object;
	struct xnumber *number = object;
	struct xbytes *bytes = object;
	xpc_type_t type = self->type;

	if (type == XPC_TYPE_ARRAY || type == XPC_TYPE_DICTIONARY) {
		return hash_container(self);
	}
	if (type == XPC_TYPE_DOUBLE && number->number == 0) {
		return 0; /* 0.0 == -0.0 */
	}
	if (type == XPC_TYPE_INT64 || type == XPC_TYPE_UINT64 ||
	    type == XPC_TYPE_DOUBLE || type == XPC_TYPE_DATE) {
		return hash_bytes(&number->uint64, sizeof(number->uint64));
	}
	if (type == XPC_TYPE_DATA || type == XPC_TYPE_STRING) {
		return hash_bytes(bytes->bytes, bytes->length);
	}
	if (type == XPC_TYPE_UUID) {
		return hash_bytes(((struct xuuid *)object)->bytes, 16);
	}
	return hash_bytes(&self, sizeof(self));
}
