// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Encodes a dictionary into a frame.
 */

#include "message.h"
#include "object.h"
#include "wire.h"

static void append(struct xtext *out, const void *bytes, size_t length)
{
	if (length > XWIRE_LENGTH_MAX ||
	    out->length > XWIRE_LENGTH_MAX - length) {
		xmisuse("xpc_connection_send_message: the message is longer "
			"than %u bytes",
		    XWIRE_LENGTH_MAX);
	}
	if (out->capacity - out->length < length) {
		out->capacity = (out->length + length) * 2;
		out->text = xreallocate(out->text, out->capacity);
	}
	memcpy(out->text + out->length, bytes, length);
	out->length += length;
}

static void append_counted(struct xtext *out, const void *bytes, size_t length)
{
	uint32_t count = (uint32_t)length;

	append(out, &count, sizeof(count));
	append(out, bytes, length);
}

static void append_descriptor(struct xframe *frame, struct xobject *object)
{
	size_t count = frame->descriptor_count;

	if (count == XWIRE_DESCRIPTORS_MAX) {
		xmisuse("xpc_connection_send_message: more than %u descriptors "
			"in a message",
		    XWIRE_DESCRIPTORS_MAX);
	}
	if ((count & (count - 1)) == 0) {
		frame->descriptors = xreallocate(frame->descriptors,
		    (count == 0 ? 1 : count * 2) * sizeof(xpc_object_t));
	}
	frame->descriptors[count] = xpc_retain(object);
	frame->descriptor_count = count + 1;
}

static enum xwire_tag tag_of(struct xobject *object)
{
	const struct {
		xpc_type_t type;
		enum xwire_tag tag;
	} tags[] = {
		{ XPC_TYPE_STRING, XWIRE_STRING },
		{ XPC_TYPE_INT64, XWIRE_INT64 },
		{ XPC_TYPE_UINT64, XWIRE_UINT64 },
		{ XPC_TYPE_BOOL, XWIRE_BOOL },
		{ XPC_TYPE_DICTIONARY, XWIRE_DICTIONARY },
		{ XPC_TYPE_ARRAY, XWIRE_ARRAY },
		{ XPC_TYPE_NULL, XWIRE_NULL },
		{ XPC_TYPE_DOUBLE, XWIRE_DOUBLE },
		{ XPC_TYPE_DATE, XWIRE_DATE },
		{ XPC_TYPE_DATA, XWIRE_DATA },
		{ XPC_TYPE_UUID, XWIRE_UUID },
		{ XPC_TYPE_FD, XWIRE_FD },
		{ XPC_TYPE_SHMEM, XWIRE_SHMEM },
		{ XPC_TYPE_ENDPOINT, XWIRE_ENDPOINT },
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (tags[i].type == object->type) {
			return tags[i].tag;
		}
	}
	xmisuse("xpc_connection_send_message: an object of type %s cannot be "
		"sent",
	    object->type->name);
}

static void append_leaf(
    struct xframe *frame, struct xtext *out, struct xobject *object)
{
	struct xbytes *bytes = (struct xbytes *)object;
	struct xdescriptor *descriptor = (struct xdescriptor *)object;
	unsigned char value;

	switch (tag_of(object)) {
	case XWIRE_BOOL:
		value = xpc_bool_get_value(object);
		append(out, &value, 1);
		break;
	case XWIRE_INT64:
	case XWIRE_UINT64:
	case XWIRE_DOUBLE:
	case XWIRE_DATE:
		append(out, &((struct xnumber *)object)->uint64, 8);
		break;
	case XWIRE_UUID:
		append(out, xpc_uuid_get_bytes(object), 16);
		break;
	case XWIRE_DATA:
	case XWIRE_STRING:
		append_counted(out, bytes->bytes, bytes->length);
		break;
	case XWIRE_SHMEM:
		append(out, &descriptor->length, sizeof(descriptor->length));
		append_descriptor(frame, object);
		break;
	case XWIRE_FD:
	case XWIRE_ENDPOINT:
		append_descriptor(frame, object);
		break;
	default:
		break;
	}
}

/* The value itself, or the head of a container, which is pushed. */
static void append_value(struct xframe *frame, struct xtext *out,
    struct xobject *object, struct xstack *stack)
{
	unsigned char tag = tag_of(object);
	uint32_t count;

	append(out, &tag, 1);
	if (tag != XWIRE_ARRAY && tag != XWIRE_DICTIONARY) {
		append_leaf(frame, out, object);
		return;
	}
	if (stack->count == XWIRE_DEPTH_MAX) {
		xmisuse("xpc_connection_send_message: the message is nested "
			"more than %u deep",
		    XWIRE_DEPTH_MAX);
	}
	if (tag == XWIRE_ARRAY) {
		count = (uint32_t)((struct xarray *)object)->count;
		xstack_push(stack, object, NULL);
	} else {
		count = (uint32_t)((struct _xpc_dictionary_s *)object)->count;
		xstack_push(
		    stack, object, ((struct _xpc_dictionary_s *)object)->first);
	}
	append(out, &count, sizeof(count));
}

/* The next child of the container on top, after its key; or NULL. */
static struct xobject *next_child(struct xtext *out, struct xpair *top)
{
	struct xarray *array = top->first;
	struct xentry *entry = top->second;
	size_t index = (size_t)top->second;

	if (xobject_is(top->first, XPC_TYPE_ARRAY)) {
		top->second = (void *)(index + 1);
		return index < array->count ? array->values[index] : NULL;
	}
	if (entry == NULL) {
		return NULL;
	}
	append_counted(out, entry->key, strlen(entry->key));
	top->second = entry->next;
	return entry->value;
}

struct xframe *xwire_encode(
    xpc_object_t dictionary, enum xwire_kind kind, uint64_t id)
{
	struct xwire_header header = {
		.magic = XWIRE_MAGIC, .kind = kind, .id = id
	};
	struct xframe *frame = xallocate(sizeof(*frame));
	struct xtext out = { 0 };
	struct xstack stack = { 0 };
	struct xobject *child = dictionary;
	struct xpair pair;

	append(&out, &header, sizeof(header));
	append_value(frame, &out, child, &stack);
	while (stack.count > 0) {
		child = next_child(&out, &stack.pairs[stack.count - 1]);
		if (child == NULL) {
			xstack_pop(&stack, &pair);
			continue;
		}
		append_value(frame, &out, child, &stack);
	}
	xstack_free(&stack);
	header.length = (uint32_t)(out.length - sizeof(header));
	header.descriptors = (uint32_t)frame->descriptor_count;
	memcpy(out.text, &header, sizeof(header));
	frame->bytes = (unsigned char *)out.text;
	frame->length = out.length;
	return frame;
}

void xframe_destroy(struct xframe *frame)
{
	for (size_t i = 0; i < frame->descriptor_count; i++) {
		xpc_release(frame->descriptors[i]);
	}
	free(frame->descriptors);
	free(frame->bytes);
	if (frame->transaction) {
		xtransaction_end();
	}
	free(frame);
}
