// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Sending. A message is encoded, and thereby copied, at once; then it waits in
 * `out` until the connection is active, its handler is not running, no barrier
 * is, and the socket takes it. A reply waits for the socket only. Sending never
 * blocks: the socket is the bounded queue, and a barrier reports when it has
 * accepted everything.
 */

#include "connection.h"

#include <Block.h>
#include <errno.h>

/* The kernel takes no more in one sendmsg(2). */
#define DESCRIPTORS_MAX 253

static struct xframe *take(xpc_connection_t self)
{
	struct xframe *frame = self->out;

	self->out = frame->next;
	if (self->out == NULL) {
		self->out_tail = &self->out;
	}
	return frame;
}

struct barrier {
	xpc_connection_t connection;
	dispatch_block_t block;
};

/* On the target queue. */
static void barrier_run(void *context)
{
	struct barrier *barrier = context;
	xpc_connection_t self = barrier->connection;

	barrier->block();
	Block_release(barrier->block);
	free(barrier);
	pthread_mutex_lock(&self->lock);
	self->in_barrier = false;
	xsend_flush(self);
	xchannel_update(self);
	pthread_mutex_unlock(&self->lock);
	xpc_release(self);
}

static void barrier_start(xpc_connection_t self, struct xframe *frame)
{
	struct barrier *barrier = xallocate(sizeof(*barrier));

	barrier->connection = xpc_retain(self);
	barrier->block = frame->barrier;
	xframe_destroy(frame);
	self->in_barrier = true;
	dispatch_async_f(self->target, barrier, barrier_run);
}

/* During disposal there is no program left to run it for. */
static void unwind(xpc_connection_t self, struct xframe *frame)
{
	if (frame->barrier == NULL) {
		xframe_destroy(frame);
		return;
	}
	if (atomic_load(&self->object.references) == 0) {
		Block_release(frame->barrier);
		xframe_destroy(frame);
		return;
	}
	barrier_start(self, frame);
}

/* A connection that waits for its socket keeps itself alive. */
static void set_writing(xpc_connection_t self, bool writing)
{
	if (self->writing == writing) {
		return;
	}
	self->writing = writing;
	if (writing) {
		xpc_retain(self);
	} else {
		/* Never the last reference: the caller has one. */
		xpc_release(self);
	}
}

void xsend_unwind(xpc_connection_t self)
{
	while (self->out != NULL) {
		unwind(self, take(self));
	}
	set_writing(self, false);
}

/* How many of the frame's descriptors go next, and with how many bytes. */
static size_t portion(const struct xframe *frame, size_t *bytes)
{
	size_t left = frame->descriptor_count - frame->descriptors_sent;

	*bytes = frame->length - frame->sent;
	if (left <= DESCRIPTORS_MAX) {
		return left;
	}
	/* Each has a byte of its own at least, so there is one to go with. */
	*bytes = 1;
	return DESCRIPTORS_MAX;
}

static void attach(struct msghdr *header, struct cmsghdr *control,
    const struct xframe *frame, size_t count)
{
	int *descriptors = (int *)CMSG_DATA(control);
	xpc_object_t object;

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++) {
		object = frame->descriptors[frame->descriptors_sent + i];
		descriptors[i] = ((struct xdescriptor *)object)->fd;
	}
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(count * sizeof(int));
}

/* 1: everything was sent. 0: the socket is full. -1: the other side is gone. */
static int transmit(int fd, struct xframe *frame)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct msghdr header;
	struct iovec bytes;
	size_t count;
	ssize_t sent;

	while (frame->sent < frame->length) {
		count = portion(frame, &bytes.iov_len);
		bytes.iov_base = frame->bytes + frame->sent;
		header = (struct msghdr){ .msg_iov = &bytes, .msg_iovlen = 1 };
		if (count > 0) {
			memset(&control, 0, sizeof(control));
			attach(&header, &control.header, frame, count);
		}
		sent = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == -1 && errno == EINTR) {
			continue;
		}
		/* Too many descriptors on their way: some will arrive. */
		if (sent == -1 &&
		    (errno == EAGAIN || errno == ENOBUFS ||
			errno == ETOOMANYREFS)) {
			return 0;
		}
		if (sent == -1) {
			return -1;
		}
		frame->sent += (size_t)sent;
		frame->descriptors_sent += count;
	}
	return 1;
}

static bool is_open(xpc_connection_t self)
{
	return xconnection_is_live(self) && !self->in_handler &&
	    !self->in_barrier;
}

static bool may_send(xpc_connection_t self)
{
	return self->out != NULL && !self->invalid &&
	    (self->out->reply || self->out->sent > 0 || is_open(self));
}

