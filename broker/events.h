// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What happens, told to the clients that watch: a message each, over the
 * connection on which they asked for it.
 *
 * A watcher that reads slowly costs no more than VMNET_BROKER_MAX_EVENTS
 * messages: later events are dropped until it has read some, and the next one
 * that it gets says how many.
 *
 * All on the serial queue.
 */

#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <sys/types.h>
#include <xpc/xpc.h>

#include "failure.h"
#include "registry.h"

struct events;
struct watcher;

/* Who caused an event. */
struct event_client {
	uid_t uid;
	pid_t pid;
};

struct event {
	const char *name;                  /* as the protocol lists them */
	const struct network *network;     /* or NULL */
	const struct event_client *client; /* or NULL */
	const struct failure *failure;     /* or NULL */
	const size_t *holders; /* NULL: those of the network, if there is one */
};

struct watcher_options {
	xpc_connection_t connection; /* its target is the serial queue */
	uid_t uid;
	bool sees_all; /* also which other user's client caused an event */
};

/* all_sent: called each time when nothing is left to send. NULL: no memory. */
struct events *events_create(void (*all_sent)(void *context), void *context);

/* When no watcher is left. NULL is fine. */
void events_destroy(struct events *events);

/* Sends it all events from now on. NULL: failure says why not. */
struct watcher *events_watch(struct events *events,
    const struct watcher_options *options, struct failure *failure);

/* Its connection has ended. NULL is fine. */
void events_leave(struct watcher *watcher);

void events_post(struct events *events, const struct event *event);

/* Has the system taken all events? What it has not is lost when the broker
 * exits. */
bool events_are_sent(const struct events *events);

#endif
