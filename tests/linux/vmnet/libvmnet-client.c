// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The connection to vmnetd; each process has one. Several threads may wait for
 * replies: one of them reads for all of them, until it has its own reply, and
 * then another one reads. So a slow start of an interface does not delay other
 * calls, and the library needs no thread of its own.
 */

#include "libvmnet.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <standin.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* All under the lock. */
static int connection = -1;
static struct call *calls;
static bool reading;
static uint32_t last_sequence;

vmnet_return_t fault(const char *function)
{
	int status = VMNET_SUCCESS;
	bool fails = standin_fault_status(function, &status);

	standin_fault_hang(function);
	return fails ? (vmnet_return_t)status : VMNET_SUCCESS;
}

void status_set(vmnet_return_t *status, vmnet_return_t value)
{
	if (status != NULL) {
		*status = value;
	}
}

static int connect_to_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *directory = getenv("STANDIN_DIR");
	int fd;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
		directory == NULL ? "/run/standin" : directory,
		WIRE_SOCKET) >= (int)sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Fails all waiting calls. Under the lock. */
static void connection_lost(void)
{
	for (struct call *call = calls; call != NULL; call = call->next) {
		call->status = VMNET_MEM_FAILURE;
		call->done = true;
	}
	calls = NULL;
	close(connection);
	connection = -1;
}

/* Under the lock. */
static bool call_send(struct call *call)
{
	struct wire_header header;
	struct iovec parts[2];
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	memcpy(&header, call->request, sizeof(header));
	header.sequence = call->sequence;
	parts[0] = (struct iovec){ &header, sizeof(header) };
	parts[1] =
	    (struct iovec){ (char *)(uintptr_t)call->request + sizeof(header),
		    call->request_size - sizeof(header) };
	return sendmsg(connection, &message, MSG_NOSIGNAL) ==
	    (ssize_t)call->request_size;
}

/* Under the lock: passes a reply to the call that waits for it. */
static void call_finish(const void *reply, size_t size, int fd)
{
	const struct wire_header *header = reply;
	struct call **link = &calls;
	struct call *call;

	while (*link != NULL && (*link)->sequence != header->sequence) {
		link = &(*link)->next;
	}
	call = *link;
	if (call == NULL) {
		if (fd != -1) {
			close(fd);
		}
		return;
	}
	*link = call->next;
	call->status = header->status;
	if (size > call->reply_size) {
		size = call->reply_size;
	}
	memcpy(call->reply, reply, size);
	call->reply_size = size;
	if (call->status == VMNET_SUCCESS && size < call->minimum) {
		call->status = VMNET_FAILURE;
	}
	call->fd = fd;
	call->done = true;
}

static int message_fd(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header != NULL && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(fd))) {
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	}
	return fd;
}

/* Called with the lock, which is released while this waits. */
static void read_one(void)
{
	static uint8_t buffer[WIRE_MESSAGE_MAX]; /* one reads at a time */
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { buffer, sizeof(buffer) };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int fd = connection;
	ssize_t size;

	reading = true;
	pthread_mutex_unlock(&lock);
	do {
		size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (size == -1 && errno == EINTR);
	pthread_mutex_lock(&lock);
	reading = false;
	if (size < (ssize_t)sizeof(struct wire_header)) {
		connection_lost();
	} else {
		call_finish(buffer, (size_t)size, message_fd(&message));
	}
	pthread_cond_broadcast(&changed);
}

/* Under the lock. Tries twice, as vmnetd may have been restarted meanwhile. */
static bool call_begin(struct call *call)
{
	call->sequence = ++last_sequence;
	for (int attempt = 0; attempt < 2; attempt++) {
		if (connection == -1) {
			connection = connect_to_server();
		}
		if (connection == -1) {
			return false;
		}
		if (call_send(call)) {
			call->next = calls;
			calls = call;
			return true;
		}
		if (reading) {
			/* The reading thread sees the end of the connection,
			 * and closes it. */
			return false;
		}
		connection_lost();
	}
	return false;
}

vmnet_return_t client_call(struct call *call)
{
	call->done = false;
	call->fd = -1;
	call->status = VMNET_MEM_FAILURE;
	pthread_mutex_lock(&lock);
	if (call_begin(call)) {
		while (!call->done) {
			if (reading) {
				pthread_cond_wait(&changed, &lock);
			} else {
				read_one();
			}
		}
	}
	pthread_mutex_unlock(&lock);
	return (vmnet_return_t)call->status;
}

vmnet_return_t client_tell(void *request, size_t size)
{
	struct wire_header reply;
	struct call call = { .request = request,
		.request_size = size,
		.reply = &reply,
		.reply_size = sizeof(reply),
		.minimum = sizeof(reply) };

	return client_call(&call);
}

/* A process that exits normally leaves nothing behind in vmnetd. */
__attribute__((destructor)) static void client_goodbye(void)
{
	struct wire_header goodbye = { .type = WIRE_GOODBYE };

	pthread_mutex_lock(&lock);
	if (connection != -1) {
		send(connection, &goodbye, sizeof(goodbye), MSG_NOSIGNAL);
	}
	pthread_mutex_unlock(&lock);
}
