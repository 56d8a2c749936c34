// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_SEMAPHORE_H
#define STANDIN_DISPATCH_SEMAPHORE_H

#include "base.h"
#include "object.h"
#include "time.h"

#ifndef STANDIN_CONFORMANCE
DISPATCH_DECL(dispatch_semaphore);
#endif
#ifndef __cplusplus
typedef struct dispatch_semaphore_s *dispatch_semaphore_t;
#endif

STANDIN_DISPATCH_BEGIN

DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_semaphore_t
    dispatch_semaphore_create(intptr_t value);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW intptr_t
dispatch_semaphore_wait(dispatch_semaphore_t dsema, dispatch_time_t timeout);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW intptr_t
dispatch_semaphore_signal(dispatch_semaphore_t dsema);

STANDIN_DISPATCH_END

#endif
