// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_GROUP_H
#define STANDIN_DISPATCH_GROUP_H

#include "base.h"
#include "object.h"
#include "queue.h"
#include "time.h"

#ifndef STANDIN_CONFORMANCE
DISPATCH_DECL(dispatch_group);
#endif
#ifndef __cplusplus
typedef struct dispatch_group_s *dispatch_group_t;
#endif

STANDIN_DISPATCH_BEGIN

DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_group_t
    dispatch_group_create(void);

#ifdef __BLOCKS__
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_group_async(
    dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_group_notify(
    dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block);
#endif

DISPATCH_EXPORT
DISPATCH_NONNULL1 DISPATCH_NONNULL2 DISPATCH_NONNULL4 DISPATCH_NOTHROW void
dispatch_group_async_f(dispatch_group_t group, dispatch_queue_t queue,
    void *context, dispatch_function_t work);
DISPATCH_EXPORT
DISPATCH_NONNULL1 DISPATCH_NONNULL2 DISPATCH_NONNULL4 DISPATCH_NOTHROW void
dispatch_group_notify_f(dispatch_group_t group, dispatch_queue_t queue,
    void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW intptr_t
dispatch_group_wait(dispatch_group_t group, dispatch_time_t timeout);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_group_enter(
    dispatch_group_t group);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_group_leave(
    dispatch_group_t group);

STANDIN_DISPATCH_END

#endif
