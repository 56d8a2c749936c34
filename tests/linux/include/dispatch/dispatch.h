// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <dispatch/dispatch.h>. Names, types and values are
 * Apple's; see Apple's documentation for what each function does.
 *
 * The headers can also be included after Apple's own: then they only repeat the
 * declarations, and the compiler reports differences. STANDIN_CONFORMANCE is
 * defined in that case; what cannot be declared twice in C is compared by
 * value.
 */

#ifndef STANDIN_DISPATCH_DISPATCH_H
#define STANDIN_DISPATCH_DISPATCH_H

#include "base.h"
#include "time.h"
#include "object.h"
#include "queue.h"
#include "block.h"
#include "source.h"
#include "group.h"
#include "semaphore.h"
#include "once.h"
#include "workloop.h"

#define DISPATCH_API_VERSION 20181008

#endif
