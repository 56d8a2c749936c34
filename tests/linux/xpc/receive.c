// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Receiving, on the manager thread: bytes and descriptors become frames, and
 * frames messages and replies. An invalid frame ends only the peer that sent
 * it.
 */

#include "connection.h"

#include <errno.h>
#include <sys/epoll.h>

#include <standin.h>

/* Read at once when no frame is under way: a few messages, no more. */
#define CHUNK 4096
/* And of a long frame; between two, others get their turn. */
#define LONG_CHUNK (256u << 10)
#define DESCRIPTORS_MAX 253
#define HEADER sizeof(struct xwire_header)

/* What one call has read, in order. */
struct incoming {
	struct incoming *next;
	struct xwire_header header;
	xpc_object_t object;
};

struct batch {
	struct incoming *first, **tail;
	bool over; /* end of file, or invalid data */
	const char *reason;
	struct ucred sender;
};

static void over(struct batch *batch, const char *reason)
{
	batch->over = true;
	batch->reason = reason;
}

static void keep_descriptors(struct xchannel *channel, struct cmsghdr *control)
{
	size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	size_t needed = channel->descriptor_count + count;

	if (needed > channel->descriptor_capacity) {
		channel->descriptors =
		    xreallocate(channel->descriptors, needed * sizeof(int));
		channel->descriptor_capacity = needed;
	}
	memcpy(channel->descriptors + channel->descriptor_count,
	    CMSG_DATA(control), count * sizeof(int));
	channel->descriptor_count = needed;
}

