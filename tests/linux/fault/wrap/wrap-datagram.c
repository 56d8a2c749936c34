// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Linked into the program: UNIX datagram sockets as macOS has them. The bytes
 * that wait in one are limited, a new one has little room, and a send to a full
 * one fails with ENOBUFS, also on a blocking socket: no send waits. Linux
 * counts the bytes against the sender's SO_SNDBUF, macOS against the receiver's
 * SO_RCVBUF: programs set both.
 */

#define __APPLE__ 1
#define PRIVATE 1
#include "../standin-internal.h"
#include "wrap.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* net.local.dgram.maxdgram. Linux raises it to 4.5 KiB, its minimum. */
#define DATAGRAM_SEND_BUFFER 2048

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_sendto(int fd, const void *data, size_t size, int flags,
    const struct sockaddr *to, socklen_t length);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags,
    const struct sockaddr *to, socklen_t length);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

static int option(int fd, int name)
{
	int saved = errno;
	int value = 0;
	socklen_t size = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, name, &value, &size) == -1) {
		value = -1;
		errno = saved;
	}
	return value;
}

static bool is_datagram(int fd)
{
	return option(fd, SO_TYPE) == SOCK_DGRAM &&
	    option(fd, SO_DOMAIN) == AF_UNIX;
}

void standin_datagram_created(int fd)
{
	int size = DATAGRAM_SEND_BUFFER;

	if (is_datagram(fd)) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
}

static ssize_t datagram_send(int fd, const struct msghdr *message, int flags)
{
	ssize_t sent = __real_sendmsg(fd, message, flags | MSG_DONTWAIT);

	if (sent == -1 && errno == EAGAIN) {
		errno = ENOBUFS;
	}
	return sent;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return is_datagram(fd) ? datagram_send(fd, message, flags)
			       : __real_sendmsg(fd, message, flags);
}

static ssize_t datagram_send_to(int fd, const void *data, size_t size,
    int flags, const struct sockaddr *to, socklen_t length)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = {
		.msg_name = (void *)to,
		.msg_namelen = to == NULL ? 0 : length,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	return datagram_send(fd, &message, flags);
}

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags,
    const struct sockaddr *to, socklen_t length)
{
	return is_datagram(fd)
	    ? datagram_send_to(fd, data, size, flags, to, length)
	    : __real_sendto(fd, data, size, flags, to, length);
}

/* Programs that move frames call this for each frame: the type of the socket is
 * queried only if not everything was sent at once. */
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	ssize_t sent = __real_send(fd, data, size, flags | MSG_DONTWAIT);
	ssize_t rest;

	if (sent == (ssize_t)size || (sent == -1 && errno != EAGAIN)) {
		return sent;
	}
	if (is_datagram(fd)) {
		errno = ENOBUFS;
		return -1;
	}
	if (sent == -1) {
		return __real_send(fd, data, size, flags);
	}
	rest = __real_send(
	    fd, (const char *)data + sent, size - (size_t)sent, flags);
	return rest == -1 ? sent : sent + rest;
}

ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	struct msghdr message = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)count,
	};

	return is_datagram(fd) ? datagram_send(fd, &message, 0)
			       : __real_writev(fd, iov, count);
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	return is_datagram(fd) ? datagram_send_to(fd, data, size, 0, NULL, 0)
			       : __real_write(fd, data, size);
}

static struct msghdr plain(const struct msghdr_x *message)
{
	return (struct msghdr){
		.msg_name = message->msg_name,
		.msg_namelen = message->msg_namelen,
		.msg_iov = message->msg_iov,
		.msg_iovlen = (size_t)message->msg_iovlen,
		.msg_control = message->msg_control,
		.msg_controllen = message->msg_controllen,
	};
}

ssize_t sendmsg_x(
    int fd, const struct msghdr_x *messages, unsigned int count, int flags)
{
	struct msghdr message;
	unsigned int i;

	for (i = 0; i < count; i++) {
		message = plain(&messages[i]);
		if (__wrap_sendmsg(fd, &message, flags) == -1) {
			break;
		}
	}
	return i == 0 && count > 0 ? -1 : (ssize_t)i;
}

/* Waits for the first message only. */
ssize_t recvmsg_x(
    int fd, const struct msghdr_x *messages, unsigned int count, int flags)
{
	struct msghdr_x *all =
	    (struct msghdr_x *)messages; /* as Apple has it */
	struct msghdr message;
	unsigned int i;
	ssize_t size;

	for (i = 0; i < count; i++) {
		message = plain(&all[i]);
		size = recvmsg(
		    fd, &message, i == 0 ? flags : flags | MSG_DONTWAIT);
		if (size == -1) {
			break;
		}
		all[i].msg_datalen = (size_t)size;
		all[i].msg_namelen = message.msg_namelen;
		all[i].msg_controllen = (socklen_t)message.msg_controllen;
		all[i].msg_flags = message.msg_flags;
	}
	return i == 0 && count > 0 ? -1 : (ssize_t)i;
}
