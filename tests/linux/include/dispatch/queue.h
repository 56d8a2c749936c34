// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_QUEUE_H
#define STANDIN_DISPATCH_QUEUE_H

#include "base.h"
#include "object.h"
#include "time.h"

#ifndef STANDIN_CONFORMANCE
DISPATCH_DECL(dispatch_queue);
DISPATCH_DECL(dispatch_queue_attr);
#ifdef __cplusplus
DISPATCH_DECL_SUBCLASS(dispatch_queue_global, dispatch_queue);
DISPATCH_DECL_SUBCLASS(dispatch_queue_serial_executor, dispatch_queue);
DISPATCH_DECL_SUBCLASS(dispatch_queue_serial, dispatch_queue_serial_executor);
DISPATCH_DECL_SUBCLASS(dispatch_queue_main, dispatch_queue_serial);
DISPATCH_DECL_SUBCLASS(dispatch_queue_concurrent, dispatch_queue);
#endif
#endif

#ifndef __cplusplus
/* In C all of them are one type. */
typedef struct dispatch_queue_s *dispatch_queue_t;
typedef struct dispatch_queue_attr_s *dispatch_queue_attr_t;
typedef dispatch_queue_t dispatch_queue_global_t;
typedef dispatch_queue_t dispatch_queue_serial_executor_t;
typedef dispatch_queue_t dispatch_queue_serial_t;
typedef dispatch_queue_t dispatch_queue_main_t;
typedef dispatch_queue_t dispatch_queue_concurrent_t;
#endif

STANDIN_DISPATCH_BEGIN

/*
 * Submitting work
 */
