// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * xpc_copy_description(): for people, in the format of macOS.
 */

#include "object.h"

static void indent(struct xtext *text, size_t depth)
{
	/* Deep objects stay readable, and linear in size. */
	xtext_printf(text, "%*s", (int)(depth < 32 ? depth : 32) * 2, "");
}

static void describe_data(struct xtext *text, struct xbytes *data)
{
	size_t shown = data->length < 32 ? data->length : 32, i;

	xtext_printf(text, "length = %zu, bytes = 0x", data->length);
	for (i = 0; i < shown; i++) {
		xtext_printf(text, "%02x", (unsigned char)data->bytes[i]);
	}
	if (shown < data->length) {
		xtext_printf(text, "...");
	}
}

static void describe_uuid(struct xtext *text, xpc_object_t uuid)
{
	uuid_string_t string;

	uuid_unparse_upper(xpc_uuid_get_bytes(uuid), string);
	xtext_printf(text, "%s", string);
}

static void describe_connection(struct xtext *text, xpc_object_t object)
{
	const char *name = xpc_connection_get_name(object);

	xtext_printf(text, "name = %s, pid = %d",
	    name == NULL ? "(none)" : name,
	    (int)xpc_connection_get_pid(object));
}

static void describe_number(struct xtext *text, xpc_object_t object)
{
	struct xnumber *number = object;

	if (xobject_is(object, XPC_TYPE_DOUBLE)) {
		xtext_printf(text, "%f", number->number);
	} else if (xobject_is(object, XPC_TYPE_UINT64)) {
		xtext_printf(text, "%ju", (uintmax_t)number->uint64);
	} else {
		xtext_printf(text, "%jd", (intmax_t)number->int64);
	}
}

/* Prints the text after "<type: address>: " of an object without children. */
static void describe_leaf(struct xtext *text, xpc_object_t object)
{
	struct xobject *self = object;

	if (self->type == XPC_TYPE_BOOL) {
		xtext_printf(
		    text, "%s", xpc_bool_get_value(object) ? "true" : "false");
	} else if (self->type == XPC_TYPE_STRING) {
		xtext_printf(text, "{ length = %zu, contents = \"%s\" }",
		    xpc_string_get_length(object),
		    xpc_string_get_string_ptr(object));
	} else if (self->type == XPC_TYPE_DATA) {
		xtext_printf(text, "{ ");
		describe_data(text, object);
		xtext_printf(text, " }");
	} else if (self->type == XPC_TYPE_UUID) {
		describe_uuid(text, object);
	} else if (self->type == XPC_TYPE_CONNECTION) {
		xtext_printf(text, "{ ");
		describe_connection(text, object);
		xtext_printf(text, " }");
	} else if (self->type == XPC_TYPE_NULL) {
		xtext_printf(text, "null");
	} else if (self->type == XPC_TYPE_FD || self->type == XPC_TYPE_SHMEM ||
	    self->type == XPC_TYPE_ENDPOINT) {
		xtext_printf(
		    text, "{ fd = %d }", ((struct xdescriptor *)object)->fd);
	} else {
		describe_number(text, object);
	}
}

/* Prints the head of a container and pushes its first child. */
static void open_container(
    struct xtext *text, struct xobject *object, struct xstack *stack)
{
	struct xarray *array = (struct xarray *)object;
	struct _xpc_dictionary_s *dictionary =
	    (struct _xpc_dictionary_s *)object;

	if (object->type == XPC_TYPE_ARRAY) {
		xtext_printf(text,
		    "{ count = %zu, capacity = %zu, contents =\n", array->count,
		    array->capacity);
		xstack_push(stack, object, NULL);
		return;
	}
	xtext_printf(text, "{ count = %zu, transaction: %d, contents =\n",
	    dictionary->count, dictionary->message != NULL ? 1 : 0);
	xstack_push(stack, object, dictionary->first);
}

static void describe(
    struct xtext *text, struct xobject *object, struct xstack *stack)
{
	xtext_printf(text, "<%s: %p>", object->type->name, (void *)object);
	if (object->type == XPC_TYPE_ARRAY || xobject_is_dictionary(object)) {
		xtext_printf(text, " ");
		open_container(text, object, stack);
		return;
	}
	xtext_printf(text, ": ");
	describe_leaf(text, object);
	xtext_printf(text, "\n");
}

static bool has_child(const struct xpair *top)
{
	if (xobject_is(top->first, XPC_TYPE_ARRAY)) {
		return (size_t)top->second <
		    ((struct xarray *)top->first)->count;
	}
	return top->second != NULL;
}

/* The next child of the container on top, after its key. */
static struct xobject *next_child(struct xtext *text, struct xpair *top)
{
	struct xentry *entry = top->second;
	size_t index = (size_t)top->second;

	if (xobject_is(top->first, XPC_TYPE_ARRAY)) {
		xtext_printf(text, "%zu: ", index);
		top->second = (void *)(index + 1);
		return ((struct xarray *)top->first)->values[index];
	}
	xtext_printf(text, "\"%s\" => ", entry->key);
	top->second = entry->next;
	return entry->value;
}

char *xpc_copy_description(xpc_object_t object)
{
	struct xtext text = { 0 };
	struct xstack stack = { 0 };
	struct xpair *top, pair;

	describe(&text, object, &stack);
	while (stack.count > 0) {
		top = &stack.pairs[stack.count - 1];
		if (!has_child(top)) {
			xstack_pop(&stack, &pair);
			indent(&text, stack.count);
			xtext_printf(&text, "}\n");
			continue;
		}
		indent(&text, stack.count);
		describe(&text, next_child(&text, top), &stack);
	}
	xstack_free(&stack);
	text.text[--text.length] = '\0'; /* the last newline */
	return text.text;
}
