// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The connection to launchd, one per process: a listener checks in by name and
 * gets the socket of its service; launchd is informed whether transactions are
 * open. Messages on a SOCK_SEQPACKET socket:
 *
 *     -> checkin NAME       <- ok, with the listening socket
 *                           <- error TEXT
 *     -> transactions N
 */

#include "connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/un.h>

/* Listeners that wait for their reply; the replies arrive in their order. */
struct waiting {
	struct waiting *next;
	xpc_connection_t listener;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int control = -1;
static struct system_watch *watch;
static struct waiting *waiting, **waiting_tail = &waiting;
static size_t transactions;
static bool unsaid; /* launchd has not been informed of the last change */

int xcontrol_descriptor(void)
{
	return control;
}

static xpc_connection_t take_waiting(void)
{
	struct waiting *first;
	xpc_connection_t listener = NULL;

	pthread_mutex_lock(&lock);
	first = waiting;
	if (first != NULL) {
		listener = first->listener;
		waiting = first->next;
		if (waiting == NULL) {
			waiting_tail = &waiting;
		}
		free(first);
	}
	pthread_mutex_unlock(&lock);
	return listener;
}

static void answered(int fd, const char *error)
{
	xpc_connection_t listener = take_waiting();

	if (listener == NULL || fd == -1) {
		if (fd != -1) {
			close(fd);
		}
		if (listener != NULL) {
			xlistener_refuse(listener, error);
			xpc_release(listener);
		}
		return;
	}
	xlistener_start(listener, fd);
	xpc_release(listener);
}

/* Locked. */
static void say_transactions(void)
{
	char text[64];
	int length =
	    snprintf(text, sizeof(text), "transactions %zu", transactions);

	if (control == -1) {
		return;
	}
	unsaid = send(control, text, (size_t)length,
		     MSG_DONTWAIT | MSG_NOSIGNAL) == -1 &&
	    errno == EAGAIN;
	system_watch_set_events(watch, EPOLLIN | (unsaid ? EPOLLOUT : 0));
}

static void closed(void *context)
{
	close((int)(intptr_t)context);
}

/* launchd has exited, and so does the sandbox. */
static void lose(void)
{
	pthread_mutex_lock(&lock);
	if (watch != NULL) {
		system_watch_destroy(watch, closed);
	}
	watch = NULL;
	control = -1;
	pthread_mutex_unlock(&lock);
	for (xpc_connection_t listener = take_waiting(); listener != NULL;
	     listener = take_waiting()) {
		xlistener_refuse(listener, "launchd is gone");
		xpc_release(listener);
	}
}

/* Reads one text, and its descriptor or -1. -1: nothing more to read. */
static int read_text(int from, char *text, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} ancillary;
	struct iovec bytes = { text, size - 1 };
	struct msghdr header = { .msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary) };
	ssize_t received =
	    recvmsg(from, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (received == 0 ||
	    (received == -1 && errno != EAGAIN && errno != EINTR)) {
		lose();
	}
	if (received <= 0) {
		return -1;
	}
	text[received] = '\0';
	if (CMSG_FIRSTHDR(&header) != NULL &&
	    ancillary.header.cmsg_level == SOL_SOCKET &&
	    ancillary.header.cmsg_type == SCM_RIGHTS) {
		memcpy(fd, CMSG_DATA(&ancillary.header), sizeof(*fd));
	}
	return 0;
}

static void hear(char *text, int fd)
{
	size_t length = strlen(text);

	if (length > 0 && text[length - 1] == '\n') {
		text[length - 1] = '\0';
	}
	if (strcmp(text, "ok") == 0) {
		answered(fd, "launchd sent no socket");
	} else if (strncmp(text, "error", 5) == 0) {
		answered(-1, text[5] == ' ' ? text + 6 : "refused by launchd");
	}
}

/* On the manager thread. */
static void ready(void *context, uint32_t events)
{
	int from = (int)(intptr_t)context, fd;
	char text[512];

	if ((events & EPOLLOUT) != 0) {
		pthread_mutex_lock(&lock);
		say_transactions();
		pthread_mutex_unlock(&lock);
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 &&
	    read_text(from, text, sizeof(text), &fd) == 0) {
		hear(text, fd);
	}
}

/* Locked. 0, or -1 and errno. */
static int open_control(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof(address.sun_path),
	    "%s/launchd.sock", system_directory());
	int fd;

	if ((size_t)length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		length = errno;
		close(fd);
		errno = length;
		return -1;
	}
	control = fd;
	watch = system_watch_create(fd, 0, (void *)(intptr_t)fd, ready);
	if (watch == NULL) {
		xmisuse("launchd cannot be watched: %s", strerror(errno));
	}
	system_watch_set_events(watch, EPOLLIN);
	if (transactions > 0) {
		say_transactions();
	}
	return 0;
}

/* Locked. 0, or -1 and errno. */
static int ask(xpc_connection_t listener)
{
	struct waiting *entry;
	char text[512];
	int length = snprintf(text, sizeof(text), "checkin %s", listener->name);

	if (control == -1 && open_control() != 0) {
		return -1;
	}
	if ((size_t)length >= sizeof(text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (send(control, text, (size_t)length, MSG_NOSIGNAL) == -1) {
		return -1;
	}
	entry = xallocate(sizeof(*entry));
	entry->listener = xpc_retain(listener);
	*waiting_tail = entry;
	waiting_tail = &entry->next;
	return 0;
}

void xcontrol_check_in(xpc_connection_t listener)
{
	int error = 0;

	if (xconnection_is_forked()) {
		error = EPERM;
	} else {
		pthread_mutex_lock(&lock);
		if (ask(listener) != 0) {
			error = errno;
		}
		pthread_mutex_unlock(&lock);
	}
	if (error != 0) {
		xlistener_refuse(listener, strerror(error));
	}
}

void xcontrol_transactions(size_t count)
{
	pthread_mutex_lock(&lock);
	transactions = count;
	say_transactions();
	pthread_mutex_unlock(&lock);
}
