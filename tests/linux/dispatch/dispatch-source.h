// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The interface between sources and their kinds (timer, signal, ...).
 *
 * A source runs its handlers on a hidden serial queue of its own, which targets
 * the program's queue; suspending the source suspends that queue. States:
 *
 *     inactive    made; handlers may be set; nothing is armed
 *     armed       the kind reports events by source_merge()
 *     cancelled   no event handler begins any more; the kind is disarmed, and
 *                 when it has stopped, the cancel handler runs, once
 *     disposed    the program has released it: as cancelled, without handlers
 */

#ifndef DISPATCH_SOURCE_INTERNAL_H
#define DISPATCH_SOURCE_INTERNAL_H

#include "dispatch-internal.h"

/* How data of several events before the handler runs becomes one value. */
enum source_merge { SOURCE_ADD, SOURCE_OR, SOURCE_REPLACE };

struct dispatch_source_type_s {
	const char *name;
	enum source_merge merge;
	bool zero; /* data of 0 is an event, too */
	/* false: dispatch_source_create() gives NULL. May be NULL. */
	bool (*check)(uintptr_t handle, uintptr_t mask);
	/* Begins to report. From the thread that activates. */
	void (*arm)(struct dispatch_source_s *source);
	/* The handler has run, or the timer was set: report again. */
	void (*rearm)(struct dispatch_source_s *source);
	/* Stops; calls source_disarmed() when it no longer uses the source. */
	void (*disarm)(struct dispatch_source_s *source);
	/* The data for the handler, computed just before it runs. May be
	 * NULL. */
	uintptr_t (*data)(struct dispatch_source_s *source, uintptr_t data);
};

enum source_handler { SOURCE_EVENT, SOURCE_CANCEL, SOURCE_REGISTRATION };

struct handler {
	dispatch_function_t function;
	void *block; /* owned; else the function gets the context */
};

struct source_timer {
	uint64_t next;     /* UINT64_MAX: never */
	uint64_t interval; /* UINT64_MAX: once */
};

struct dispatch_source_s {
	struct dispatch_object_s object;
	const struct dispatch_source_type_s *type;
	uintptr_t handle;
	uintptr_t mask;
	dispatch_queue_t queue;
	pthread_mutex_t lock;
	struct handler handlers[3];
	uintptr_t pending;
	uintptr_t data;
	bool active;
	bool armed;
	bool scheduled; /* on its way to the handler */
	bool cancelled;
	bool disposed;
	unsigned suspended; /* by the program */
	/* The kinds' own. */
	struct system_watch *watch;
	struct system_timer *timer;
	struct source_timer schedule;
	struct dispatch_source_s *next_signal;
	int fd; /* opened by the kind, or -1 */
};

/* An event: coalesced with those the handler has not seen. Any thread. */
void source_merge(struct dispatch_source_s *source, uintptr_t data);

/* The kind no longer uses the source and will not report again. */
void source_disarmed(void *source);

/* For kinds that watch a descriptor. */
void source_watch(struct dispatch_source_s *source, int fd, uint32_t events);
void source_watch_disarm(struct dispatch_source_s *source);

#endif
