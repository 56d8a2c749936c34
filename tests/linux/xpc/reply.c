// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Requests that wait for their reply. A reply is accepted only if it carries
 * the ID of a request that this connection sent and that is still waiting.
 * Every request gets exactly one answer, if need be an error.
 */

#include "connection.h"

#include <Block.h>

struct xpending {
	struct xpending *next;
	uint64_t id;
	struct xobject *result; /* a reference; NULL: still waiting */

	/* A synchronous one is on the stack of the thread that waits. */
	pthread_cond_t *answered;

	/* An asynchronous one keeps its connection alive. */
	xpc_connection_t connection;
	dispatch_queue_t queue;
	xpc_handler_t handler;
};

/* On the reply queue. */
static void answer(void *context)
{
	struct xpending *pending = context;

	pending->handler(pending->result);
	xpc_release(pending->result);
	Block_release(pending->handler);
	dispatch_release(pending->queue);
	xpc_release(pending->connection);
	free(pending);
}

/* object: a reference that is taken over. */
static void complete(struct xpending *pending, struct xobject *object)
{
	pending->result = object;
	if (pending->answered != NULL) {
		pthread_cond_signal(pending->answered);
	} else {
		dispatch_async_f(pending->queue, pending, answer);
	}
}

static void append(xpc_connection_t self, struct xpending *pending)
{
	pending->id = ++self->last_id;
	*self->pending_tail = pending;
	self->pending_tail = &pending->next;
}

static struct xpending *take(xpc_connection_t self, struct xpending **link)
{
	struct xpending *pending = *link;

	*link = pending->next;
	if (*link == NULL) {
		self->pending_tail = link;
	}
	pending->next = NULL;
	return pending;
}

static struct xpending **find(xpc_connection_t self, uint64_t id)
{
	struct xpending **link = &self->pending;

	while (*link != NULL && (*link)->id != id) {
		link = &(*link)->next;
	}
	return link;
}

void xpending_complete(
    xpc_connection_t self, uint64_t id, struct xobject *object)
{
	struct xpending **link = find(self, id);

	if (*link == NULL) {
		xpc_release(object); /* answers nothing that was asked */
		return;
	}
	((struct _xpc_dictionary_s *)object)->message =
	    xmessage_create(XMESSAGE_RECEIVED, self, 0, self->generation);
	complete(take(self, link), object);
}

void xpending_drop(xpc_connection_t self, uint64_t id)
{
	struct xpending **link = find(self, id);

	if (*link != NULL) {
		complete(take(self, link),
		    xobject((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED));
	}
}

void xpending_fail(xpc_connection_t self, xpc_object_t error)
{
	while (self->pending != NULL) {
		complete(take(self, &self->pending), error);
	}
}

static void refuse_reply(xpc_object_t message, const char *caller)
{
	if (xmessage_send_reply(message) != NULL) {
		xmisuse("%s: a reply cannot ask for a reply", caller);
	}
}

/* Locked. Sends, unless the other side is gone. */
static void ask(
    xpc_connection_t self, struct xpending *pending, xpc_object_t message)
{
	struct xframe *frame;

	if (self->invalid) {
		complete(pending, (xpc_object_t)XPC_ERROR_CONNECTION_INVALID);
		return;
	}
	append(self, pending);
	frame = xwire_encode(message, XWIRE_REQUEST, pending->id);
	xsend_frame(self, frame);
	xchannel_update(self);
}

void xpc_connection_send_message_with_reply(xpc_connection_t self,
    xpc_object_t message, dispatch_queue_t replyq, xpc_handler_t handler)
{
	struct xpending *pending;

	xsend_check(self, message, "xpc_connection_send_message_with_reply");
	refuse_reply(message, "xpc_connection_send_message_with_reply");
	if (xconnection_is_forked()) {
		return;
	}
	pending = xallocate(sizeof(*pending));
	pending->connection = xpc_retain(self);
	pending->handler = Block_copy(handler);
	pthread_mutex_lock(&self->lock);
	pending->queue = replyq == NULL ? self->target : replyq;
	dispatch_retain(pending->queue);
	ask(self, pending, message);
	pthread_mutex_unlock(&self->lock);
}

xpc_object_t xpc_connection_send_message_with_reply_sync(
    xpc_connection_t self, xpc_object_t message)
{
	pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
	struct xpending pending = { .answered = &answered };

	xsend_check(
	    self, message, "xpc_connection_send_message_with_reply_sync");
	refuse_reply(message, "xpc_connection_send_message_with_reply_sync");
	if (xevent_is_running(self)) {
		xmisuse("xpc_connection_send_message_with_reply_sync: called "
			"from the connection's own event handler, this waits "
			"for ever");
	}
	if (xconnection_is_forked()) {
		return (xpc_object_t)XPC_ERROR_CONNECTION_INVALID;
	}
	system_blocking_begin();
	pthread_mutex_lock(&self->lock);
	ask(self, &pending, message);
	while (pending.result == NULL) {
		pthread_cond_wait(&answered, &self->lock);
	}
	pthread_mutex_unlock(&self->lock);
	system_blocking_end();
	pthread_cond_destroy(&answered);
	return pending.result;
}
