// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The interfaces between the parts of the stand-in's libSystem, and the
 * libraries on top of it. Programs never see this header.
 */

#ifndef SYSTEM_H
#define SYSTEM_H

#include <dispatch/dispatch.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* $STANDIN_DIR, or its default. Never NULL, never changes. */
const char *system_directory(void);

/*
 * Prints "BUG IN CLIENT OF ..." and aborts: where Apple's libraries crash on
 * misuse, the stand-in says why. The format is a whole sentence without a full
 * stop, e.g. "LIBXPC: xpc_connection_resume: over-resume".
 */
_Noreturn void system_fatal(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/*
 * Queues.
 */

/*
 * Is the calling thread running on the queue, or on one whose target hierarchy
 * contains it? A synchronous wait that needs the queue would deadlock then.
 */
bool system_queue_is_on(dispatch_queue_t queue);

/*
 * A serial queue that only serves to order the handlers of an object: it is not
 * counted as an object and lends its target's label. target NULL is the default
 * global queue. Starts suspended (once) when asked. Use it with dispatch_*()
 * and release it with dispatch_release(), which is allowed while it is
 * suspended: it lives on until the queued items have run, forever if it is not
 * resumed.
 */
dispatch_queue_t system_queue_create(dispatch_queue_t target, bool suspended);

/*
 * Call these around code in a library that blocks the calling thread: the pool
 * may then start another thread at once. The calls come in pairs, and may nest.
 */
void system_blocking_begin(void);
void system_blocking_end(void);

/*
 * Clocks. Nanoseconds; they follow the fake clock when there is one.
 */
uint64_t system_uptime(void);
uint64_t system_walltime(void);

/* Absolute uptime of a dispatch_time_t; UINT64_MAX for DISPATCH_TIME_FOREVER.
 */
uint64_t system_deadline(dispatch_time_t when);

/*
 * pthread_cond_timedwait() on the dispatch clock: 0, or ETIMEDOUT. The mutex is
 * held by the caller. The condition must come from system_cond_init(). Spurious
 * wakeups are possible, as always. The deadline is from system_deadline().
 */
void system_cond_init(pthread_cond_t *cond);
int system_cond_wait(
    pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline);

/*
 * Watching descriptors. One manager thread waits for all of them and calls the
 * handlers, one at a time: a handler must not block; it reads the available
 * data without blocking and passes it to a queue.
 *
 * events are EPOLLIN, EPOLLOUT; EPOLLERR and EPOLLHUP are reported always, so
 * that a watch with events 0 reports nothing at all: it is paused. Level
 * triggered: called again until the cause is gone or events change. A call may
 * be spurious. Several watches may watch one descriptor.
 *
 * Regular files are always ready, as with poll(2).
 */
struct system_watch;

typedef void (*system_watch_handler)(void *context, uint32_t events);

/* NULL and errno when fd is no open descriptor. From any thread. */
struct system_watch *system_watch_create(
    int fd, uint32_t events, void *context, system_watch_handler handler);

/* From any thread, from the handler as well. */
void system_watch_set_events(struct system_watch *watch, uint32_t events);

/*
 * From any thread, also from the handler. After `finished` (may be NULL) has
 * been called with the context, on the manager thread, the handler is not
 * called any more; only then may fd be closed.
 */
void system_watch_destroy(
    struct system_watch *watch, dispatch_function_t finished);

/* Calls work(context) on the manager thread, soon. */
void system_manager_post(void *context, dispatch_function_t work);

/*
 * Timers on the manager thread. One shot; deadline as from system_deadline().
 */
struct system_timer;

struct system_timer *system_timer_create(
    void *context, dispatch_function_t handler);
/* Replaces an earlier deadline. UINT64_MAX disarms. */
void system_timer_set(struct system_timer *timer, uint64_t deadline);
/* As system_watch_destroy(). */
void system_timer_destroy(
    struct system_timer *timer, dispatch_function_t finished);

#endif
