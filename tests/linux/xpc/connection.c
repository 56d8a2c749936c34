// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The life cycle of a connection.
 */

#include "connection.h"

#include <Block.h>
#include <standin.h>

static void dispose(struct xobject *object);

XPC_TYPE(_xpc_type_connection) = { "connection", dispose };

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct _xpc_connection_s *all;

static dispatch_queue_t queue_or_default(dispatch_queue_t queue)
{
	if (queue == NULL) {
		queue = dispatch_get_global_queue(
		    DISPATCH_QUEUE_PRIORITY_DEFAULT, 0);
	}
	dispatch_retain(queue);
	return queue;
}

xpc_connection_t xconnection_create(
    enum xconnection_kind kind, dispatch_queue_t targetq)
{
	xpc_connection_t self =
	    xobject_create(XPC_TYPE_CONNECTION, sizeof(*self));

	atomic_init(&self->holds, 1);
	self->kind = kind;
	self->inactive = true;
	pthread_mutex_init(&self->lock, NULL);
	self->target = queue_or_default(targetq);
	self->endpoint = -1;
	self->peer = (struct ucred){ 0, (uid_t)-1, (gid_t)-1 };
	self->pending_tail = &self->pending;
	self->events_tail = &self->events;
	self->out_tail = &self->out;
	pthread_mutex_lock(&all_lock);
	self->next = all;
	if (all != NULL) {
		all->previous = self;
	}
	all = self;
	pthread_mutex_unlock(&all_lock);
	return self;
}

static void forget(xpc_connection_t self)
{
	pthread_mutex_lock(&all_lock);
	if (self->previous == NULL) {
		all = self->next;
	} else {
		self->previous->next = self->next;
	}
	if (self->next != NULL) {
		self->next->previous = self->previous;
	}
	pthread_mutex_unlock(&all_lock);
}

xpc_connection_t *xconnection_all(enum xconnection_kind kind, size_t *count)
{
	xpc_connection_t *list;
	size_t size = 1;

	*count = 0;
	pthread_mutex_lock(&all_lock);
	for (xpc_connection_t self = all; self != NULL; self = self->next) {
		size++;
	}
	list = xallocate(size * sizeof(xpc_connection_t));
	for (xpc_connection_t self = all; self != NULL; self = self->next) {
		if (self->kind == kind && xobject_try_retain(&self->object)) {
			list[(*count)++] = self;
		}
	}
	pthread_mutex_unlock(&all_lock);
	return list;
}

void xconnection_unhold(xpc_connection_t self)
{
	if (atomic_fetch_sub(&self->holds, 1) == 1) {
		pthread_mutex_destroy(&self->lock);
		free(self);
	}
}

/* A peer that was refused, or never delivered to a handler, may be released in
 * any state. */
static void require_active(xpc_connection_t self)
{
	if (self->kind == XPEER && (self->cancelled || !self->announced)) {
		return;
	}
	if (self->inactive) {
		xmisuse("xpc_release: release of a connection that was never "
			"activated (%s)",
		    self->name == NULL ? "no name" : self->name);
	}
	if (self->suspended > 0) {
		xmisuse("xpc_release: release of a suspended connection (%s)",
		    self->name == NULL ? "no name" : self->name);
	}
}

static void dispose(struct xobject *object)
{
	xpc_connection_t self = (xpc_connection_t)object;
	xpc_connection_t listener = self->listener;

	require_active(self);
	forget(self);
	pthread_mutex_lock(&self->lock);
	self->invalid = true;
	xchannel_close(self);
	xsend_unwind(self);
	pthread_mutex_unlock(&self->lock);
	xevent_discard(self->events);
	if (self->handler != NULL) {
		Block_release(self->handler);
	}
	if (listener != NULL) {
		xpc_release(listener);
	}
	if (self->endpoint != -1) {
		close(self->endpoint);
	}
	if (self->knock_at != NULL) {
		xpc_release(self->knock_at);
	}
	dispatch_release(self->target);
	free(self->name);
	free(self->reason_text);
	standin_count_add(self->object.type->name, -1);
	if (self->finalizer != NULL) {
		self->finalizer(self->context);
	}
	xconnection_unhold(self);
}

bool xconnection_is_live(xpc_connection_t self)
{
	return !self->inactive && self->suspended == 0;
}

