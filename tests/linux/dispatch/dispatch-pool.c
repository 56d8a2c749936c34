// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The threads that run what reaches a global queue.
 *
 * As many as POOL_WANTED run at a time. A thread that blocks in one of the
 * libraries reports it, and another one replaces it immediately; a thread that
 * blocks elsewhere is noticed when there has been no progress for a while. Of
 * the idle threads the one that worked last gets the next item, as in the
 * kernel of macOS. An idle thread exits after POOL_IDLE_SECONDS.
 */

#include "dispatch-internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define POOL_WANTED 4
#define POOL_LIMIT 256
#define POOL_IDLE_SECONDS 5
#define POOL_STALL_NANOSECONDS 2000000
/* A queue runs at most this many items before other queues have their turn. */
#define POOL_TURNS 64
#define POOL_STACK (1024 * 1024)

/* A thread, in the stack of idle ones while it waits for an item. */
struct worker {
	pthread_cond_t work; /* there is something to run */
	struct worker *next;
};

static struct {
	pthread_mutex_t lock;
	struct worker *waiting; /* the last one first */
	pthread_cond_t stall;   /* the overseer sleeps on it */
	struct item_list items;
	unsigned pending;
	unsigned idle;
	unsigned threads;
	unsigned blocked;
	unsigned long taken;
	bool overseen;
	pthread_once_t once;
} pool = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.once = PTHREAD_ONCE_INIT,
	.items = { .tail = &pool.items.head },
};

static _Thread_local bool on_pool;
static _Thread_local unsigned blocking;

static void pool_forget(void)
{
	pthread_mutex_init(&pool.lock, NULL);
	pool.waiting = NULL;
	system_cond_init(&pool.stall);
	item_list_init(&pool.items);
	pool.pending = pool.idle = pool.threads = pool.blocked = 0;
	pool.overseen = false;
	on_pool = false;
}

/* fork() does not copy the threads: the child starts without any. */
static void pool_init(void)
{
	system_cond_init(&pool.stall);
	pthread_atfork(NULL, NULL, pool_forget);
}

static void after(struct timespec *when, uint64_t nanoseconds)
{
	uint64_t total;

	clock_gettime(CLOCK_MONOTONIC, when);
	total = (uint64_t)when->tv_nsec + nanoseconds;
	when->tv_sec += (time_t)(total / NSEC_PER_SEC);
	when->tv_nsec = (long)(total % NSEC_PER_SEC);
}

/* Waits until the worker is woken or its time is up: ETIMEDOUT. */
static int pool_wait(struct worker *worker, const struct timespec *until)
{
	struct worker **link = &pool.waiting;
	int error;

	worker->next = pool.waiting;
	pool.waiting = worker;
	pool.idle++;
	error = pthread_cond_timedwait(&worker->work, &pool.lock, until);
	pool.idle--;
	while (*link != NULL && *link != worker) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		*link = worker->next;
	}
	return error;
}

static void pool_wake(void)
{
	struct worker *worker = pool.waiting;

	if (worker != NULL) {
		pool.waiting = worker->next;
		pthread_cond_signal(&worker->work);
	}
}

/* Waits for an item to run; NULL: the thread may exit. */
static struct item *pool_take(struct worker *worker)
{
	struct timespec until;
	int error = 0;

	after(&until, POOL_IDLE_SECONDS * NSEC_PER_SEC);
	while (pool.items.head == NULL) {
		if (error == ETIMEDOUT) {
			return NULL;
		}
		error = pool_wait(worker, &until);
	}
	pool.pending--;
	pool.taken++;
	return item_list_take(&pool.items);
}

/* As in libdispatch, set by the Objective-C runtime: an autorelease pool around
 * each item that a worker runs. */
void *(*_dispatch_begin_NSAutoReleasePool)(void);
void (*_dispatch_end_NSAutoReleasePool)(void *pool);

static struct item *pool_run(struct item *item)
{
	void *autoreleased = _dispatch_begin_NSAutoReleasePool == NULL
	    ? NULL
	    : _dispatch_begin_NSAutoReleasePool();

	item = item_run(item);
	if (autoreleased != NULL) {
		_dispatch_end_NSAutoReleasePool(autoreleased);
	}
	return item;
}

static void *pool_thread(void *unused)
{
	struct worker worker;

	on_pool = true;
	system_cond_init(&worker.work);
	pthread_mutex_lock(&pool.lock);
	for (struct item *item = pool_take(&worker); item != NULL;
	     item = pool_take(&worker)) {
		pthread_mutex_unlock(&pool.lock);
		for (unsigned turns = 0; item != NULL && turns < POOL_TURNS;
		     turns++) {
			item = pool_run(item);
		}
		if (item != NULL) {
			pool_push(item);
		}
		pthread_mutex_lock(&pool.lock);
	}
	pool.threads--;
	pthread_mutex_unlock(&pool.lock);
	pthread_cond_destroy(&worker.work);
	return NULL;
}

/*
 * As in libdispatch, signals go to the program's own threads, except those that
 * a thread causes itself: a worker that writes to a closed pipe ends the
 * program.
 */
static void pool_signals(sigset_t *blocked)
{
	static const int own[] = { SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS,
		SIGSEGV, SIGSYS, SIGPIPE };

	sigfillset(blocked);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		sigdelset(blocked, own[i]);
	}
}

static bool pool_spawn(void *(*start)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t blocked, old;
	int error;

	pool_signals(&blocked);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, POOL_STACK);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	error = pthread_create(&thread, &attr, start, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return error == 0;
}

static void pool_grow(void)
{
	if (pool.threads < POOL_LIMIT && pool_spawn(pool_thread)) {
		pool.threads++;
	} else if (pool.threads == 0) {
		abort();
	}
}

/* Runs while an item is waiting that no thread takes. */
static void *pool_oversee(void *unused)
{
	unsigned long taken;
	struct timespec until;

	pthread_mutex_lock(&pool.lock);
	while (pool.pending > pool.idle) {
		taken = pool.taken;
		after(&until, POOL_STALL_NANOSECONDS);
		while (pthread_cond_timedwait(
			   &pool.stall, &pool.lock, &until) != ETIMEDOUT) {
		}
		if (pool.pending > pool.idle && taken == pool.taken) {
			pool_grow();
		}
	}
	pool.overseen = false;
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* Ensures that pending items will run. The lock is held. */
static void pool_serve(void)
{
	if (pool.pending <= pool.idle) {
		return;
	}
	if (pool.threads - pool.blocked < POOL_WANTED) {
		pool_grow();
	} else if (!pool.overseen) {
		pool.overseen = pool_spawn(pool_oversee);
	}
}

void pool_push(struct item *item)
{
	pthread_once(&pool.once, pool_init);
	pthread_mutex_lock(&pool.lock);
	item_list_append(&pool.items, item);
	pool.pending++;
	pool_serve();
	pool_wake();
	pthread_mutex_unlock(&pool.lock);
}

void system_blocking_begin(void)
{
	if (!on_pool || blocking++ > 0) {
		return;
	}
	pthread_mutex_lock(&pool.lock);
	pool.blocked++;
	pool_serve();
	pthread_mutex_unlock(&pool.lock);
}

void system_blocking_end(void)
{
	if (!on_pool || --blocking > 0) {
		return;
	}
	pthread_mutex_lock(&pool.lock);
	pool.blocked--;
	pthread_mutex_unlock(&pool.lock);
}
