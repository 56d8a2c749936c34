// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Arrays.
 */

#include "object.h"

static void dispose(struct xobject *object)
{
	struct xarray *self = (struct xarray *)object;

	for (size_t i = 0; i < self->count; i++) {
		xpc_release(self->values[i]);
	}
	free(self->values);
	xobject_free(object);
}

XPC_TYPE(_xpc_type_array) = { "array", dispose };

void xarray_put(struct xarray *self, size_t index, struct xobject *value)
{
	struct xobject *old;

	if (index != XPC_ARRAY_APPEND) {
		if (index >= self->count) {
			xmisuse("xpc_array_set_value: index %zu of an array "
				"of %zu",
			    index, self->count);
		}
		old = self->values[index];
		self->values[index] = value;
		xpc_release(old);
		return;
	}
	if (self->count == self->capacity) {
		self->capacity = self->capacity == 0 ? 4 : self->capacity * 2;
		self->values = xreallocate(
		    self->values, self->capacity * sizeof(self->values[0]));
	}
	self->values[self->count++] = value;
}

xpc_object_t xpc_array_create(const xpc_object_t *objects, size_t count)
{
	xpc_object_t self = xpc_array_create_empty();

	for (size_t i = 0; i < count; i++) {
		xpc_array_append_value(self, objects[i]);
	}
	return self;
}

xpc_object_t xpc_array_create_empty(void)
{
	return xobject_create(XPC_TYPE_ARRAY, sizeof(struct xarray));
}

void xpc_array_set_value(xpc_object_t xarray, size_t index, xpc_object_t value)
{
	xobject_require(xarray, XPC_TYPE_ARRAY, "xpc_array_set_value");
	xarray_put(xarray, index, xpc_retain(value));
}

void xpc_array_append_value(xpc_object_t xarray, xpc_object_t value)
{
	xpc_array_set_value(xarray, XPC_ARRAY_APPEND, value);
}

size_t xpc_array_get_count(xpc_object_t xarray)
{
	xobject_require(xarray, XPC_TYPE_ARRAY, "xpc_array_get_count");
	return ((struct xarray *)xarray)->count;
}

xpc_object_t xpc_array_get_value(xpc_object_t xarray, size_t index)
{
	struct xarray *self = xarray;

	xobject_require(xarray, XPC_TYPE_ARRAY, "xpc_array_get_value");
	if (index >= self->count) {
		xmisuse("xpc_array_get_value: index %zu of an array of %zu",
		    index, self->count);
	}
	return self->values[index];
}

bool xpc_array_apply(xpc_object_t xarray, xpc_array_applier_t applier)
{
	struct xarray *self = xarray;

	xobject_require(xarray, XPC_TYPE_ARRAY, "xpc_array_apply");
	for (size_t i = 0; i < self->count; i++) {
		if (!applier(i, self->values[i])) {
			return false;
		}
	}
	return true;
}
