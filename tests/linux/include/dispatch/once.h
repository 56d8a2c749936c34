// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_ONCE_H
#define STANDIN_DISPATCH_ONCE_H

#include "base.h"
#include "object.h"

STANDIN_DISPATCH_BEGIN

typedef intptr_t dispatch_once_t;

/* In Apple's header these two are macros with an inline fast path. */
#ifdef STANDIN_CONFORMANCE
#undef dispatch_once
#undef dispatch_once_f
#endif

#ifdef __BLOCKS__
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_once(
    dispatch_once_t *predicate, DISPATCH_NOESCAPE dispatch_block_t block);
#endif
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_once_f(
    dispatch_once_t *predicate, void *context, dispatch_function_t function);

STANDIN_DISPATCH_END

#endif
