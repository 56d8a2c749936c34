// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_BLOCK_H
#define STANDIN_DISPATCH_BLOCK_H

#include "base.h"
#include "object.h"
#include "queue.h"

#ifdef __BLOCKS__

STANDIN_DISPATCH_BEGIN

#ifdef STANDIN_CONFORMANCE
_Static_assert(DISPATCH_BLOCK_BARRIER == 0x1, "barrier");
_Static_assert(DISPATCH_BLOCK_DETACHED == 0x2, "detached");
_Static_assert(DISPATCH_BLOCK_ASSIGN_CURRENT == 0x4, "assign current");
_Static_assert(DISPATCH_BLOCK_NO_QOS_CLASS == 0x8, "no qos class");
_Static_assert(DISPATCH_BLOCK_INHERIT_QOS_CLASS == 0x10, "inherit qos class");
_Static_assert(DISPATCH_BLOCK_ENFORCE_QOS_CLASS == 0x20, "enforce qos class");
_Static_assert(sizeof(dispatch_block_flags_t) == sizeof(unsigned long),
    "dispatch_block_flags_t");
#else
typedef enum : unsigned long {
	DISPATCH_BLOCK_BARRIER = 0x1,
	DISPATCH_BLOCK_DETACHED = 0x2,
	DISPATCH_BLOCK_ASSIGN_CURRENT = 0x4,
	DISPATCH_BLOCK_NO_QOS_CLASS = 0x8,
	DISPATCH_BLOCK_INHERIT_QOS_CLASS = 0x10,
	DISPATCH_BLOCK_ENFORCE_QOS_CLASS = 0x20,
} __attribute__((__flag_enum__)) dispatch_block_flags_t;
#endif

DISPATCH_EXPORT
DISPATCH_NONNULL2 DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_block_t
dispatch_block_create(dispatch_block_flags_t flags, dispatch_block_t block);
DISPATCH_EXPORT
DISPATCH_NONNULL4 DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_block_t
dispatch_block_create_with_qos_class(dispatch_block_flags_t flags,
    dispatch_qos_class_t qos_class, int relative_priority,
    dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL2 DISPATCH_NOTHROW void dispatch_block_perform(
    dispatch_block_flags_t flags, DISPATCH_NOESCAPE dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW intptr_t dispatch_block_wait(
    dispatch_block_t block, dispatch_time_t timeout);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_block_notify(dispatch_block_t block, dispatch_queue_t queue,
    dispatch_block_t notification_block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_block_cancel(dispatch_block_t block);
DISPATCH_EXPORT
DISPATCH_NONNULL_ALL DISPATCH_WARN_RESULT DISPATCH_NOTHROW intptr_t
dispatch_block_testcancel(dispatch_block_t block);

STANDIN_DISPATCH_END

#endif

#endif
