// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A workloop runs the most urgent work first; here all work is equally urgent,
 * so it is a serial queue.
 */

#ifndef STANDIN_DISPATCH_WORKLOOP_H
#define STANDIN_DISPATCH_WORKLOOP_H

#include "base.h"
#include "queue.h"

#ifndef STANDIN_CONFORMANCE
#ifdef __cplusplus
DISPATCH_DECL_SUBCLASS(dispatch_workloop, dispatch_queue_serial_executor);
#else
typedef dispatch_queue_t dispatch_workloop_t;
#endif
#endif

STANDIN_DISPATCH_BEGIN

DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_workloop_t
    dispatch_workloop_create(const char *label);
DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_workloop_t
    dispatch_workloop_create_inactive(const char *label);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_workloop_set_autorelease_frequency(
    dispatch_workloop_t workloop, dispatch_autorelease_frequency_t frequency);

STANDIN_DISPATCH_END

#endif
