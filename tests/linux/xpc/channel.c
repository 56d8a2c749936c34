// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Channels: the sockets under connections. They are closed by the manager
 * thread, after the last call of their handler, so that a descriptor is never
 * reused while a thread reads from it.
 */

#include "connection.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/un.h>

static pthread_mutex_t channels_lock = PTHREAD_MUTEX_INITIALIZER;
static struct xchannel *channels;
static bool forked;

bool xconnection_is_forked(void)
{
	return forked;
}

/*
 * Mach ports do not survive a fork. Descriptors would, and a connection whose
 * process has died would stay open in its child.
 */
static void fork_prepare(void)
{
	pthread_mutex_lock(&channels_lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&channels_lock);
}

static void fork_child(void)
{
	for (struct xchannel *channel = channels; channel != NULL;
	     channel = channel->next) {
		close(channel->fd);
		channel->fd = -1;
	}
	if (xcontrol_descriptor() != -1) {
		close(xcontrol_descriptor());
	}
	forked = true;
	pthread_mutex_unlock(&channels_lock);
}

/*
 * On macOS, where the default limit is 256, a connection needs no descriptor,
 * and thousands of peers are fine: raise the limit as far as possible.
 */
static void prepare(void)
{
	struct rlimit limit;

	pthread_atfork(fork_prepare, fork_parent, fork_child);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void link_channel(struct xchannel *channel)
{
	pthread_mutex_lock(&channels_lock);
	channel->next = channels;
	if (channels != NULL) {
		channels->previous = channel;
	}
	channels = channel;
	pthread_mutex_unlock(&channels_lock);
}

static void unlink_channel(struct xchannel *channel)
{
	pthread_mutex_lock(&channels_lock);
	if (channel->previous == NULL) {
		channels = channel->next;
	} else {
		channel->previous->next = channel->next;
	}
	if (channel->next != NULL) {
		channel->next->previous = channel->previous;
	}
	pthread_mutex_unlock(&channels_lock);
}

/* On the manager thread: no thread reads from it any longer. */
static void finished(void *context)
{
	struct xchannel *channel = context;

	unlink_channel(channel);
	close(channel->fd);
	while (channel->descriptor_count > 0) {
		close(channel->descriptors[--channel->descriptor_count]);
	}
	free(channel->descriptors);
	free(channel->bytes);
	xconnection_unhold(channel->connection);
	free(channel);
}

static uint32_t wanted(xpc_connection_t self)
{
	bool listens = self->kind == XLISTENER || self->kind == XANONYMOUS;
	bool more = self->event_count < XEVENTS_MAX &&
	    self->event_bytes < XEVENTS_BYTES_MAX;
	uint32_t events = 0;

	if (self->kind == XPEER && !self->announced) {
		return EPOLLIN;
	}
	if (listens) {
		/* Leave new clients to the next process. */
		return xconnection_is_live(self) && !self->terminating ? EPOLLIN
								       : 0;
	}
	if ((xconnection_is_live(self) && more) || self->pending != NULL) {
		events |= EPOLLIN;
	}
	if (self->writing && xconnection_is_live(self)) {
		events |= EPOLLOUT;
	}
	return events;
}

void xchannel_update(xpc_connection_t self)
{
	struct xchannel *channel = self->channel;
	uint32_t events;

	if (channel == NULL) {
		return;
	}
	events = wanted(self);
	if (events != channel->events) {
		channel->events = events;
		system_watch_set_events(channel->watch, events);
	}
}

void xchannel_open(xpc_connection_t self, int fd, system_watch_handler ready)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct xchannel *channel = xallocate(sizeof(*channel));

	pthread_once(&once, prepare);
	channel->fd = fd;
	channel->connection = self;
	atomic_fetch_add(&self->holds, 1);
	self->channel = channel;
	self->generation++;
	link_channel(channel);
	/* Paused first: its handler may look at it as soon as it is not. */
	channel->watch = system_watch_create(fd, 0, channel, ready);
	if (channel->watch == NULL) {
		xmisuse("a socket cannot be watched: %s", strerror(errno));
	}
	xchannel_update(self);
}

void xchannel_close(xpc_connection_t self)
{
	struct xchannel *channel = self->channel;

	if (channel != NULL) {
		self->channel = NULL;
		system_watch_destroy(channel->watch, finished);
	}
}

/* Makes every message carry the credentials of its sender. */
static void pass_credentials(int fd)
{
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
}

/* A name is one component of a path. */
static bool is_file_name(const char *name)
{
	return *name != '\0' && strchr(name, '/') == NULL &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Sockets have short addresses; directories of sandboxes may not. */
static int connect_in(int fd, const char *directory, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int length, result = -1, error;

	if (folder == -1) {
		return -1;
	}
	length = snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/%s", folder, name);
	errno = ENAMETOOLONG;
	if ((size_t)length < sizeof(address.sun_path)) {
		/* Waits while more than the backlog wait to be accepted. */
		result =
		    connect(fd, (struct sockaddr *)&address, sizeof(address));
	}
	error = errno;
	close(folder);
	errno = error;
	return result;
}

static int connect_service(xpc_connection_t self, int fd)
{
	const char *base = system_directory();
	char *directory = NULL;
	int result = -1;

	if (!self->privileged) {
		/* An agent of the user goes before a daemon. */
		if (asprintf(&directory, "%s/agents/%u", base,
			(unsigned int)getuid()) != -1) {
			result = connect_in(fd, directory, self->name);
			free(directory);
		}
		if (result == 0) {
			return 0;
		}
	}
	if (asprintf(&directory, "%s/services", base) != -1) {
		result = connect_in(fd, directory, self->name);
		free(directory);
	}
	return result;
}

static int look_up(xpc_connection_t self, const char **reason)
{
	int fd;

	if (self->lookup_fails || !is_file_name(self->name)) {
		*reason = "no such XPC service";
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		*reason = "no descriptor for a connection";
		return -1;
	}
	pass_credentials(fd);
	if (connect_service(self, fd) != 0) {
		*reason = "no such service in this bootstrap";
		close(fd);
		return -1;
	}
	return fd;
}

/* One end of a new pair travels through the endpoint to its listener. */
static int knock(xpc_connection_t self, const char **reason)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
			  .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec bytes = { &byte, 1 };
	struct msghdr header = { .msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct xdescriptor *endpoint = (struct xdescriptor *)self->knock_at;
	int pair[2];
	ssize_t sent;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		*reason = "no descriptor for a connection";
		return -1;
	}
	pass_credentials(pair[0]);
	memcpy(CMSG_DATA(&control.header), &pair[1], sizeof(int));
	do {
		sent = sendmsg(endpoint->fd, &header, MSG_NOSIGNAL);
	} while (sent == -1 && errno == EINTR);
	close(pair[1]);
	if (sent != 1) {
		*reason = "the listener of this endpoint is gone";
		close(pair[0]);
		return -1;
	}
	return pair[0];
}

int xchannel_connect(xpc_connection_t self, const char **reason)
{
	int fd;

	if (self->kind == XPEER) {
		*reason = "the client is gone";
		return -1;
	}
	system_blocking_begin();
	fd = self->kind == XENDPOINT ? knock(self, reason)
				     : look_up(self, reason);
	system_blocking_end();
	if (fd == -1) {
		return -1;
	}
	if (self->knock_at != NULL) {
		xpc_release(self->knock_at); /* it is only used once */
		self->knock_at = NULL;
	}
	xchannel_open(self, fd, xreceive_ready);
	return 0;
}
