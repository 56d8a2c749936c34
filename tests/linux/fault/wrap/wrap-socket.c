// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Linked into the program: the socket options that only macOS has.
 */

#define __APPLE__ 1
#include "../standin-internal.h"
#include "wrap.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/ucred.h>

int __real_getsockopt(
    int fd, int level, int option, void *value, socklen_t *size);
int __real_setsockopt(
    int fd, int level, int option, const void *value, socklen_t size);

int __wrap_getsockopt(
    int fd, int level, int option, void *value, socklen_t *size);
int __wrap_setsockopt(
    int fd, int level, int option, const void *value, socklen_t size);

/* Not SIG_IGN: a program that is executed starts with SIG_DFL again. */
static void ignore(int signo)
{
	(void)signo;
}

int standin_ignore_sigpipe(int on)
{
	struct sigaction action;

	if (on == 0) {
		return 0;
	}
	if (standin_sigaction(SIGPIPE, NULL, &action) == -1) {
		return -1;
	}
	if (action.sa_handler != SIG_DFL) {
		return 0;
	}
	action =
	    (struct sigaction){ .sa_handler = ignore, .sa_flags = SA_RESTART };
	sigemptyset(&action.sa_mask);
	return standin_sigaction(SIGPIPE, &action, NULL);
}

/* As much of the answer as fits. */
static int answer(
    void *value, socklen_t *size, const void *answer, size_t length)
{
	if (*size < length) {
		length = *size;
	}
	memcpy(value, answer, length);
	*size = (socklen_t)length;
	return 0;
}

static int get_local(int fd, int option, void *value, socklen_t *size)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	struct xucred credentials = { .cr_version = XUCRED_VERSION };

	if (__real_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) !=
	    0) {
		return -1;
	}
	if (peer.uid == (uid_t)-1) {
		errno = ENOTCONN;
		return -1;
	}
	switch (option) {
	case LOCAL_PEERCRED:
		credentials.cr_uid = peer.uid;
		credentials.cr_ngroups = 1;
		credentials.cr_groups[0] = peer.gid;
		return answer(value, size, &credentials, sizeof(credentials));
	case LOCAL_PEERPID:
	case LOCAL_PEEREPID:
		return answer(value, size, &peer.pid, sizeof(peer.pid));
	default:
		errno = ENOPROTOOPT;
		return -1;
	}
}

int __wrap_getsockopt(
    int fd, int level, int option, void *value, socklen_t *size)
{
	if (level == SOL_LOCAL) {
		return get_local(fd, option, value, size);
	}
	return __real_getsockopt(fd, level, option, value, size);
}

int __wrap_setsockopt(
    int fd, int level, int option, const void *value, socklen_t size)
{
	int on;

	if (level != SOL_SOCKET || option != SO_NOSIGPIPE) {
		return __real_setsockopt(fd, level, option, value, size);
	}
	if (size < sizeof(on)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&on, value, sizeof(on));
	return standin_ignore_sigpipe(on);
}