#ifdef __BLOCKS__
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_async(
    dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void dispatch_sync(
    dispatch_queue_t queue, DISPATCH_NOESCAPE dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_async_and_wait(
    dispatch_queue_t queue, DISPATCH_NOESCAPE dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_barrier_async(dispatch_queue_t queue, dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_barrier_sync(
    dispatch_queue_t queue, DISPATCH_NOESCAPE dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL_ALL DISPATCH_NOTHROW void
dispatch_barrier_async_and_wait(
    dispatch_queue_t queue, DISPATCH_NOESCAPE dispatch_block_t block);
DISPATCH_EXPORT DISPATCH_NONNULL3 DISPATCH_NOTHROW void dispatch_apply(
    size_t iterations, dispatch_queue_t queue,
    DISPATCH_NOESCAPE void (^block)(size_t iteration));
DISPATCH_EXPORT DISPATCH_NONNULL2 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_after(
    dispatch_time_t when, dispatch_queue_t queue, dispatch_block_t block);
#endif

DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_async_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_sync_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_async_and_wait_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_barrier_async_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_barrier_sync_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NONNULL3 DISPATCH_NOTHROW void
dispatch_barrier_async_and_wait_f(
    dispatch_queue_t queue, void *context, dispatch_function_t work);
DISPATCH_EXPORT DISPATCH_NONNULL4 DISPATCH_NOTHROW void dispatch_apply_f(
    size_t iterations, dispatch_queue_t queue, void *context,
    void (*work)(void *context, size_t iteration));
DISPATCH_EXPORT DISPATCH_NONNULL2 DISPATCH_NONNULL4 DISPATCH_NOTHROW void
dispatch_after_f(dispatch_time_t when, dispatch_queue_t queue, void *context,
    dispatch_function_t work);

#ifndef STANDIN_CONFORMANCE
#define DISPATCH_APPLY_AUTO ((dispatch_queue_t)0)
#endif

/*
 * Existing queues
 */
#define DISPATCH_QUEUE_PRIORITY_HIGH 2
#define DISPATCH_QUEUE_PRIORITY_DEFAULT 0
#define DISPATCH_QUEUE_PRIORITY_LOW (-2)
#define DISPATCH_QUEUE_PRIORITY_BACKGROUND INT16_MIN

typedef long dispatch_queue_priority_t;

DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_queue_global_t
dispatch_get_global_queue(intptr_t identifier, uintptr_t flags);

DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_queue_t
dispatch_get_current_queue(void);

DISPATCH_EXPORT struct dispatch_queue_s _dispatch_main_q;

#ifndef STANDIN_CONFORMANCE
DISPATCH_INLINE DISPATCH_ALWAYS_INLINE DISPATCH_NOTHROW dispatch_queue_main_t
dispatch_get_main_queue(void)
{
	return DISPATCH_GLOBAL_OBJECT(dispatch_queue_main_t, _dispatch_main_q);
}
#endif

DISPATCH_EXPORT DISPATCH_NOTHROW DISPATCH_NORETURN void dispatch_main(void);

/*
 * Creating queues
 */
DISPATCH_EXPORT struct dispatch_queue_attr_s _dispatch_queue_attr_concurrent;

#ifdef STANDIN_CONFORMANCE
_Static_assert(DISPATCH_AUTORELEASE_FREQUENCY_INHERIT == 0, "inherit");
_Static_assert(DISPATCH_AUTORELEASE_FREQUENCY_WORK_ITEM == 1, "work item");
_Static_assert(DISPATCH_AUTORELEASE_FREQUENCY_NEVER == 2, "never");
_Static_assert(
    sizeof(dispatch_autorelease_frequency_t) == sizeof(unsigned long),
    "dispatch_autorelease_frequency_t");
#else
#define DISPATCH_QUEUE_SERIAL NULL
#define DISPATCH_QUEUE_SERIAL_INACTIVE                                         \
	dispatch_queue_attr_make_initially_inactive(DISPATCH_QUEUE_SERIAL)
#define DISPATCH_QUEUE_CONCURRENT                                              \
	DISPATCH_GLOBAL_OBJECT(                                                \
	    dispatch_queue_attr_t, _dispatch_queue_attr_concurrent)
#define DISPATCH_QUEUE_CONCURRENT_INACTIVE                                     \
	dispatch_queue_attr_make_initially_inactive(DISPATCH_QUEUE_CONCURRENT)
#define DISPATCH_QUEUE_SERIAL_WITH_AUTORELEASE_POOL                            \
	dispatch_queue_attr_make_with_autorelease_frequency(                   \
	    DISPATCH_QUEUE_SERIAL, DISPATCH_AUTORELEASE_FREQUENCY_WORK_ITEM)
#define DISPATCH_QUEUE_CONCURRENT_WITH_AUTORELEASE_POOL                        \
	dispatch_queue_attr_make_with_autorelease_frequency(                   \
	    DISPATCH_QUEUE_CONCURRENT,                                         \
	    DISPATCH_AUTORELEASE_FREQUENCY_WORK_ITEM)

typedef enum : unsigned long {
	DISPATCH_AUTORELEASE_FREQUENCY_INHERIT = 0,
	DISPATCH_AUTORELEASE_FREQUENCY_WORK_ITEM = 1,
	DISPATCH_AUTORELEASE_FREQUENCY_NEVER = 2,
} dispatch_autorelease_frequency_t;
#endif

#define DISPATCH_TARGET_QUEUE_DEFAULT NULL
#define DISPATCH_CURRENT_QUEUE_LABEL NULL

DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_queue_attr_t
dispatch_queue_attr_make_initially_inactive(dispatch_queue_attr_t attr);
DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_queue_attr_t
dispatch_queue_attr_make_with_autorelease_frequency(
    dispatch_queue_attr_t attr, dispatch_autorelease_frequency_t frequency);
DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_queue_attr_t
dispatch_queue_attr_make_with_qos_class(dispatch_queue_attr_t attr,
    dispatch_qos_class_t qos_class, int relative_priority);

DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_queue_t
    dispatch_queue_create_with_target(
	const char *label, dispatch_queue_attr_t attr, dispatch_queue_t target);
DISPATCH_EXPORT DISPATCH_MALLOC DISPATCH_RETURNS_RETAINED DISPATCH_WARN_RESULT
    DISPATCH_NOTHROW dispatch_queue_t
    dispatch_queue_create(const char *label, dispatch_queue_attr_t attr);

DISPATCH_EXPORT DISPATCH_NOTHROW void dispatch_set_target_queue(
    dispatch_object_t object, dispatch_queue_t queue);

/*
 * Queue properties
 */
DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW const char *
dispatch_queue_get_label(dispatch_queue_t queue);
DISPATCH_EXPORT
DISPATCH_WARN_RESULT DISPATCH_NONNULL1 DISPATCH_NOTHROW dispatch_qos_class_t
dispatch_queue_get_qos_class(
    dispatch_queue_t queue, int *relative_priority_ptr);

DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_NOTHROW void
dispatch_queue_set_specific(dispatch_queue_t queue, const void *key,
    void *context, dispatch_function_t destructor);
DISPATCH_EXPORT DISPATCH_NONNULL1 DISPATCH_WARN_RESULT DISPATCH_NOTHROW void *
dispatch_queue_get_specific(dispatch_queue_t queue, const void *key);
DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW void *
dispatch_get_specific(const void *key);

DISPATCH_EXPORT DISPATCH_NONNULL1 void dispatch_assert_queue(
    dispatch_queue_t queue);
DISPATCH_EXPORT DISPATCH_NONNULL1 void dispatch_assert_queue_barrier(
    dispatch_queue_t queue);
DISPATCH_EXPORT DISPATCH_NONNULL1 void dispatch_assert_queue_not(
    dispatch_queue_t queue);

#ifndef STANDIN_CONFORMANCE
#ifdef NDEBUG
#define dispatch_assert_queue_debug(q) ((void)(0 && (q)))
#define dispatch_assert_queue_barrier_debug(q) ((void)(0 && (q)))
#define dispatch_assert_queue_not_debug(q) ((void)(0 && (q)))
#else
#define dispatch_assert_queue_debug(q) dispatch_assert_queue(q)
#define dispatch_assert_queue_barrier_debug(q) dispatch_assert_queue_barrier(q)
#define dispatch_assert_queue_not_debug(q) dispatch_assert_queue_not(q)
#endif
#endif

STANDIN_DISPATCH_END

#endif
