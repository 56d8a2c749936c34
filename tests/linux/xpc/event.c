// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Events are queued in the connection and passed to its handler one by one, on
 * the target queue. Only one delivery is in progress at a time, which makes the
 * handler serial on any queue, and each delivery is a separate item on that
 * queue, so that one busy peer does not block the others.
 */

#include "connection.h"

#include <Block.h>

/* The handlers that this thread is inside of, innermost first. */
struct running {
	struct running *outer;
	xpc_connection_t connection;
};

static _Thread_local struct running *running;

bool xevent_is_running(xpc_connection_t self)
{
	for (struct running *each = running; each != NULL; each = each->outer) {
		if (each->connection == self) {
			return true;
		}
	}
	return false;
}

static void event_free(struct xevent *event)
{
	xpc_release(event->object);
	free(event);
}

void xevent_discard(struct xevent *list)
{
	struct xevent *event;

	while (list != NULL) {
		event = list;
		list = event->next;
		if (xobject_is(event->object, XPC_TYPE_CONNECTION)) {
			xpc_connection_cancel((xpc_connection_t)event->object);
		}
		event_free(event);
	}
}

void xevent_push(xpc_connection_t self, struct xobject *object,
    enum xwire_kind kind, uint64_t id, size_t size)
{
	struct xevent *event = xallocate(sizeof(*event));

	event->object = object;
	event->kind = kind;
	event->id = id;
	event->generation = self->generation;
	event->size = size;
	*self->events_tail = event;
	self->events_tail = &event->next;
	self->event_count++;
	self->event_bytes += size;
	xevent_drain(self);
}

static struct xevent *take(xpc_connection_t self)
{
	struct xevent *event = self->events;

	self->events = event->next;
	if (self->events == NULL) {
		self->events_tail = &self->events;
	}
	event->next = NULL;
	self->event_count--;
	self->event_bytes -= event->size;
	return event;
}

/* A message refers to its connection, and holds a transaction of a daemon. */
static void make_message(xpc_connection_t self, struct xevent *event)
{
	struct _xpc_dictionary_s *dictionary =
	    (struct _xpc_dictionary_s *)event->object;

	if (event->kind == 0) {
		return;
	}
	dictionary->message = xmessage_create(
	    XMESSAGE_RECEIVED, self, event->id, event->generation);
	if (self->kind == XPEER) {
		xtransaction_begin();
		dictionary->message->transaction = true;
	}
}

/* INVALID is the last event: nothing refers to the handler any more. */
static void finish(xpc_connection_t self)
{
	xpc_handler_t handler;
	bool runtimes;

	pthread_mutex_lock(&self->lock);
	handler = self->handler;
	self->handler = NULL;
	runtimes = self->runtimes;
	self->runtimes = false;
	pthread_mutex_unlock(&self->lock);
	if (handler != NULL) {
		Block_release(handler);
	}
	if (runtimes) {
		xpc_release(self);
	}
}

static void deliver(
    xpc_connection_t self, struct xevent *event, xpc_handler_t handler)
{
	struct running here = { running, self };
	bool last = event->object ==
	    xobject((xpc_object_t)XPC_ERROR_CONNECTION_INVALID);

	running = &here;
	if (handler != NULL) {
		handler(event->object);
	}
	running = here.outer;
	event_free(event);
	if (handler != NULL) {
		Block_release(handler);
	}
	if (last) {
		finish(self);
	}
}

/* On the target queue. The reference is that of the hop. */
static void drain(void *context)
{
	xpc_connection_t self = context;
	xpc_handler_t handler = NULL;
	struct xevent *event;

	pthread_mutex_lock(&self->lock);
	if (self->events == NULL || !xconnection_is_live(self)) {
		self->draining = false;
		pthread_mutex_unlock(&self->lock);
		xpc_release(self);
		return;
	}
	event = take(self);
	make_message(self, event);
	if (self->handler != NULL) {
		handler = Block_copy(self->handler);
	}
	self->in_handler = true;
	pthread_mutex_unlock(&self->lock);

	deliver(self, event, handler);

	pthread_mutex_lock(&self->lock);
	self->in_handler = false;
	self->draining = false;
	xsend_flush(self);
	xevent_drain(self);
	xchannel_update(self);
	pthread_mutex_unlock(&self->lock);
	xpc_release(self);
}

void xevent_drain(xpc_connection_t self)
{
	if (self->draining || self->events == NULL ||
	    !xconnection_is_live(self)) {
		return;
	}
	self->draining = true;
	xpc_retain(self);
	dispatch_async_f(self->target, self, drain);
}
