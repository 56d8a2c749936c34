// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * XPC: objects that can travel between processes, and (connection.h) the
 * connections they travel on. Names, types and constants are Apple's; objects
 * are plain pointers also in Objective-C, as with -DOS_OBJECT_USE_OBJC=0.
 *
 * Ownership: call xpc_release() on the result of a function with "create" or
 * "copy" in its name; the result of a getter belongs to the object. Typed
 * getters never convert: for a missing value or one of another type they return
 * 0, NAN, NULL, false or -1.
 */

#ifndef STANDIN_XPC_H
#define STANDIN_XPC_H

#include <dispatch/dispatch.h>

#include <bsm/audit.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "availability.h"
#include "base.h"

XPC_ASSUME_NONNULL_BEGIN
__BEGIN_DECLS

#define XPC_API_VERSION 20200610

typedef const struct _xpc_type_s *xpc_type_t;
#ifndef XPC_TYPE
#define XPC_TYPE(type) const struct _xpc_type_s type
#endif

#ifndef XPC_GLOBAL_OBJECT
#define XPC_GLOBAL_OBJECT(object) (&(object))
#endif
#ifndef XPC_RETURNS_RETAINED
#define XPC_RETURNS_RETAINED
#endif
#ifndef XPC_DECL
#define XPC_DECL(name) typedef struct _##name##_s *name##_t
#endif

typedef void *xpc_object_t;
XPC_DECL(xpc_connection);
XPC_DECL(xpc_endpoint);

typedef void (*xpc_connection_handler_t)(xpc_connection_t connection);
#ifdef __BLOCKS__
typedef void (^xpc_handler_t)(xpc_object_t object);
typedef bool (^xpc_array_applier_t)(size_t index, xpc_object_t _Nonnull value);
typedef bool (^xpc_dictionary_applier_t)(
    const char *_Nonnull key, xpc_object_t _Nonnull value);
#endif

#define XPC_TYPE_CONNECTION (&_xpc_type_connection)
XPC_EXPORT XPC_TYPE(_xpc_type_connection);
#define XPC_TYPE_ENDPOINT (&_xpc_type_endpoint)
XPC_EXPORT XPC_TYPE(_xpc_type_endpoint);
#define XPC_TYPE_NULL (&_xpc_type_null)
XPC_EXPORT XPC_TYPE(_xpc_type_null);
#define XPC_TYPE_BOOL (&_xpc_type_bool)
XPC_EXPORT XPC_TYPE(_xpc_type_bool);
#define XPC_TYPE_INT64 (&_xpc_type_int64)
XPC_EXPORT XPC_TYPE(_xpc_type_int64);
#define XPC_TYPE_UINT64 (&_xpc_type_uint64)
XPC_EXPORT XPC_TYPE(_xpc_type_uint64);
#define XPC_TYPE_DOUBLE (&_xpc_type_double)
XPC_EXPORT XPC_TYPE(_xpc_type_double);
#define XPC_TYPE_DATE (&_xpc_type_date)
XPC_EXPORT XPC_TYPE(_xpc_type_date);
#define XPC_TYPE_DATA (&_xpc_type_data)
XPC_EXPORT XPC_TYPE(_xpc_type_data);
#define XPC_TYPE_STRING (&_xpc_type_string)
XPC_EXPORT XPC_TYPE(_xpc_type_string);
#define XPC_TYPE_UUID (&_xpc_type_uuid)
XPC_EXPORT XPC_TYPE(_xpc_type_uuid);
#define XPC_TYPE_FD (&_xpc_type_fd)
XPC_EXPORT XPC_TYPE(_xpc_type_fd);
#define XPC_TYPE_SHMEM (&_xpc_type_shmem)
XPC_EXPORT XPC_TYPE(_xpc_type_shmem);
#define XPC_TYPE_ARRAY (&_xpc_type_array)
XPC_EXPORT XPC_TYPE(_xpc_type_array);
#define XPC_TYPE_DICTIONARY (&_xpc_type_dictionary)
XPC_EXPORT XPC_TYPE(_xpc_type_dictionary);
#define XPC_TYPE_ERROR (&_xpc_type_error)
XPC_EXPORT XPC_TYPE(_xpc_type_error);

