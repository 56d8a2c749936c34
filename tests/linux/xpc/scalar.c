// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Objects that hold one value: null, numbers, dates, data, strings, UUIDs.
 */

#include "object.h"

#include <math.h>
#include <time.h>

static void dispose(struct xobject *object)
{
	xobject_free(object);
}

XPC_TYPE(_xpc_type_null) = { "null", dispose };
XPC_TYPE(_xpc_type_bool) = { "bool", dispose };
XPC_TYPE(_xpc_type_int64) = { "int64", dispose };
XPC_TYPE(_xpc_type_uint64) = { "uint64", dispose };
XPC_TYPE(_xpc_type_double) = { "double", dispose };
XPC_TYPE(_xpc_type_date) = { "date", dispose };
XPC_TYPE(_xpc_type_data) = { "data", dispose };
XPC_TYPE(_xpc_type_string) = { "string", dispose };
XPC_TYPE(_xpc_type_uuid) = { "uuid", dispose };

static const struct xobject null = { .type = XPC_TYPE_NULL,
	.references = XOBJECT_STATIC };
const struct _xpc_bool_s _xpc_bool_true = {
	{ .type = XPC_TYPE_BOOL, .references = XOBJECT_STATIC }, true
};
const struct _xpc_bool_s _xpc_bool_false = {
	{ .type = XPC_TYPE_BOOL, .references = XOBJECT_STATIC }, false
};

xpc_object_t xpc_null_create(void)
{
	return (xpc_object_t)&null;
}

xpc_object_t xpc_bool_create(bool value)
{
	return (xpc_object_t)(value ? XPC_BOOL_TRUE : XPC_BOOL_FALSE);
}

bool xpc_bool_get_value(xpc_object_t xbool)
{
	return xobject_is(xbool, XPC_TYPE_BOOL) &&
	    ((struct _xpc_bool_s *)xbool)->value;
}

static struct xnumber *number_create(xpc_type_t type)
{
	return xobject_create(type, sizeof(struct xnumber));
}

xpc_object_t xpc_int64_create(int64_t value)
{
	struct xnumber *number = number_create(XPC_TYPE_INT64);

	number->int64 = value;
	return number;
}

int64_t xpc_int64_get_value(xpc_object_t xint)
{
	return xobject_is(xint, XPC_TYPE_INT64)
	    ? ((struct xnumber *)xint)->int64
	    : 0;
}

xpc_object_t xpc_uint64_create(uint64_t value)
{
	struct xnumber *number = number_create(XPC_TYPE_UINT64);

	number->uint64 = value;
	return number;
}

uint64_t xpc_uint64_get_value(xpc_object_t xuint)
{
	return xobject_is(xuint, XPC_TYPE_UINT64)
	    ? ((struct xnumber *)xuint)->uint64
	    : 0;
}

xpc_object_t xpc_double_create(double value)
{
	struct xnumber *number = number_create(XPC_TYPE_DOUBLE);

	number->number = value;
	return number;
}

double xpc_double_get_value(xpc_object_t xdouble)
{
	return xobject_is(xdouble, XPC_TYPE_DOUBLE)
	    ? ((struct xnumber *)xdouble)->number
	    : NAN;
}

xpc_object_t xpc_date_create(int64_t interval)
{
	struct xnumber *number = number_create(XPC_TYPE_DATE);

	number->int64 = interval;
	return number;
}

xpc_object_t xpc_date_create_from_current(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return xpc_date_create((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

int64_t xpc_date_get_value(xpc_object_t xdate)
{
	return xobject_is(xdate, XPC_TYPE_DATE)
	    ? ((struct xnumber *)xdate)->int64
	    : 0;
}

struct xobject *xbytes_create(xpc_type_t type, const void *bytes, size_t length)
{
	struct xbytes *self =
	    xobject_create(type, sizeof(struct xbytes) + length + 1);

	self->length = length;
	if (length > 0) {
		memcpy(self->bytes, bytes, length);
	}
	return &self->object;
}

xpc_object_t xpc_data_create(const void *bytes, size_t length)
{
	return xbytes_create(XPC_TYPE_DATA, bytes, bytes == NULL ? 0 : length);
}

size_t xpc_data_get_length(xpc_object_t xdata)
{
	return xobject_is(xdata, XPC_TYPE_DATA)
	    ? ((struct xbytes *)xdata)->length
	    : 0;
}

const void *xpc_data_get_bytes_ptr(xpc_object_t xdata)
{
	return xobject_is(xdata, XPC_TYPE_DATA)
	    ? ((struct xbytes *)xdata)->bytes
	    : NULL;
}

size_t xpc_data_get_bytes(
    xpc_object_t xdata, void *buffer, size_t off, size_t length)
{
	size_t available = xpc_data_get_length(xdata);

	if (off >= available) {
		return 0;
	}
	if (length > available - off) {
		length = available - off;
	}
	memcpy(buffer, ((struct xbytes *)xdata)->bytes + off, length);
	return length;
}

xpc_object_t xpc_string_create(const char *string)
{
	return xbytes_create(XPC_TYPE_STRING, string, strlen(string));
}

xpc_object_t xpc_string_create_with_format(const char *fmt, ...)
{
	xpc_object_t string;
	va_list ap;

	va_start(ap, fmt);
	string = xpc_string_create_with_format_and_arguments(fmt, ap);
	va_end(ap);
	return string;
}

xpc_object_t xpc_string_create_with_format_and_arguments(
    const char *fmt, va_list ap)
{
	xpc_object_t string;
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) == -1) {
		xmisuse(
		    "xpc_string_create_with_format: cannot format \"%s\"", fmt);
	}
	string = xpc_string_create(text);
	free(text);
	return string;
}

size_t xpc_string_get_length(xpc_object_t xstring)
{
	return xobject_is(xstring, XPC_TYPE_STRING)
	    ? ((struct xbytes *)xstring)->length
	    : 0;
}

const char *xpc_string_get_string_ptr(xpc_object_t xstring)
{
	return xobject_is(xstring, XPC_TYPE_STRING)
	    ? ((struct xbytes *)xstring)->bytes
	    : NULL;
}

xpc_object_t xpc_uuid_create(const uuid_t uuid)
{
	struct xuuid *self = xobject_create(XPC_TYPE_UUID, sizeof(*self));

	memcpy(self->bytes, uuid, sizeof(self->bytes));
	return self;
}

const uint8_t *xpc_uuid_get_bytes(xpc_object_t xuuid)
{
	return xobject_is(xuuid, XPC_TYPE_UUID) ? ((struct xuuid *)xuuid)->bytes
						: NULL;
}
