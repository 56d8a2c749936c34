// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_SOURCE_H
#define STANDIN_DISPATCH_SOURCE_H

#include "base.h"
#include "object.h"
#include "queue.h"
#include "time.h"

#include <signal.h>

#ifndef STANDIN_CONFORMANCE
DISPATCH_DECL(dispatch_source);
#endif
#ifndef __cplusplus
typedef struct dispatch_source_s *dispatch_source_t;
#endif

STANDIN_DISPATCH_BEGIN

typedef const struct dispatch_source_type_s *dispatch_source_type_t;

#define DISPATCH_SOURCE_TYPE_DATA_ADD (&_dispatch_source_type_data_add)
#define DISPATCH_SOURCE_TYPE_DATA_OR (&_dispatch_source_type_data_or)
#define DISPATCH_SOURCE_TYPE_DATA_REPLACE (&_dispatch_source_type_data_replace)
#define DISPATCH_SOURCE_TYPE_MEMORYPRESSURE                                    \
	(&_dispatch_source_type_memorypressure)
#define DISPATCH_SOURCE_TYPE_PROC (&_dispatch_source_type_proc)
#define DISPATCH_SOURCE_TYPE_READ (&_dispatch_source_type_read)
#define DISPATCH_SOURCE_TYPE_SIGNAL (&_dispatch_source_type_signal)
#define DISPATCH_SOURCE_TYPE_TIMER (&_dispatch_source_type_timer)
#define DISPATCH_SOURCE_TYPE_VNODE (&_dispatch_source_type_vnode)
#define DISPATCH_SOURCE_TYPE_WRITE (&_dispatch_source_type_write)

DISPATCH_EXPORT const struct dispatch_source_type_s
    _dispatch_source_type_data_add,
    _dispatch_source_type_data_or, _dispatch_source_type_data_replace,
    _dispatch_source_type_memorypressure, _dispatch_source_type_proc,
    _dispatch_source_type_read, _dispatch_source_type_signal,
    _dispatch_source_type_timer, _dispatch_source_type_vnode,
    _dispatch_source_type_write;

#define DISPATCH_MEMORYPRESSURE_NORMAL 0x01
#define DISPATCH_MEMORYPRESSURE_WARN 0x02
#define DISPATCH_MEMORYPRESSURE_CRITICAL 0x04
typedef unsigned long dispatch_source_memorypressure_flags_t;

#define DISPATCH_PROC_EXIT 0x80000000
#define DISPATCH_PROC_FORK 0x40000000
#define DISPATCH_PROC_EXEC 0x20000000
#define DISPATCH_PROC_SIGNAL 0x08000000
typedef unsigned long dispatch_source_proc_flags_t;

#define DISPATCH_VNODE_DELETE 0x1
#define DISPATCH_VNODE_WRITE 0x2
#define DISPATCH_VNODE_EXTEND 0x4
#define DISPATCH_VNODE_ATTRIB 0x8
#define DISPATCH_VNODE_LINK 0x10
#define DISPATCH_VNODE_RENAME 0x20
#define DISPATCH_VNODE_REVOKE 0x40
#define DISPATCH_VNODE_FUNLOCK 0x100
typedef unsigned long dispatch_source_vnode_flags_t;

#define DISPATCH_TIMER_STRICT 0x1
typedef unsigned long dispatch_source_timer_flags_t;

DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_source_t
    dispatch_source_create(dispatch_source_type_t type, uintptr_t handle,
	uintptr_t mask, dispatch_queue_t queue);

#ifdef __BLOCKS__
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_source_set_event_handler(
    dispatch_source_t source, dispatch_block_t handler);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_source_set_cancel_handler(
    dispatch_source_t source, dispatch_block_t handler);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_source_set_registration_handler(
    dispatch_source_t source, dispatch_block_t handler);
#endif

DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_source_set_event_handler_f(
    dispatch_source_t source, dispatch_function_t handler);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_source_set_cancel_handler_f(
    dispatch_source_t source, dispatch_function_t handler);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_source_set_registration_handler_f(
    dispatch_source_t source, dispatch_function_t handler);

DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_source_cancel(dispatch_source_t source);
DISPATCH_EXPORT
DISPATCH_NONNULL_ALL DISPATCH_WARN_RESULT DISPATCH_NOTHROW intptr_t
dispatch_source_testcancel(dispatch_source_t source);
DISPATCH_EXPORT
DISPATCH_NONNULL_ALL DISPATCH_WARN_RESULT DISPATCH_NOTHROW uintptr_t
dispatch_source_get_handle(dispatch_source_t source);
DISPATCH_EXPORT
DISPATCH_NONNULL_ALL DISPATCH_WARN_RESULT DISPATCH_NOTHROW uintptr_t
dispatch_source_get_mask(dispatch_source_t source);
DISPATCH_EXPORT
DISPATCH_NONNULL_ALL DISPATCH_WARN_RESULT DISPATCH_NOTHROW uintptr_t
dispatch_source_get_data(dispatch_source_t source);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_source_merge_data(dispatch_source_t source, uintptr_t value);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_source_set_timer(dispatch_source_t source, dispatch_time_t start,
    uint64_t interval, uint64_t leeway);

STANDIN_DISPATCH_END

#endif
