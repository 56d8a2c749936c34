// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Events for the clients that watch: one message for each event, over the
 * connection on which the client asked to watch.
 *
 * At most VMNET_BROKER_MAX_EVENTS messages are queued for a watcher that reads
 * slowly: later events are dropped until it has read some, and the next event
 * that it gets contains the number of dropped ones.
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

/* The client that caused an event. */
struct event_client {
	uid_t uid;
	pid_t pid;
};

struct event {
	const char *name;                  /* as listed in the protocol */
	const struct network *network;     /* or NULL */
	const struct event_client *client; /* or NULL */
	const struct failure *failure;     /* or NULL */
	const size_t *holders; /* NULL: those of the network, if there is one */
};

struct watcher_options {
	xpc_connection_t connection; /* its target is the serial queue */
	uid_t uid;
	bool sees_all; /* also which client of another user caused an event */
};

/* all_sent is called whenever nothing is left to send. NULL: out of memory. */
struct events *events_create(void (*all_sent)(void *context), void *context);

/* Call it when no watcher is left. NULL is allowed. */
void events_destroy(struct events *events);

/* Starts to send events to a client that does not get them yet. False: failure
 * says why not. */
bool events_watch(struct events *events, const struct watcher_options *options,
    struct failure *failure);

/* The connection of a client that gets events has ended. */
void events_leave(struct events *events, xpc_connection_t connection);

void events_post(struct events *events, const struct event *event);

/* Whether the system has accepted all events. Others are lost when the broker
 * exits. */
bool events_are_sent(const struct events *events);

#endif
