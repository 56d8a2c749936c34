// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_BASE_H
#define STANDIN_DISPATCH_BASE_H

#if defined(__DISPATCH_BASE__) && !defined(STANDIN_CONFORMANCE)
#define STANDIN_CONFORMANCE 1
#endif

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef STANDIN_CONFORMANCE
#include <Availability.h>
#include <TargetConditionals.h>
#include <os/object.h>

#define DISPATCH_EXPORT extern __attribute__((visibility("default")))
#define DISPATCH_INLINE static __inline__
#define DISPATCH_ALWAYS_INLINE __attribute__((__always_inline__))
#define DISPATCH_NORETURN __attribute__((__noreturn__))
#define DISPATCH_NOTHROW __attribute__((__nothrow__))
#define DISPATCH_NONNULL1 __attribute__((__nonnull__(1)))
#define DISPATCH_NONNULL2 __attribute__((__nonnull__(2)))
#define DISPATCH_NONNULL3 __attribute__((__nonnull__(3)))
#define DISPATCH_NONNULL4 __attribute__((__nonnull__(4)))
#define DISPATCH_NONNULL_ALL __attribute__((__nonnull__))
#define DISPATCH_WARN_RESULT __attribute__((__warn_unused_result__))
#define DISPATCH_MALLOC __attribute__((__malloc__))
#define DISPATCH_NOESCAPE __attribute__((__noescape__))
#define DISPATCH_UNAVAILABLE __attribute__((__unavailable__))
#define DISPATCH_RETURNS_RETAINED
#define DISPATCH_TRANSPARENT_UNION __attribute__((__transparent_union__))
#endif

#ifdef __cplusplus
#define STANDIN_DISPATCH_BEGIN extern "C" {
#define STANDIN_DISPATCH_END }
#else
#define STANDIN_DISPATCH_BEGIN
#define STANDIN_DISPATCH_END
#endif

typedef void (*dispatch_function_t)(void *);

#endif
