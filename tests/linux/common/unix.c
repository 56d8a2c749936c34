// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "unix.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int unix_address(const char *path, struct sockaddr_un *address)
{
	if (strlen(path) >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path, path);
	return 0;
}

static void unix_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

int unix_listen(const char *path, int type, mode_t mode, int backlog)
{
	struct sockaddr_un address;
	char temporary[sizeof(address.sun_path)];
	int length;
	int fd;

	length = snprintf(
	    temporary, sizeof(temporary), "%s.%d", path, (int)getpid());
	if ((size_t)length >= sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (unix_address(temporary, &address) == -1) {
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		return -1;
	}
	unlink(temporary);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		unix_close(fd);
		return -1;
	}
	if (chmod(temporary, mode) == -1 || listen(fd, backlog) == -1 ||
	    rename(temporary, path) == -1) {
		unix_close(fd);
		unlink(temporary);
		return -1;
	}
	return fd;
}

int unix_connect(const char *path, int type)
{
	struct sockaddr_un address;
	int fd;

	if (unix_address(path, &address) == -1) {
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		unix_close(fd);
		return -1;
	}
	return fd;
}

union unix_control {
	struct cmsghdr header;
	char space[CMSG_SPACE(UNIX_FDS_MAX * sizeof(int))];
};

static void unix_attach(struct msghdr *message, union unix_control *control,
    const int *fds, int nfds)
{
	struct cmsghdr *header;
	size_t size = (size_t)nfds * sizeof(int);

	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(size);
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), fds, size);
}

static int unix_wait_writable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };

	while (poll(&wait, 1, -1) == -1) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

int unix_send(int fd, const void *data, size_t size, const int *fds, int nfds)
{
	struct iovec vector = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	union unix_control control;
	ssize_t sent;

	if (nfds > UNIX_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (nfds > 0) {
		unix_attach(&message, &control, fds, nfds);
	}
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (sent == -1 && errno == EAGAIN) {
			if (unix_wait_writable(fd) == -1) {
				return -1;
			}
			continue;
		}
		if (sent == -1 && errno != EINTR) {
			return -1;
		}
		if (sent >= 0) {
			/* The descriptors were sent with the first byte. */
			message.msg_control = NULL;
			message.msg_controllen = 0;
			vector.iov_base = (char *)vector.iov_base + sent;
			vector.iov_len -= (size_t)sent;
		}
	} while (vector.iov_len > 0);
	return 0;
}

int unix_send_now(
    int fd, const void *data, size_t size, const int *fds, int nfds)
{
	struct iovec vector = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	union unix_control control;
	ssize_t sent;

	if (nfds > UNIX_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (nfds > 0) {
		unix_attach(&message, &control, fds, nfds);
	}
	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent == -1 && errno == EINTR);
	return sent == -1 ? -1 : 0;
}

/* Copies the descriptors out of message; -1 if there are more than max. */
static int unix_detach(struct msghdr *message, int *fds, int max)
{
	int count = 0;
	int excess = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
	     header = CMSG_NXTHDR(message, header)) {
		size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET ||
		    header->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			int received;

			memcpy(&received, CMSG_DATA(header) + i * sizeof(int),
			    sizeof(received));
			if (count < max) {
				fds[count] = received;
				count++;
			} else {
				close(received);
				excess++;
			}
		}
	}
	if (excess > 0 ||
	    (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		for (int i = 0; i < count; i++) {
			close(fds[i]);
		}
		errno = EMSGSIZE;
		return -1;
	}
	return count;
}

ssize_t unix_receive(int fd, void *data, size_t size, int *fds, int *nfds)
{
	struct iovec vector = { .iov_base = data, .iov_len = size };
	union unix_control control;
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t received;
	int count;

	do {
		received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (received == -1 && errno == EINTR);
	if (received == -1) {
		return -1;
	}
	count = unix_detach(&message, fds, nfds != NULL ? *nfds : 0);
	if (count == -1) {
		return -1;
	}
	if (nfds != NULL) {
		*nfds = count;
	}
	return received;
}

int unix_peer(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size);
}
