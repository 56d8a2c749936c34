// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Attributes that the XPC headers, and headers of programs that pass XPC
 * objects, use under Apple's names. Everything is guarded, so that this file
 * may follow Apple's own in one translation unit.
 */

#ifndef STANDIN_XPC_BASE_H
#define STANDIN_XPC_BASE_H

#include <sys/cdefs.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#ifndef __has_attribute
#define __has_attribute(x) 0
#endif

#ifndef XPC_EXPORT
#define XPC_EXPORT extern __attribute__((visibility("default")))
#endif
#ifndef XPC_NORETURN
#define XPC_NORETURN __attribute__((__noreturn__))
#endif
#ifndef XPC_NONNULL1
#define XPC_NONNULL1 __attribute__((__nonnull__(1)))
#define XPC_NONNULL2 __attribute__((__nonnull__(2)))
#define XPC_NONNULL3 __attribute__((__nonnull__(3)))
#define XPC_NONNULL4 __attribute__((__nonnull__(4)))
#endif
#ifndef XPC_NONNULL_ALL
#define XPC_NONNULL_ALL __attribute__((__nonnull__))
#endif
#ifndef XPC_WARN_RESULT
#define XPC_WARN_RESULT __attribute__((__warn_unused_result__))
#endif
#ifndef XPC_MALLOC
#define XPC_MALLOC __attribute__((__malloc__))
#endif
#ifndef XPC_UNUSED
#define XPC_UNUSED __attribute__((__unused__))
#endif
#ifndef XPC_PRINTF
#define XPC_PRINTF(m, n) __attribute__((format(printf, m, n)))
#endif
#ifndef XPC_INLINE
#define XPC_INLINE static __inline__ __attribute__((__always_inline__))
#endif
#ifndef XPC_DEPRECATED
#define XPC_DEPRECATED(m) __attribute__((deprecated(m)))
#endif
#ifndef XPC_NOESCAPE
#if __has_attribute(noescape)
#define XPC_NOESCAPE __attribute__((__noescape__))
#else
#define XPC_NOESCAPE
#endif
#endif

#ifndef XPC_ASSUME_NONNULL_BEGIN
#if __has_feature(assume_nonnull)
#define XPC_ASSUME_NONNULL_BEGIN _Pragma("clang assume_nonnull begin")
#define XPC_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end")
#else
#define XPC_ASSUME_NONNULL_BEGIN
#define XPC_ASSUME_NONNULL_END
#endif
#endif
#ifndef XPC_NONNULL_ARRAY
#if __has_feature(nullability_on_arrays)
#define XPC_NONNULL_ARRAY _Nonnull
#else
#define XPC_NONNULL_ARRAY
#endif
#endif

/* Compilers without nullability can read the same declarations. */

#if !__has_feature(nullability)
#ifndef _Nullable
#define _Nullable
#endif
#ifndef _Nonnull
#define _Nonnull
#endif
#endif

#endif
