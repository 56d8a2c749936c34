// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <os/object.h>: here objects are never Objective-C
 * objects.
 */

#ifndef STANDIN_OS_OBJECT_H
#define STANDIN_OS_OBJECT_H

#include <os/base.h>

#ifndef OS_OBJECT_HAVE_OBJC_SUPPORT
#define OS_OBJECT_HAVE_OBJC_SUPPORT 0
#endif
#undef OS_OBJECT_USE_OBJC
#define OS_OBJECT_USE_OBJC 0
#define OS_OBJECT_USE_OBJC_RETAIN_RELEASE 0
#define OS_OBJECT_RETURNS_RETAINED
#define OS_OBJECT_CONSUMED
#define OS_OBJECT_BRIDGE
#define OS_OBJECT_WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))
#define OS_OBJECT_DECL_CLASS(name) typedef struct name##_s *name##_t

__BEGIN_DECLS

OS_EXPORT void *os_retain(void *object);
OS_EXPORT void os_release(void *object);

__END_DECLS

#endif
