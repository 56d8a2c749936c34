// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A watcher is kept until its connection has ended and the barriers of all
 * messages to it have run; XPC runs them even if the connection has failed.
 */

#include "events.h"

#include <dispatch/dispatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "protocol.h"

struct watcher {
	struct events *events;
	struct watcher_options options;
	bool left;
	unsigned unsent;
	uint64_t dropped; /* since the last sent event */
	LIST_ENTRY(watcher) entry;
};

struct events {
	LIST_HEAD(, watcher) watchers;
	unsigned count;
	unsigned unsent;   /* of all watchers, including those that have left */
	uint64_t sequence; /* of the last event */
	void (*all_sent)(void *context);
	void *context;
};

struct events *events_create(void (*all_sent)(void *context), void *context)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events != NULL) {
		events->all_sent = all_sent;
		events->context = context;
	}
	return events;
}

void events_destroy(struct events *events)
{
	free(events);
}

/*
 * Watchers.
 */

static bool has_room(const struct events *events, bool sees_all)
{
	unsigned limit = VMNET_BROKER_MAX_WATCHERS;

	if (!sees_all) {
		limit -= VMNET_BROKER_WATCHERS_KEPT_FOR_ROOT;
	}
	return events->count < limit;
}

bool events_watch(struct events *events, const struct watcher_options *options,
    struct failure *failure)
{
	struct watcher *watcher = NULL;

	if (!has_room(events, options->sees_all)) {
		failure_set(failure, FAILURE_BUSY,
		    "%u clients watch the broker, which is the limit",
		    events->count);
		return false;
	}
	watcher = calloc(1, sizeof(*watcher));
	if (watcher == NULL) {
		failure_set(failure, FAILURE_INTERNAL, "out of memory");
		return false;
	}
	watcher->events = events;
	watcher->options = *options;
	LIST_INSERT_HEAD(&events->watchers, watcher, entry);
	events->count++;
	return true;
}

static void destroy_unused(struct watcher *watcher)
{
	if (watcher->left && watcher->unsent == 0) {
		free(watcher);
	}
}

void events_leave(struct events *events, xpc_connection_t connection)
{
	struct watcher *watcher = LIST_FIRST(&events->watchers);

	while (watcher->options.connection != connection) {
		watcher = LIST_NEXT(watcher, entry);
	}
	LIST_REMOVE(watcher, entry);
	events->count--;
	watcher->left = true;
	destroy_unused(watcher);
}

/*
 * Events.
 */

static uint64_t milliseconds(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_REALTIME, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void set_network(xpc_object_t message, const struct network *network)
{
	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_NETWORK_NAME, network->config->name);
	xpc_dictionary_set_string(message, VMNET_BROKER_STATUS_STATE,
	    network_state_name(network->state));
	xpc_dictionary_set_uint64(
	    message, VMNET_BROKER_STATUS_HOLDERS, network->hold_count);
}

/* The reason why a client was refused is not shown to other users, because it
 * may contain text from that client. */
static void set_cause(xpc_object_t message, const struct event *event,
    const struct watcher_options *to)
{
	const struct event_client *client = event->client;

	if (client != NULL && !to->sees_all && client->uid != to->uid) {
		return;
	}
	if (client != NULL) {
		xpc_dictionary_set_uint64(
		    message, VMNET_BROKER_CLIENT_UID, client->uid);
		xpc_dictionary_set_int64(
		    message, VMNET_BROKER_KEY_PID, client->pid);
	}
	if (event->failure != NULL) {
		xpc_dictionary_set_string(message,
		    VMNET_BROKER_KEY_ERROR_MESSAGE, event->failure->message);
	}
}

static xpc_object_t create_message(
    const struct watcher *watcher, const struct event *event)
{
	xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(message, VMNET_BROKER_KEY_EVENT, event->name);
	xpc_dictionary_set_uint64(
	    message, VMNET_BROKER_EVENT_SEQUENCE, watcher->events->sequence);
	xpc_dictionary_set_uint64(
	    message, VMNET_BROKER_EVENT_TIME, milliseconds());
	if (watcher->dropped > 0) {
		xpc_dictionary_set_uint64(
		    message, VMNET_BROKER_EVENT_DROPPED, watcher->dropped);
	}
	if (event->network != NULL) {
		set_network(message, event->network);
	}
	if (event->holders != NULL) {
		xpc_dictionary_set_uint64(
		    message, VMNET_BROKER_STATUS_HOLDERS, *event->holders);
	}
	set_cause(message, event, &watcher->options);
	return message;
}

static void sent(struct watcher *watcher)
{
	struct events *events = watcher->events;

	watcher->unsent--;
	destroy_unused(watcher);
	events->unsent--;
	if (events->unsent == 0) {
		events->all_sent(events->context);
	}
}

static void send_event(struct watcher *watcher, const struct event *event)
{
	xpc_connection_t connection = watcher->options.connection;
	xpc_object_t message = NULL;

	if (watcher->unsent == VMNET_BROKER_MAX_EVENTS) {
		watcher->dropped++;
		return;
	}
	message = create_message(watcher, event);
	watcher->dropped = 0;
	watcher->unsent++;
	watcher->events->unsent++;
	xpc_connection_send_message(connection, message);
	xpc_connection_send_barrier(connection, ^{
		sent(watcher);
	});
	xpc_release(message);
}

void events_post(struct events *events, const struct event *event)
{
	struct watcher *watcher = NULL;

	events->sequence++;
	LIST_FOREACH(watcher, &events->watchers, entry)
	{
		send_event(watcher, event);
	}
}

bool events_are_sent(const struct events *events)
{
	return events->unsent == 0;
}