#define XPC_BOOL_TRUE XPC_GLOBAL_OBJECT(_xpc_bool_true)
XPC_EXPORT const struct _xpc_bool_s _xpc_bool_true;
#define XPC_BOOL_FALSE XPC_GLOBAL_OBJECT(_xpc_bool_false)
XPC_EXPORT const struct _xpc_bool_s _xpc_bool_false;

#define XPC_ERROR_KEY_DESCRIPTION _xpc_error_key_description
XPC_EXPORT const char *const _xpc_error_key_description;
#define XPC_EVENT_KEY_NAME _xpc_event_key_name
XPC_EXPORT const char *const _xpc_event_key_name;

#define XPC_ARRAY_APPEND ((size_t)(-1))

__END_DECLS
XPC_ASSUME_NONNULL_END

#include "endpoint.h"
#include "debug.h"
#ifdef __BLOCKS__
#include "connection.h"
#endif

XPC_ASSUME_NONNULL_BEGIN
__BEGIN_DECLS

/* Any object */

XPC_EXPORT XPC_NONNULL1 xpc_object_t xpc_retain(xpc_object_t object);

XPC_EXPORT XPC_NONNULL1 void xpc_release(xpc_object_t object);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT xpc_type_t xpc_get_type(
    xpc_object_t object);

XPC_EXPORT XPC_NONNULL1 const char *xpc_type_get_name(xpc_type_t type);

/* A deep copy; NULL for a connection. */
XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT XPC_RETURNS_RETAINED
    xpc_object_t _Nullable xpc_copy(xpc_object_t object);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 XPC_WARN_RESULT bool xpc_equal(
    xpc_object_t object1, xpc_object_t object2);

XPC_EXPORT XPC_NONNULL1 XPC_WARN_RESULT size_t xpc_hash(xpc_object_t object);

/* free() it. */
XPC_EXPORT XPC_MALLOC XPC_WARN_RESULT XPC_NONNULL1 char *xpc_copy_description(
    xpc_object_t object);

/* Simple values */

XPC_EXPORT XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t xpc_null_create(
    void);

XPC_EXPORT XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t xpc_bool_create(
    bool value);

XPC_EXPORT
bool xpc_bool_get_value(xpc_object_t xbool);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_int64_create(int64_t value);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 int64_t xpc_int64_get_value(
    xpc_object_t xint);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_uint64_create(uint64_t value);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 uint64_t xpc_uint64_get_value(
    xpc_object_t xuint);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_double_create(double value);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 double xpc_double_get_value(
    xpc_object_t xdouble);

/* Nanoseconds since 1970. */
XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_date_create(int64_t interval);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_date_create_from_current(void);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 int64_t xpc_date_get_value(
    xpc_object_t xdate);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_data_create(const void *_Nullable bytes, size_t length);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 size_t xpc_data_get_length(
    xpc_object_t xdata);

XPC_EXPORT
XPC_WARN_RESULT XPC_NONNULL1 const void *_Nullable xpc_data_get_bytes_ptr(
    xpc_object_t xdata);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 XPC_NONNULL2 size_t xpc_data_get_bytes(
    xpc_object_t xdata, void *buffer, size_t off, size_t length);

XPC_EXPORT
XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1 xpc_object_t
xpc_string_create(const char *string);

XPC_EXPORT
XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1 XPC_PRINTF(
    1, 2) xpc_object_t xpc_string_create_with_format(const char *fmt, ...);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1
    XPC_PRINTF(1, 0) xpc_object_t
    xpc_string_create_with_format_and_arguments(const char *fmt, va_list ap);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL size_t xpc_string_get_length(
    xpc_object_t xstring);

XPC_EXPORT XPC_WARN_RESULT
    XPC_NONNULL1 const char *_Nullable xpc_string_get_string_ptr(
	xpc_object_t xstring);

