// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Arrays by type: setters make an object and put it there; getters find
 * one and never convert it.
 */

#include "object.h"

#include <math.h>

static void put(xpc_object_t xarray, size_t index, xpc_object_t value)
{
	xobject_require(xarray, XPC_TYPE_ARRAY, "xpc_array_set");
	xarray_put(xarray, index, value);
}

/* The value, if it is of that type. */
static xpc_object_t get(xpc_object_t xarray, size_t index, xpc_type_t type)
{
	xpc_object_t value = xpc_array_get_value(xarray, index);

	return xobject_is(value, type) ? value : NULL;
}

void xpc_array_set_bool(xpc_object_t xarray, size_t index, bool value)
{
	put(xarray, index, xpc_bool_create(value));
}

bool xpc_array_get_bool(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_BOOL);

	return value == NULL ? false : xpc_bool_get_value(value);
}

void xpc_array_set_int64(xpc_object_t xarray, size_t index, int64_t value)
{
	put(xarray, index, xpc_int64_create(value));
}

int64_t xpc_array_get_int64(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_INT64);

	return value == NULL ? 0 : xpc_int64_get_value(value);
}

void xpc_array_set_uint64(xpc_object_t xarray, size_t index, uint64_t value)
{
	put(xarray, index, xpc_uint64_create(value));
}

uint64_t xpc_array_get_uint64(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_UINT64);

	return value == NULL ? 0 : xpc_uint64_get_value(value);
}

void xpc_array_set_double(xpc_object_t xarray, size_t index, double value)
{
	put(xarray, index, xpc_double_create(value));
}

double xpc_array_get_double(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_DOUBLE);

	return value == NULL ? NAN : xpc_double_get_value(value);
}

void xpc_array_set_date(xpc_object_t xarray, size_t index, int64_t value)
{
	put(xarray, index, xpc_date_create(value));
}

int64_t xpc_array_get_date(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_DATE);

	return value == NULL ? 0 : xpc_date_get_value(value);
}

void xpc_array_set_data(
    xpc_object_t xarray, size_t index, const void *bytes, size_t length)
{
	put(xarray, index, xpc_data_create(bytes, length));
}

const void *xpc_array_get_data(
    xpc_object_t xarray, size_t index, size_t *length)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_DATA);

	if (value == NULL) {
		return NULL;
	}
	if (length != NULL) {
		*length = xpc_data_get_length(value);
	}
	return xpc_data_get_bytes_ptr(value);
}

void xpc_array_set_string(xpc_object_t xarray, size_t index, const char *string)
{
	put(xarray, index, xpc_string_create(string));
}

const char *xpc_array_get_string(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_STRING);

	return value == NULL ? NULL : xpc_string_get_string_ptr(value);
}

void xpc_array_set_uuid(xpc_object_t xarray, size_t index, const uuid_t uuid)
{
	put(xarray, index, xpc_uuid_create(uuid));
}

const uint8_t *xpc_array_get_uuid(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_UUID);

	return value == NULL ? NULL : xpc_uuid_get_bytes(value);
}

void xpc_array_set_fd(xpc_object_t xarray, size_t index, int fd)
{
	xpc_object_t value = xpc_fd_create(fd);

	if (value == NULL) {
		xmisuse("xpc_array_set_fd: descriptor %d: %m", fd);
	}
	put(xarray, index, value);
}

int xpc_array_dup_fd(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_FD);

	return value == NULL ? -1 : xpc_fd_dup(value);
}

void xpc_array_set_connection(
    xpc_object_t xarray, size_t index, xpc_connection_t connection)
{
	put(xarray, index, xpc_endpoint_create(connection));
}

xpc_connection_t xpc_array_create_connection(xpc_object_t xarray, size_t index)
{
	xpc_object_t value = get(xarray, index, XPC_TYPE_ENDPOINT);

	return value == NULL ? NULL
			     : xpc_connection_create_from_endpoint(value);
}

xpc_object_t xpc_array_get_dictionary(xpc_object_t xarray, size_t index)
{
	return get(xarray, index, XPC_TYPE_DICTIONARY);
}

xpc_object_t xpc_array_get_array(xpc_object_t xarray, size_t index)
{
	return get(xarray, index, XPC_TYPE_ARRAY);
}
