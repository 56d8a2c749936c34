// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Dictionaries by type: setters make an object and put it there; getters find
 * one and never convert it.
 */

#include "object.h"

#include <math.h>

static void put(xpc_object_t xdict, const char *key, xpc_object_t value)
{
	if (!xobject_is(xdict, XPC_TYPE_DICTIONARY)) {
		xmisuse("xpc_dictionary_set: given object not of required "
			"type: a %s, not a dictionary",
		    xobject(xdict)->type->name);
	}
	xdictionary_put(xdict, key, value);
}

/* The value, if it is there and of that type. */
static xpc_object_t get(xpc_object_t xdict, const char *key, xpc_type_t type)
{
	xpc_object_t value = xpc_dictionary_get_value(xdict, key);

	return value != NULL && xobject_is(value, type) ? value : NULL;
}

void xpc_dictionary_set_bool(xpc_object_t xdict, const char *key, bool value)
{
	put(xdict, key, xpc_bool_create(value));
}

bool xpc_dictionary_get_bool(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_BOOL);

	return value == NULL ? false : xpc_bool_get_value(value);
}

void xpc_dictionary_set_int64(
    xpc_object_t xdict, const char *key, int64_t value)
{
	put(xdict, key, xpc_int64_create(value));
}

int64_t xpc_dictionary_get_int64(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_INT64);

	return value == NULL ? 0 : xpc_int64_get_value(value);
}

void xpc_dictionary_set_uint64(
    xpc_object_t xdict, const char *key, uint64_t value)
{
	put(xdict, key, xpc_uint64_create(value));
}

uint64_t xpc_dictionary_get_uint64(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_UINT64);

	return value == NULL ? 0 : xpc_uint64_get_value(value);
}

void xpc_dictionary_set_double(
    xpc_object_t xdict, const char *key, double value)
{
	put(xdict, key, xpc_double_create(value));
}

double xpc_dictionary_get_double(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_DOUBLE);

	return value == NULL ? NAN : xpc_double_get_value(value);
}

void xpc_dictionary_set_date(xpc_object_t xdict, const char *key, int64_t value)
{
	put(xdict, key, xpc_date_create(value));
}

int64_t xpc_dictionary_get_date(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_DATE);

	return value == NULL ? 0 : xpc_date_get_value(value);
}

void xpc_dictionary_set_data(
    xpc_object_t xdict, const char *key, const void *bytes, size_t length)
{
	put(xdict, key, xpc_data_create(bytes, length));
}

const void *xpc_dictionary_get_data(
    xpc_object_t xdict, const char *key, size_t *length)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_DATA);

	if (value == NULL) {
		return NULL;
	}
	if (length != NULL) {
		*length = xpc_data_get_length(value);
	}
	return xpc_data_get_bytes_ptr(value);
}

void xpc_dictionary_set_string(
    xpc_object_t xdict, const char *key, const char *string)
{
	put(xdict, key, xpc_string_create(string));
}

const char *xpc_dictionary_get_string(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_STRING);

	return value == NULL ? NULL : xpc_string_get_string_ptr(value);
}

void xpc_dictionary_set_uuid(
    xpc_object_t xdict, const char *key, const uuid_t uuid)
{
	put(xdict, key, xpc_uuid_create(uuid));
}

const uint8_t *xpc_dictionary_get_uuid(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_UUID);

	return value == NULL ? NULL : xpc_uuid_get_bytes(value);
}

void xpc_dictionary_set_fd(xpc_object_t xdict, const char *key, int fd)
{
	xpc_object_t value = xpc_fd_create(fd);

	/* No value is better than a wrong descriptor under that key. */
	if (value == NULL) {
		xpc_dictionary_set_value(xdict, key, NULL);
		return;
	}
	put(xdict, key, value);
}

int xpc_dictionary_dup_fd(xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_FD);

	return value == NULL ? -1 : xpc_fd_dup(value);
}

void xpc_dictionary_set_connection(
    xpc_object_t xdict, const char *key, xpc_connection_t connection)
{
	put(xdict, key, xpc_endpoint_create(connection));
}

xpc_connection_t xpc_dictionary_create_connection(
    xpc_object_t xdict, const char *key)
{
	xpc_object_t value = get(xdict, key, XPC_TYPE_ENDPOINT);

	return value == NULL ? NULL
			     : xpc_connection_create_from_endpoint(value);
}

xpc_object_t xpc_dictionary_get_dictionary(xpc_object_t xdict, const char *key)
{
	return get(xdict, key, XPC_TYPE_DICTIONARY);
}

xpc_object_t xpc_dictionary_get_array(xpc_object_t xdict, const char *key)
{
	return get(xdict, key, XPC_TYPE_ARRAY);
}
