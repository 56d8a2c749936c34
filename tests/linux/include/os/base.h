// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <os/base.h>, as far as programs use it.
 */

#ifndef STANDIN_OS_BASE_H
#define STANDIN_OS_BASE_H

#include <Availability.h>
#include <sys/cdefs.h>

#define OS_EXPORT extern __attribute__((visibility("default")))
#define OS_INLINE static __inline__
#define OS_ALWAYS_INLINE __attribute__((__always_inline__))
#define OS_NORETURN __attribute__((__noreturn__))
#define OS_NOTHROW __attribute__((__nothrow__))
#define OS_NONNULL_ALL __attribute__((__nonnull__))
#define OS_NONNULL1 __attribute__((__nonnull__(1)))
#define OS_NONNULL2 __attribute__((__nonnull__(2)))
#define OS_NONNULL3 __attribute__((__nonnull__(3)))
#define OS_NONNULL4 __attribute__((__nonnull__(4)))
#define OS_WARN_RESULT __attribute__((__warn_unused_result__))
#define OS_MALLOC __attribute__((__malloc__))
#define OS_NOESCAPE __attribute__((__noescape__))
#define OS_CONST __attribute__((__const__))
#define OS_PURE __attribute__((__pure__))
#define OS_FORMAT_PRINTF(x, y) __attribute__((__format__(printf, x, y)))
#define OS_EXPECT(x, v) __builtin_expect((x), (v))
#define OS_STRINGIFY(s) OS_STRINGIFY_(s)
#define OS_STRINGIFY_(s) #s
#define OS_ASSUME_NONNULL_BEGIN _Pragma("clang assume_nonnull begin")
#define OS_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end")

#define OS_ENUM(name, type, ...) typedef enum : type { __VA_ARGS__ } name##_t
#define OS_OPTIONS(name, type, ...)                                            \
	typedef enum                                                           \
	    : type { __VA_ARGS__ } __attribute__((__flag_enum__)) name##_t

#endif