/* recvmsg(2), which also stores the received descriptors and credentials. */
static ssize_t receive(
    struct xchannel *channel, void *buffer, size_t size, struct batch *batch)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int)) +
		    CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec bytes = { buffer, size };
	struct msghdr header = { .msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t received;

	do {
		received = recvmsg(
		    channel->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (received == -1 && errno == EINTR);
	if (received == -1) {
		return received;
	}
	for (struct cmsghdr *each = CMSG_FIRSTHDR(&header); each != NULL;
	     each = CMSG_NXTHDR(&header, each)) {
		if (each->cmsg_level != SOL_SOCKET) {
			continue;
		}
		if (each->cmsg_type == SCM_RIGHTS) {
			keep_descriptors(channel, each);
		} else if (each->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&batch->sender, CMSG_DATA(each),
			    sizeof(batch->sender));
		}
	}
	if ((header.msg_flags & MSG_CTRUNC) != 0) {
		over(batch, "descriptors were lost: too many are open");
	}
	return received;
}

static bool frame_header(
    const unsigned char *bytes, size_t length, struct xwire_header *header)
{
	if (length < HEADER) {
		return false;
	}
	memcpy(header, bytes, HEADER);
	return true;
}

static void take_frame(struct xchannel *channel, const unsigned char *bytes,
    const struct xwire_header *header, struct batch *batch)
{
	struct incoming *incoming;
	xpc_object_t object;
	size_t count = header->descriptors;

	if (count > channel->descriptor_count) {
		over(batch, "malformed message: descriptors are missing");
		return;
	}
	object = xwire_decode(
	    bytes + HEADER, header->length, channel->descriptors, count);
	channel->descriptor_count -= count;
	if (channel->descriptor_count > 0) {
		memmove(channel->descriptors, channel->descriptors + count,
		    channel->descriptor_count * sizeof(int));
	}
	if (object == NULL) {
		over(batch, "malformed message");
		return;
	}
	incoming = xallocate(sizeof(*incoming));
	incoming->header = *header;
	incoming->object = object;
	*batch->tail = incoming;
	batch->tail = &incoming->next;
}

/* Removes the complete frames from the front; returns their size in bytes. */
static size_t take_frames(struct xchannel *channel, const unsigned char *bytes,
    size_t length, struct batch *batch)
{
	struct xwire_header header;
	size_t taken = 0, allowed = DESCRIPTORS_MAX * HEADER;

	while (!batch->over &&
	    frame_header(bytes + taken, length - taken, &header)) {
		if (!xwire_check(&header)) {
			over(batch, "malformed message: header");
			return taken;
		}
		if (length - taken - HEADER < header.length) {
			allowed = header.descriptors;
			break;
		}
		take_frame(channel, bytes + taken, &header, batch);
		taken += HEADER + header.length;
	}
	/* What is left over must belong to the frame that has begun. */
	if (channel->descriptor_count > (taken == length ? 0 : allowed)) {
		over(batch, "malformed message: descriptors for nothing");
	}
	return taken;
}

/* Allocates room for the rest of the frame, growing with the received bytes. */
static size_t make_room(struct xchannel *channel)
{
	struct xwire_header header;
	size_t whole = HEADER, room;

	if (frame_header(channel->bytes, channel->length, &header)) {
		whole += header.length;
	}
	if (channel->length == channel->capacity) {
		room = channel->capacity * 2;
		room = room < CHUNK ? CHUNK : room;
		room = room > whole ? whole : room;
		channel->bytes = xreallocate(channel->bytes, room);
		channel->capacity = room;
	}
	room = channel->capacity - channel->length;
	room = room > whole - channel->length ? whole - channel->length : room;
	return room > LONG_CHUNK ? LONG_CHUNK : room;
}

static void keep_rest(
    struct xchannel *channel, const unsigned char *bytes, size_t length)
{
	channel->bytes = xallocate(length);
	memcpy(channel->bytes, bytes, length);
	channel->length = length;
	channel->capacity = length;
}

static void forget_rest(struct xchannel *channel)
{
	free(channel->bytes);
	channel->bytes = NULL;
	channel->length = 0;
	channel->capacity = 0;
}

static void check_end(ssize_t received, struct batch *batch)
{
	if (received == 0) {
		over(batch, "the other side has closed the connection");
	} else if (received == -1 && errno != EAGAIN) {
		over(batch, "the other side is gone");
	}
}

/* One turn: what can be read at once. */
static void read_some(struct xchannel *channel, struct batch *batch)
{
	unsigned char chunk[CHUNK];
	ssize_t received;
	size_t taken;

	if (channel->length == 0) {
		received = receive(channel, chunk, sizeof(chunk), batch);
		check_end(received, batch);
		if (received <= 0) {
			return;
		}
		taken = take_frames(channel, chunk, (size_t)received, batch);
		if (!batch->over && taken < (size_t)received) {
			keep_rest(
			    channel, chunk + taken, (size_t)received - taken);
		}
		return;
	}
	taken = make_room(channel);
	received =
	    receive(channel, channel->bytes + channel->length, taken, batch);
	check_end(received, batch);
	if (received <= 0) {
		return;
	}
	channel->length += (size_t)received;
	taken = take_frames(channel, channel->bytes, channel->length, batch);
	/* At most one frame was requested, so all bytes are used, or none. */
	if (taken > 0) {
		forget_rest(channel);
	}
}

/* Locked. */
static void hand_over(xpc_connection_t self, struct incoming *incoming)
{
	struct xwire_header *header = &incoming->header;

	if (header->kind == XWIRE_REPLY) {
		xpending_complete(self, header->id, incoming->object);
	} else if (header->kind == XWIRE_DROPPED) {
		xpc_release(incoming->object);
		xpending_drop(self, header->id);
	} else if (self->terminating) {
		xpc_release(incoming->object);
	} else {
		xevent_push(self, incoming->object, header->kind, header->id,
		    HEADER + header->length);
	}
}

/* Locked. The socket has come to its end. */
static void lose(
    xpc_connection_t self, const char *reason, struct xevent **garbage)
{
	xpc_object_t interrupted =
	    (xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED;

	if (self->kind != XSERVICE || standin_fault("interruption")) {
		xconnection_invalidate(self, reason, false, garbage);
		return;
	}
	xchannel_close(self);
	xpending_fail(self, interrupted);
	xsend_unwind(self);
	xevent_push(self, interrupted, 0, 0, 0);
}

static void discard(struct incoming *list)
{
	struct incoming *incoming;

	while (list != NULL) {
		incoming = list;
		list = incoming->next;
		if (incoming->object != NULL) {
			xpc_release(incoming->object);
		}
		free(incoming);
	}
}

/* true: this was the first message of a peer. */
static bool apply(xpc_connection_t self, struct xchannel *channel,
    struct batch *batch, struct xevent **garbage)
{
	bool announce = false;

	if (self->channel != channel) {
		return false; /* cancelled meanwhile */
	}
	if (batch->sender.pid != 0 && self->kind != XPEER) {
		self->peer = batch->sender;
	}
	for (struct incoming *incoming = batch->first; incoming != NULL;
	     incoming = incoming->next) {
		hand_over(self, incoming);
		incoming->object = NULL;
		announce = self->kind == XPEER && !self->announced;
	}
	if (announce) {
		self->announced = true;
	}
	if (batch->over) {
		lose(self, batch->reason, garbage);
	}
	xchannel_update(self);
	return announce;
}

static bool may_read(xpc_connection_t self, struct xchannel *channel)
{
	return self->channel == channel && (channel->events & EPOLLIN) != 0;
}

void xreceive_ready(void *context, uint32_t events)
{
	struct xchannel *channel = context;
	xpc_connection_t self = channel->connection;
	struct batch batch = { .tail = &batch.first };
	struct xevent *garbage = NULL;
	bool read, announce = false, forget = false;

	if (!xobject_try_retain(&self->object)) {
		return; /* being disposed of; it closes the channel */
	}
	pthread_mutex_lock(&self->lock);
	if (self->channel == channel && self->writing &&
	    (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
		xsend_flush(self);
		xchannel_update(self);
	}
	read = may_read(self, channel) &&
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
	pthread_mutex_unlock(&self->lock);
	if (read) {
		read_some(channel, &batch);
		pthread_mutex_lock(&self->lock);
		announce = apply(self, channel, &batch, &garbage);
		forget = xpeer_forget(self);
		pthread_mutex_unlock(&self->lock);
	}
	discard(batch.first);
	xevent_discard(garbage);
	if (announce) {
		xlistener_announce(self);
	}
	if (forget) {
		xpc_release(self);
	}
	xpc_release(self);
}
