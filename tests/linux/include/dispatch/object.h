// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_OBJECT_H
#define STANDIN_DISPATCH_OBJECT_H

#include "base.h"
#include "time.h"

#ifndef STANDIN_CONFORMANCE
#include <sys/qos.h>

#ifdef __cplusplus
/* These are not C++ objects: they only tell C++ which pointers convert. */
typedef struct dispatch_object_s {
      private:
	dispatch_object_s();
	~dispatch_object_s();
	dispatch_object_s(const dispatch_object_s &);
	void operator=(const dispatch_object_s &);
} * dispatch_object_t;

#define DISPATCH_DECL(name)                                                    \
	typedef struct name##_s : public dispatch_object_s{} * name##_t
#define DISPATCH_DECL_SUBCLASS(name, base)                                     \
	typedef struct name##_s : public base##_s{} * name##_t
#define DISPATCH_GLOBAL_OBJECT(type, object) (static_cast<type>(&(object)))
#else
typedef union {
	struct _os_object_s *_os_obj;
	struct dispatch_object_s *_do;
	struct dispatch_queue_s *_dq;
	struct dispatch_queue_attr_s *_dqa;
	struct dispatch_group_s *_dg;
	struct dispatch_source_s *_ds;
	struct dispatch_semaphore_s *_dsema;
} dispatch_object_t DISPATCH_TRANSPARENT_UNION;

#define DISPATCH_DECL(name) typedef struct name##_s *name##_t
#define DISPATCH_DECL_SUBCLASS(name, base) typedef base##_t name##_t
#define DISPATCH_GLOBAL_OBJECT(type, object) ((type) & (object))
#endif
#endif

STANDIN_DISPATCH_BEGIN

#ifdef __BLOCKS__
typedef void (^dispatch_block_t)(void);
#endif

#ifdef STANDIN_CONFORMANCE
_Static_assert(QOS_CLASS_USER_INTERACTIVE == 0x21, "user interactive");
_Static_assert(QOS_CLASS_USER_INITIATED == 0x19, "user initiated");
_Static_assert(QOS_CLASS_DEFAULT == 0x15, "default");
_Static_assert(QOS_CLASS_UTILITY == 0x11, "utility");
_Static_assert(QOS_CLASS_BACKGROUND == 0x09, "background");
_Static_assert(QOS_CLASS_UNSPECIFIED == 0x00, "unspecified");
#endif

typedef qos_class_t dispatch_qos_class_t;

DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_retain(
    dispatch_object_t object);

DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_release(
    dispatch_object_t object);

DISPATCH_EXPORT
DISPATCH_NONNULL_ALL DISPATCH_WARN_RESULT DISPATCH_NOTHROW void *
dispatch_get_context(dispatch_object_t object);

DISPATCH_EXPORT DISPATCH_NOTHROW void dispatch_set_context(
    dispatch_object_t object, void *context);

DISPATCH_EXPORT DISPATCH_NOTHROW void dispatch_set_finalizer_f(
    dispatch_object_t object, dispatch_function_t finalizer);

DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_activate(
    dispatch_object_t object);

DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_suspend(
    dispatch_object_t object);

DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_resume(
    dispatch_object_t object);

DISPATCH_EXPORT DISPATCH_NOTHROW void dispatch_set_qos_class_floor(
    dispatch_object_t object, dispatch_qos_class_t qos_class,
    int relative_priority);

STANDIN_DISPATCH_END

#if !defined(STANDIN_CONFORMANCE) && defined(__BLOCKS__) &&                    \
    !defined(__cplusplus)
/* One name for several types, as in Apple's header. */
#define dispatch_wait(object, timeout)                                         \
	_Generic((object), dispatch_block_t                                    \
		 : dispatch_block_wait, dispatch_group_t                       \
		 : dispatch_group_wait, dispatch_semaphore_t                   \
		 : dispatch_semaphore_wait)((object), (timeout))
#define dispatch_notify(object, queue, notification_block)                     \
	_Generic((object), dispatch_block_t                                    \
		 : dispatch_block_notify, dispatch_group_t                     \
		 : dispatch_group_notify)(                                     \
	    (object), (queue), (notification_block))
#define dispatch_cancel(object)                                                \
	_Generic((object), dispatch_block_t                                    \
		 : dispatch_block_cancel, dispatch_source_t                    \
		 : dispatch_source_cancel)((object))
#define dispatch_testcancel(object)                                            \
	_Generic((object), dispatch_block_t                                    \
		 : dispatch_block_testcancel, dispatch_source_t                \
		 : dispatch_source_testcancel)((object))
#endif

#endif
