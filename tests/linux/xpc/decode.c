// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Decodes a frame into a dictionary. The bytes come from another process and
 * are untrusted: every length is checked before it is used, nothing recurses,
 * and memory grows with the bytes that have arrived, not with announced
 * lengths.
 */

#include "object.h"
#include "wire.h"

struct input {
	const unsigned char *at, *end;
	const int *descriptors;
	size_t descriptors_left;
	size_t objects;
};

/* A container that is not complete yet. */
struct level {
	struct xobject *container;
	uint32_t missing;
};

struct levels {
	struct level *levels;
	size_t count, capacity;
};

bool xwire_check(const struct xwire_header *header)
{
	return header->magic == XWIRE_MAGIC && header->kind >= XWIRE_MESSAGE &&
	    header->kind <= XWIRE_DROPPED &&
	    (header->kind == XWIRE_MESSAGE) == (header->id == 0) &&
	    header->length <= XWIRE_LENGTH_MAX &&
	    header->descriptors <= XWIRE_DESCRIPTORS_MAX &&
	    header->descriptors <= header->length;
}

/* The next length bytes, or NULL if there are fewer. */
static const void *take(struct input *in, size_t length)
{
	const unsigned char *bytes = in->at;

	if ((size_t)(in->end - in->at) < length) {
		return NULL;
	}
	in->at += length;
	return bytes;
}

static bool take_uint32(struct input *in, uint32_t *value)
{
	const void *bytes = take(in, sizeof(*value));

	if (bytes == NULL) {
		return false;
	}
	memcpy(value, bytes, sizeof(*value));
	return true;
}

static struct xobject *take_number(struct input *in, xpc_type_t type)
{
	struct xnumber *number;
	const void *bytes = take(in, sizeof(number->uint64));

	if (bytes == NULL) {
		return NULL;
	}
	number = xobject_create(type, sizeof(*number));
	memcpy(&number->uint64, bytes, sizeof(number->uint64));
	return &number->object;
}

static struct xobject *take_bytes(struct input *in, xpc_type_t type)
{
	const char *bytes;
	uint32_t length;

	if (!take_uint32(in, &length)) {
		return NULL;
	}
	bytes = take(in, length);
	if (bytes == NULL) {
		return NULL;
	}
	/* A string ends at its first NUL, however long it says it is. */
	return xbytes_create(type, bytes,
	    type == XPC_TYPE_STRING ? strnlen(bytes, length) : length);
}

static struct xobject *take_descriptor(struct input *in, xpc_type_t type)
{
	uint64_t length = 0;
	const void *bytes;

	if (type == XPC_TYPE_SHMEM) {
		bytes = take(in, sizeof(length));
		if (bytes == NULL) {
			return NULL;
		}
		memcpy(&length, bytes, sizeof(length));
	}
	if (in->descriptors_left == 0) {
		return NULL;
	}
	in->descriptors_left--;
	return xdescriptor_create(type, *in->descriptors++, length);
}

static struct xobject *take_bool(struct input *in)
{
	const unsigned char *byte = take(in, 1);

	if (byte == NULL || *byte > 1) {
		return NULL;
	}
	return xpc_bool_create(*byte != 0);
}

static struct xobject *take_uuid(struct input *in)
{
	const void *bytes = take(in, 16);

	return bytes == NULL ? NULL : xpc_uuid_create(bytes);
}

/* Decodes a value; a container is still empty. NULL: the bytes are not a valid
 * value. */
static struct xobject *take_value(struct input *in)
{
	const unsigned char *tag = take(in, 1);

