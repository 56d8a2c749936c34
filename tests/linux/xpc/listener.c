// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Listeners: of a service, whose socket launchd keeps and lends, and anonymous
 * ones, which are found by endpoints. An endpoint is one end of a socket pair;
 * to connect, a process sends a socket of its own through it.
 */

#include "connection.h"

#include <errno.h>
#include <sys/epoll.h>

/* Closed for a moment to accept, and thereby refuse, a connection when no
 * descriptor is left. */
static int spare = -1;

/* Takes fd over: a client that has not said anything yet. Its listener may be
 * cancelled meanwhile, and drop it. */
static void admit(xpc_connection_t listener, int fd)
{
	xpc_connection_t peer = xconnection_create(XPEER, NULL);
	socklen_t size = sizeof(peer->peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer->peer, &size) == -1) {
		peer->peer = (struct ucred){ 0, (uid_t)-1, (gid_t)-1 };
	}
	peer->runtimes = true; /* the first reference */
	peer->listener = xpc_retain(listener);
	xpc_retain(peer);
	peer->listener_id = listener->listener_id;
	pthread_mutex_lock(&peer->lock);
	if (peer->invalid) {
		close(fd);
	} else {
		xchannel_open(peer, fd, xreceive_ready);
	}
	pthread_mutex_unlock(&peer->lock);
	xpc_release(peer);
}

/* true: try again, there may be more. */
static bool accept_one(xpc_connection_t listener, int socket)
{
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);

	if (fd != -1) {
		admit(listener, fd);
		return true;
	}
	if ((errno == EMFILE || errno == ENFILE) && spare != -1) {
		close(spare);
		fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1) {
			close(fd);
		}
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return fd != -1;
	}
	return errno == EINTR || errno == ECONNABORTED;
}

/* Like accept_one(), for a socket that was sent through an endpoint. */
static bool receive_one(xpc_connection_t listener, int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec bytes = { &byte, 1 };
	struct msghdr header = { .msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t received =
	    recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd, type;
	socklen_t size = sizeof(type);

	if (received <= 0) {
		return received == -1 && errno == EINTR;
	}
	if (CMSG_FIRSTHDR(&header) == NULL ||
	    control.header.cmsg_level != SOL_SOCKET ||
	    control.header.cmsg_type != SCM_RIGHTS) {
		return true; /* out of descriptors, or an invalid message */
	}
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1 ||
	    type != SOCK_STREAM) {
		close(fd);
		return true;
	}
	admit(listener, fd);
	return true;
}

/* On the manager thread. */
static void ready(void *context, uint32_t events __attribute__((unused)))
{
	struct xchannel *channel = context;
	xpc_connection_t self = channel->connection;
	bool open, more = true;

	if (!xobject_try_retain(&self->object)) {
		return;
	}
	pthread_mutex_lock(&self->lock);
	open = self->channel == channel && (channel->events & EPOLLIN) != 0;
	pthread_mutex_unlock(&self->lock);
	for (int turns = 0; open && more && turns < 64; turns++) {
		more = self->kind == XLISTENER ? accept_one(self, channel->fd)
					       : receive_one(self, channel->fd);
	}
	xpc_release(self);
}

void xlistener_announce(xpc_connection_t peer)
{
	xpc_connection_t listener;
	bool refused;

	pthread_mutex_lock(&peer->lock);
	listener = peer->listener;
	peer->listener = NULL;
	pthread_mutex_unlock(&peer->lock);
	pthread_mutex_lock(&listener->lock);
	refused = listener->invalid;
	if (!refused) {
		xevent_push(listener, xpc_retain(peer), 0, 0, 0);
	}
	pthread_mutex_unlock(&listener->lock);
	if (refused) {
		xpc_connection_cancel(peer);
	}
	xpc_release(listener);
}

void xlistener_start(xpc_connection_t self, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (spare == -1) {
		spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	pthread_mutex_lock(&self->lock);
	if (self->invalid) {
		close(fd);
	} else {
		xchannel_open(self, fd, ready);
	}
	pthread_mutex_unlock(&self->lock);
}

void xlistener_refuse(xpc_connection_t self, const char *reason)
{
	struct xevent *garbage = NULL;

	pthread_mutex_lock(&self->lock);
	if (self->reason_text == NULL) {
		self->reason_text = strdup(reason);
	}
	xconnection_invalidate(self, self->reason_text, false, &garbage);
	pthread_mutex_unlock(&self->lock);
	xevent_discard(garbage);
}

/* The two ends of an anonymous listener, created when needed. */
static void make_ends(xpc_connection_t self, int *receiving)
{
	static atomic_uint_fast64_t last_id;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		xmisuse("an anonymous listener: %s", strerror(errno));
	}
	self->listener_id = atomic_fetch_add(&last_id, 1) + 1;
	self->endpoint = pair[0];
	*receiving = pair[1];
}

/* Locked. The receiving end is a channel from the beginning, paused at first.
 */
static void prepare_anonymous(xpc_connection_t self)
{
	int receiving;

	if (self->endpoint == -1) {
		make_ends(self, &receiving);
		if (self->invalid) {
			close(receiving);
		} else {
			xchannel_open(self, receiving, ready);
		}
	}
}

void xlistener_activate(xpc_connection_t self)
{
	xtransaction_watch();
	if (self->kind == XLISTENER) {
		xcontrol_check_in(self);
		return;
	}
	pthread_mutex_lock(&self->lock);
	prepare_anonymous(self);
	pthread_mutex_unlock(&self->lock);
}

/* "...exits or cancels the listener connection" ends its clients' end. */
void xlistener_drop_peers(uint64_t listener_id)
{
	struct xevent *garbage;
	size_t count;
	bool forget;
	xpc_connection_t *peers = xconnection_all(XPEER, &count);

	for (size_t i = 0; i < count; i++) {
		garbage = NULL;
		forget = false;
		if (peers[i]->listener_id == listener_id) {
			pthread_mutex_lock(&peers[i]->lock);
			xconnection_invalidate(peers[i],
			    "its listener was canceled", false, &garbage);
			forget = xpeer_forget(peers[i]);
			pthread_mutex_unlock(&peers[i]->lock);
		}
		xevent_discard(garbage);
		if (forget) {
			xpc_release(peers[i]);
		}
		xpc_release(peers[i]);
	}
	free(peers);
}

xpc_endpoint_t xpc_endpoint_create(xpc_connection_t connection)
{
	int fd;

	xobject_require(connection, XPC_TYPE_CONNECTION, "xpc_endpoint_create");
	if (connection->kind != XANONYMOUS) {
		xmisuse("xpc_endpoint_create: the connection is not an "
			"anonymous listener");
	}
	pthread_mutex_lock(&connection->lock);
	prepare_anonymous(connection);
	fd = fcntl(connection->endpoint, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&connection->lock);
	if (fd == -1) {
		xmisuse("xpc_endpoint_create: %s", strerror(errno));
	}
	return (xpc_endpoint_t)xdescriptor_create(XPC_TYPE_ENDPOINT, fd, 0);
}

xpc_connection_t xpc_connection_create_from_endpoint(xpc_endpoint_t endpoint)
{
	xpc_connection_t self;

	xobject_require(
	    endpoint, XPC_TYPE_ENDPOINT, "xpc_connection_create_from_endpoint");
	self = xconnection_create(XENDPOINT, NULL);
	self->knock_at = xpc_retain(endpoint);
	return self;
}