void xconnection_invalidate(xpc_connection_t self, const char *reason,
    bool discard, struct xevent **garbage)
{
	if (!self->invalid) {
		self->invalid = true;
		self->reason = reason;
		xchannel_close(self);
		xpending_fail(self, (xpc_object_t)XPC_ERROR_CONNECTION_INVALID);
		xsend_unwind(self);
	} else if (!discard || self->events == NULL) {
		return; /* INVALID is queued, or was delivered */
	}
	if (discard) {
		*self->events_tail = *garbage;
		*garbage = self->events;
		self->events = NULL;
		self->events_tail = &self->events;
		self->event_count = 0;
		self->event_bytes = 0;
	}
	xevent_push(
	    self, xobject((xpc_object_t)XPC_ERROR_CONNECTION_INVALID), 0, 0, 0);
}

bool xpeer_forget(xpc_connection_t self)
{
	bool forget = self->kind == XPEER && !self->announced &&
	    self->invalid && self->runtimes;

	if (forget) {
		self->runtimes = false;
	}
	return forget;
}

xpc_connection_t xpc_connection_create(
    const char *name, dispatch_queue_t targetq)
{
	xpc_connection_t self;

	if (name == NULL) {
		return xconnection_create(XANONYMOUS, targetq);
	}
	/* Services of application bundles do not exist here. */
	self = xpc_connection_create_mach_service(name, targetq, 0);
	self->lookup_fails = true;
	return self;
}

xpc_connection_t xpc_connection_create_mach_service(
    const char *name, dispatch_queue_t targetq, uint64_t flags)
{
	bool listener = (flags & XPC_CONNECTION_MACH_SERVICE_LISTENER) != 0;
	xpc_connection_t self =
	    xconnection_create(listener ? XLISTENER : XSERVICE, targetq);

	self->privileged =
	    (flags & XPC_CONNECTION_MACH_SERVICE_PRIVILEGED) != 0;
	self->name = strdup(name);
	if (self->name == NULL) {
		xmisuse("out of memory for a name");
	}
	return self;
}

void xpc_connection_activate(xpc_connection_t self)
{
	xobject_require(self, XPC_TYPE_CONNECTION, "xpc_connection_activate");
	pthread_mutex_lock(&self->lock);
	if (!self->inactive) {
		pthread_mutex_unlock(&self->lock);
		return;
	}
	if (self->handler == NULL) {
		xmisuse("xpc_connection_activate: the connection has no event "
			"handler");
	}
	self->inactive = false;
	pthread_mutex_unlock(&self->lock);
	if (self->kind == XLISTENER || self->kind == XANONYMOUS) {
		xlistener_activate(self);
	}
	pthread_mutex_lock(&self->lock);
	xsend_flush(self);
	xevent_drain(self);
	xchannel_update(self);
	pthread_mutex_unlock(&self->lock);
}

void xpc_connection_suspend(xpc_connection_t self)
{
	xobject_require(self, XPC_TYPE_CONNECTION, "xpc_connection_suspend");
	pthread_mutex_lock(&self->lock);
	self->suspended++;
	xchannel_update(self);
	pthread_mutex_unlock(&self->lock);
}

void xpc_connection_resume(xpc_connection_t self)
{
	xobject_require(self, XPC_TYPE_CONNECTION, "xpc_connection_resume");
	pthread_mutex_lock(&self->lock);
	if (self->suspended == 0) {
		if (!self->inactive) {
			xmisuse("xpc_connection_resume: the connection is not "
				"suspended");
		}
		pthread_mutex_unlock(&self->lock);
		xpc_connection_activate(self);
		return;
	}
	self->suspended--;
	xsend_flush(self);
	xevent_drain(self);
	xchannel_update(self);
	pthread_mutex_unlock(&self->lock);
}

void xpc_connection_cancel(xpc_connection_t self)
{
	struct xevent *garbage = NULL;
	uint64_t dropped = 0;
	bool forgotten;

	xobject_require(self, XPC_TYPE_CONNECTION, "xpc_connection_cancel");
	pthread_mutex_lock(&self->lock);
	if (self->cancelled) {
		pthread_mutex_unlock(&self->lock);
		return;
	}
	self->cancelled = true;
	xconnection_invalidate(self, "canceled by the program", true, &garbage);
	/* A refused peer has no handler to notify. */
	forgotten = self->inactive && self->runtimes;
	if (forgotten) {
		self->runtimes = false;
	}
	if (self->kind == XANONYMOUS) {
		dropped = self->listener_id;
	}
	pthread_mutex_unlock(&self->lock);
	xevent_discard(garbage);
	if (dropped != 0) {
		xlistener_drop_peers(dropped);
	}
	if (forgotten) {
		xpc_release(self);
	}
}