XPC_EXPORT
XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1 xpc_object_t
xpc_uuid_create(const uuid_t XPC_NONNULL_ARRAY uuid);

XPC_EXPORT XPC_NONNULL1 const uint8_t *_Nullable xpc_uuid_get_bytes(
    xpc_object_t xuuid);

/* Descriptors and memory */

/* Duplicates fd; NULL if that fails. */
XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT
    xpc_object_t _Nullable xpc_fd_create(int fd);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 int xpc_fd_dup(xpc_object_t xfd);

/* region comes from mmap() and remains shared with the object. */
XPC_EXPORT
XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1 xpc_object_t
xpc_shmem_create(void *region, size_t length);

/* munmap() it; 0 is failure. */
XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL size_t xpc_shmem_map(
    xpc_object_t xshmem, void *_Nullable *_Nonnull region);

/* Arrays; an index out of range is a misuse and aborts */

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_array_create(const xpc_object_t _Nonnull *_Nullable objects, size_t count);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_array_create_empty(void);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL3 void xpc_array_set_value(
    xpc_object_t xarray, size_t index, xpc_object_t value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_array_append_value(
    xpc_object_t xarray, xpc_object_t value);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 size_t xpc_array_get_count(
    xpc_object_t xarray);

XPC_EXPORT XPC_NONNULL_ALL xpc_object_t xpc_array_get_value(
    xpc_object_t xarray, size_t index);

#ifdef __BLOCKS__
XPC_EXPORT XPC_NONNULL_ALL bool xpc_array_apply(
    xpc_object_t xarray, XPC_NOESCAPE xpc_array_applier_t applier);
#endif

XPC_EXPORT XPC_NONNULL1 void xpc_array_set_bool(
    xpc_object_t xarray, size_t index, bool value);

XPC_EXPORT XPC_NONNULL1 void xpc_array_set_int64(
    xpc_object_t xarray, size_t index, int64_t value);

XPC_EXPORT XPC_NONNULL1 void xpc_array_set_uint64(
    xpc_object_t xarray, size_t index, uint64_t value);

XPC_EXPORT XPC_NONNULL1 void xpc_array_set_double(
    xpc_object_t xarray, size_t index, double value);

XPC_EXPORT XPC_NONNULL1 void xpc_array_set_date(
    xpc_object_t xarray, size_t index, int64_t value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL3 void xpc_array_set_data(
    xpc_object_t xarray, size_t index, const void *bytes, size_t length);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL3 void xpc_array_set_string(
    xpc_object_t xarray, size_t index, const char *string);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL3 void xpc_array_set_uuid(
    xpc_object_t xarray, size_t index, const uuid_t XPC_NONNULL_ARRAY uuid);

XPC_EXPORT XPC_NONNULL1 void xpc_array_set_fd(
    xpc_object_t xarray, size_t index, int fd);

/* Stores an endpoint of the listener. */
XPC_EXPORT XPC_NONNULL1 XPC_NONNULL3 void xpc_array_set_connection(
    xpc_object_t xarray, size_t index, xpc_connection_t connection);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 bool xpc_array_get_bool(
    xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 int64_t xpc_array_get_int64(
    xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 uint64_t xpc_array_get_uint64(
    xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 double xpc_array_get_double(
    xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 int64_t xpc_array_get_date(
    xpc_object_t xarray, size_t index);

XPC_EXPORT
XPC_WARN_RESULT XPC_NONNULL1 const void *_Nullable xpc_array_get_data(
    xpc_object_t xarray, size_t index, size_t *_Nullable length);

XPC_EXPORT
XPC_WARN_RESULT XPC_NONNULL1 const char *_Nullable xpc_array_get_string(
    xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 const
    uint8_t *_Nullable xpc_array_get_uuid(xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 int xpc_array_dup_fd(
    xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1
    xpc_connection_t _Nullable xpc_array_create_connection(
	xpc_object_t xarray, size_t index);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_object_t _Nullable xpc_array_get_dictionary(
	xpc_object_t xarray, size_t index);

XPC_EXPORT
XPC_WARN_RESULT XPC_NONNULL_ALL xpc_object_t _Nullable xpc_array_get_array(
    xpc_object_t xarray, size_t index);

/* Dictionaries */

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_dictionary_create(const char *_Nonnull const *_Nullable keys,
    const xpc_object_t _Nullable *_Nullable values, size_t count);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_object_t
xpc_dictionary_create_empty(void);

/* Once for each message that expects a reply; otherwise NULL. */
XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_object_t _Nullable xpc_dictionary_create_reply(xpc_object_t original);

/* Retains value; NULL removes the key. */
XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_value(
    xpc_object_t xdict, const char *key, xpc_object_t _Nullable value);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 XPC_NONNULL2
    xpc_object_t _Nullable xpc_dictionary_get_value(
	xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 size_t xpc_dictionary_get_count(
    xpc_object_t xdict);

#ifdef __BLOCKS__
XPC_EXPORT XPC_NONNULL_ALL bool xpc_dictionary_apply(
    xpc_object_t xdict, XPC_NOESCAPE xpc_dictionary_applier_t applier);
#endif

/* The connection of a received message; borrowed. */
XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_connection_t _Nullable xpc_dictionary_get_remote_connection(
	xpc_object_t xdict);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_bool(
    xpc_object_t xdict, const char *key, bool value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_int64(
    xpc_object_t xdict, const char *key, int64_t value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_uint64(
    xpc_object_t xdict, const char *key, uint64_t value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_double(
    xpc_object_t xdict, const char *key, double value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_date(
    xpc_object_t xdict, const char *key, int64_t value);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 XPC_NONNULL3 void xpc_dictionary_set_data(
    xpc_object_t xdict, const char *key, const void *bytes, size_t length);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 XPC_NONNULL3 void
xpc_dictionary_set_string(
    xpc_object_t xdict, const char *key, const char *string);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 XPC_NONNULL3 void xpc_dictionary_set_uuid(
    xpc_object_t xdict, const char *key, const uuid_t XPC_NONNULL_ARRAY uuid);

XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 void xpc_dictionary_set_fd(
    xpc_object_t xdict, const char *key, int fd);

/* Stores an endpoint of the listener. */
XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 XPC_NONNULL3 void
xpc_dictionary_set_connection(
    xpc_object_t xdict, const char *key, xpc_connection_t connection);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL bool xpc_dictionary_get_bool(
    xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL int64_t xpc_dictionary_get_int64(
    xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL uint64_t xpc_dictionary_get_uint64(
    xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL double xpc_dictionary_get_double(
    xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL int64_t xpc_dictionary_get_date(
    xpc_object_t xdict, const char *key);

XPC_EXPORT
XPC_WARN_RESULT XPC_NONNULL1 const void *_Nullable xpc_dictionary_get_data(
    xpc_object_t xdict, const char *key, size_t *_Nullable length);

XPC_EXPORT XPC_WARN_RESULT
    XPC_NONNULL_ALL const char *_Nullable xpc_dictionary_get_string(
	xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL1 XPC_NONNULL2 const
    uint8_t *_Nullable xpc_dictionary_get_uuid(
	xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL int xpc_dictionary_dup_fd(
    xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_connection_t _Nullable xpc_dictionary_create_connection(
	xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_object_t _Nullable xpc_dictionary_get_dictionary(
	xpc_object_t xdict, const char *key);

XPC_EXPORT XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_object_t _Nullable xpc_dictionary_get_array(
	xpc_object_t xdict, const char *key);

/* The process */

/* For XPC service bundles, which do not exist here: aborts with a message. */
XPC_EXPORT XPC_NORETURN XPC_NONNULL1 void xpc_main(
    xpc_connection_handler_t handler);

XPC_TRANSACTION_DEPRECATED XPC_EXPORT void xpc_transaction_begin(void);

XPC_TRANSACTION_DEPRECATED XPC_EXPORT void xpc_transaction_end(void);

__END_DECLS
XPC_ASSUME_NONNULL_END

#endif