	if (tag == NULL || ++in->objects > XWIRE_OBJECTS_MAX) {
		return NULL;
	}
	switch (*tag) {
	case XWIRE_NULL:
		return xpc_null_create();
	case XWIRE_BOOL:
		return take_bool(in);
	case XWIRE_INT64:
		return take_number(in, XPC_TYPE_INT64);
	case XWIRE_UINT64:
		return take_number(in, XPC_TYPE_UINT64);
	case XWIRE_DOUBLE:
		return take_number(in, XPC_TYPE_DOUBLE);
	case XWIRE_DATE:
		return take_number(in, XPC_TYPE_DATE);
	case XWIRE_DATA:
		return take_bytes(in, XPC_TYPE_DATA);
	case XWIRE_STRING:
		return take_bytes(in, XPC_TYPE_STRING);
	case XWIRE_UUID:
		return take_uuid(in);
	case XWIRE_FD:
		return take_descriptor(in, XPC_TYPE_FD);
	case XWIRE_SHMEM:
		return take_descriptor(in, XPC_TYPE_SHMEM);
	case XWIRE_ENDPOINT:
		return take_descriptor(in, XPC_TYPE_ENDPOINT);
	case XWIRE_ARRAY:
		return xpc_array_create_empty();
	case XWIRE_DICTIONARY:
		return xpc_dictionary_create_empty();
	default:
		return NULL;
	}
}

/* Makes the container on top complete its members next. */
static bool enter(
    struct input *in, struct levels *stack, struct xobject *container)
{
	struct level level = { .container = container };

	if (container->type != XPC_TYPE_ARRAY &&
	    container->type != XPC_TYPE_DICTIONARY) {
		return true;
	}
	if (!take_uint32(in, &level.missing) ||
	    stack->count == XWIRE_DEPTH_MAX) {
		return false;
	}
	if (stack->count == stack->capacity) {
		stack->capacity =
		    stack->capacity == 0 ? 8 : stack->capacity * 2;
		stack->levels = xreallocate(
		    stack->levels, stack->capacity * sizeof(stack->levels[0]));
	}
	stack->levels[stack->count++] = level;
	return true;
}

static bool take_key(struct input *in, char **key)
{
	const char *bytes;
	uint32_t length;

	if (!take_uint32(in, &length)) {
		return false;
	}
	bytes = take(in, length);
	if (bytes == NULL) {
		return false;
	}
	*key = strndup(bytes, length);
	if (*key == NULL) {
		xmisuse("out of memory for a key");
	}
	return true;
}

/* One member of the container on top. */
static bool take_member(struct input *in, struct levels *stack)
{
	struct xobject *container = stack->levels[stack->count - 1].container;
	struct xobject *value;
	char *key = NULL;

	stack->levels[stack->count - 1].missing--;
	if (container->type == XPC_TYPE_DICTIONARY && !take_key(in, &key)) {
		return false;
	}
	value = take_value(in);
	if (value == NULL) {
		free(key);
		return false;
	}
	/* The container owns it before its own members are read. */
	if (key == NULL) {
		xarray_put((struct xarray *)container, XPC_ARRAY_APPEND, value);
	} else {
		xdictionary_put(
		    (struct _xpc_dictionary_s *)container, key, value);
		free(key);
	}
	return enter(in, stack, value);
}

static struct xobject *take_dictionary(struct input *in)
{
	struct levels stack = { 0 };
	struct xobject *root = take_value(in);
	bool good = root != NULL && root->type == XPC_TYPE_DICTIONARY &&
	    enter(in, &stack, root);

	while (good && stack.count > 0) {
		if (stack.levels[stack.count - 1].missing == 0) {
			stack.count--;
		} else {
			good = take_member(in, &stack);
		}
	}
	free(stack.levels);
	if (good && in->at == in->end && in->descriptors_left == 0) {
		return root;
	}
	if (root != NULL) {
		xpc_release(root);
	}
	return NULL;
}

xpc_object_t xwire_decode(const unsigned char *bytes, size_t length,
    const int *descriptors, size_t count)
{
	struct input in = { .at = bytes,
		.end = bytes + length,
		.descriptors = descriptors,
		.descriptors_left = count };
	struct xobject *root = take_dictionary(&in);

	while (in.descriptors_left > 0) {
		close(*in.descriptors++);
		in.descriptors_left--;
	}
	return root;
}