/* No barrier waits for replies that the other side does not read. */
static void pass_barrier(xpc_connection_t self)
{
	struct xframe **at = &self->out;
	struct xframe *barrier;

	while (*at != NULL && (*at)->reply) {
		at = &(*at)->next;
	}
	barrier = *at;
	if (at != &self->out && barrier != NULL && barrier->barrier != NULL &&
	    is_open(self)) {
		*at = barrier->next;
		if (*at == NULL) {
			self->out_tail = at;
		}
		barrier_start(self, barrier);
	}
}

static bool connect_now(xpc_connection_t self)
{
	struct xevent *garbage = NULL;
	const char *reason = NULL;

	if (self->channel != NULL) {
		return true;
	}
	if (xchannel_connect(self, &reason) == 0) {
		return true;
	}
	xconnection_invalidate(self, reason, false, &garbage);
	return false;
}

/*
 * The other side has closed its end. The messages that it sent before are still
 * to be read, and the program learns of the end after the last of them; until
 * then nothing can be sent.
 */
static void other_side_is_gone(xpc_connection_t self)
{
	while (self->out != NULL && !self->in_barrier) {
		unwind(self, take(self));
	}
}

void xsend_flush(xpc_connection_t self)
{
	int result = 1;

	while (result > 0 && may_send(self)) {
		if (self->out->barrier != NULL) {
			barrier_start(self, take(self));
			break;
		}
		if (!connect_now(self)) {
			return;
		}
		result = transmit(self->channel->fd, self->out);
		if (result > 0) {
			xframe_destroy(take(self));
		} else if (result == -1) {
			other_side_is_gone(self);
		}
	}
	if (result == 0) {
		pass_barrier(self);
	}
	set_writing(self, result == 0);
}

void xsend_frame(xpc_connection_t self, struct xframe *frame)
{
	if (self->invalid) {
		unwind(self, frame);
		return;
	}
	*self->out_tail = frame;
	self->out_tail = &frame->next;
	if (!self->writing) {
		xsend_flush(self);
		xchannel_update(self);
	} else {
		pass_barrier(self);
	}
}

/* A reply goes to a right of its own: it is not in the queue, but behind a
 * frame that has begun and other replies. */
static void push_reply(xpc_connection_t self, struct xframe *frame)
{
	struct xframe **at = &self->out;

	while (*at != NULL && ((*at)->reply || (*at)->sent > 0)) {
		at = &(*at)->next;
	}
	frame->reply = true;
	frame->next = *at;
	*at = frame;
	if (frame->next == NULL) {
		self->out_tail = &frame->next;
	}
	if (!self->writing) {
		xsend_flush(self);
		xchannel_update(self);
	}
}

static void send_reply(struct xmessage *context, struct xframe *frame)
{
	xpc_connection_t self = context->connection;

	frame->transaction = context->transaction;
	context->transaction = false;
	pthread_mutex_lock(&self->lock);
	if (self->generation == context->generation && self->channel != NULL &&
	    !self->invalid) {
		push_reply(self, frame);
		frame = NULL;
	}
	pthread_mutex_unlock(&self->lock);
	if (frame != NULL) {
		xframe_destroy(frame); /* the sender of the request is gone */
	}
}

void xsend_dropped(struct xmessage *context)
{
	xpc_object_t nothing = xpc_dictionary_create_empty();

	send_reply(context, xwire_encode(nothing, XWIRE_DROPPED, context->id));
	xpc_release(nothing);
}

void xpc_connection_send_message(xpc_connection_t self, xpc_object_t message)
{
	struct xmessage *context;
	struct xframe *frame;

	xsend_check(self, message, "xpc_connection_send_message");
	if (xconnection_is_forked()) {
		return;
	}
	context = xmessage_send_reply(message);
	if (context != NULL) {
		send_reply(
		    context, xwire_encode(message, XWIRE_REPLY, context->id));
		return;
	}
	frame = xwire_encode(message, XWIRE_MESSAGE, 0);
	pthread_mutex_lock(&self->lock);
	xsend_frame(self, frame);
	pthread_mutex_unlock(&self->lock);
}

void xsend_check(
    xpc_connection_t self, xpc_object_t message, const char *caller)
{
	xobject_require(self, XPC_TYPE_CONNECTION, caller);
	if (!xobject_is(message, XPC_TYPE_DICTIONARY)) {
		xmisuse("%s: the message is a %s, not a dictionary", caller,
		    xobject(message)->type->name);
	}
	if (self->kind == XLISTENER || self->kind == XANONYMOUS) {
		xmisuse("%s: a listener sends no messages", caller);
	}
}

void xpc_connection_send_barrier(
    xpc_connection_t self, dispatch_block_t barrier)
{
	struct xframe *frame = xallocate(sizeof(*frame));

	xobject_require(
	    self, XPC_TYPE_CONNECTION, "xpc_connection_send_barrier");
	frame->barrier = Block_copy(barrier);
	pthread_mutex_lock(&self->lock);
	xsend_frame(self, frame);
	pthread_mutex_unlock(&self->lock);
}
