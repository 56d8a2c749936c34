// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Declarations that the files of the dispatch stand-in share.
 *
 * How work flows: an item is appended to a queue. When the queue lets it start
 * (serial: one at a time; barriers alone), the item leaves its list and is
 * appended to the queue's target, and so on, until it reaches a root: the pool
 * of threads, or the main thread. There it runs, owning its place in every
 * queue of its path, and then leaves them all. A synchronous item is not run by
 * the pool: its turn is given to the thread that waits for it.
 *
 * Locks are taken from a queue to its target, never the other way.
 */

#ifndef DISPATCH_INTERNAL_H
#define DISPATCH_INTERNAL_H

#include "../os/system.h"

#include <stdatomic.h>

/* Maximum depth of a target hierarchy; exceeding it aborts with a message. */
#define DISPATCH_PATH_MAX 16

struct object_class {
	const char *name;
	bool uncounted;
	/* The program has released its last reference. May be NULL. */
	void (*dispose)(struct dispatch_object_s *object);
	/* The object is no longer referenced: frees it. */
	void (*destroy)(struct dispatch_object_s *object);
	/* NULL if the object does not support it. */
	void (*suspend)(struct dispatch_object_s *object);
	void (*resume)(struct dispatch_object_s *object);
	void (*activate)(struct dispatch_object_s *object);
	void (*set_target)(
	    struct dispatch_object_s *object, dispatch_queue_t target);
	dispatch_queue_t (*get_target)(struct dispatch_object_s *object);
};

/*
 * The program's references and the library's own are counted apart: the
 * object is disposed of with the last of the former, freed with the last of
 * the latter.
 */
struct dispatch_object_s {
	const struct object_class *class;
	atomic_int external;
	atomic_int internal;
	void *context;
	dispatch_function_t finalizer;
	bool immortal;
};

void *object_create(const struct object_class *class, size_t size);
void object_retain(void *object);
void object_release(void *object);

struct waiter;

struct item {
	struct item *next;
	dispatch_function_t work;
	void *context;
	struct waiter *waiter; /* of a synchronous item */
	struct item *outer;    /* what this thread was running before */
	bool barrier;
	unsigned depth;
	struct dispatch_queue_s *path[DISPATCH_PATH_MAX];
};

struct item_list {
	struct item *head;
	struct item **tail;
};

void item_list_init(struct item_list *list);
void item_list_append(struct item_list *list, struct item *item);
struct item *item_list_take(struct item_list *list);

/* Passes items that have reached a root to the threads that run them. */
void item_list_flush(struct item_list *ready);

struct specific;

enum queue_root { QUEUE_NO_ROOT, QUEUE_ROOT_POOL, QUEUE_ROOT_MAIN };

struct dispatch_queue_s {
	struct dispatch_object_s object;
	pthread_mutex_t lock;
	struct dispatch_queue_s *target; /* NULL in roots only */
	enum queue_root root;
	const char *label;
	bool serial;
	bool hidden;    /* see system_queue_create() */
	bool immutable; /* its target never changes once it is active */
	bool inactive;
	unsigned suspended;
	unsigned running;
	bool exclusive; /* what is running is a barrier, or the one of serial */
	struct item_list items;
	struct specific *specifics;
	dispatch_qos_class_t qos;
};

/* What the calling thread is running, innermost first. */
struct item *item_current(void);

void queue_async(
    dispatch_queue_t queue, dispatch_function_t work, void *context);
void queue_item_push(dispatch_queue_t queue, struct item *item);

/* Starts the items that may start, after a change. Called with the lock, which
 * it releases. */
void queue_unlock_and_pump(dispatch_queue_t queue);

/* Drops all values that dispatch_queue_set_specific() left. */
void specifics_destroy(struct specific *specifics);

/* Runs the item, leaves its queues, frees it. May return an item to run
 * next. */
struct item *item_run(struct item *item);

/* Whether this is the main thread, before dispatch_main(). */
bool main_is_bound(void);
/* False after dispatch_main(): then the pool must run it. */
bool main_keep(struct item *item);

void pool_push(struct item *item);

/* Calls a block and releases it. */
void block_call(void *block);

/* The manager thread has the signals in the set unblocked. */
void manager_unblock(int signo);

/* Whether this is the manager thread. Safe in a signal handler. */
bool manager_is_current(void);

/* Adds the signals that have a source, and end no system call on macOS. */
void signals_add_quiet(sigset_t *set);

/* Wakes the manager thread: the clock has moved. */
void manager_clock_changed(void);

#endif
