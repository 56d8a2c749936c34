// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* About as much as an acquire and its reply are without their framing. */
#define REQUEST_SIZE 64

/* True in the child, which ends when this process does. */
static bool child(pid_t *pid)
{
	pid_t parent = getpid();

	*pid = fork();
	if (*pid == -1) {
		err(EXIT_FAILURE, "fork");
	}
	if (*pid != 0) {
		return false;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
	return true;
}

/* Sends the request's size of bytes with a descriptor, or -1 for none. */
static void send_bytes(int socket, int descriptor)
{
	char bytes[REQUEST_SIZE] = { 0 };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (descriptor != -1) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
	}
	if (sendmsg(socket, &message, MSG_NOSIGNAL) != REQUEST_SIZE) {
		err(EXIT_FAILURE, "sendmsg");
	}
}

/* False at the end of the stream. */
static bool receive_bytes(int socket, int *descriptor)
{
	char bytes[REQUEST_SIZE];
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	*descriptor = -1;
	ssize_t size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (size == 0) {
		return false;
	}
	if (size != REQUEST_SIZE) {
		err(EXIT_FAILURE, "recvmsg: %zd", size);
	}
	if (CMSG_FIRSTHDR(&message) != NULL) {
		memcpy(descriptor, CMSG_DATA(&control.header), sizeof(int));
	}
	return true;
}

static void answer(int socket, int descriptor)
{
	int none = -1;

	while (receive_bytes(socket, &none)) {
		send_bytes(socket, descriptor);
	}
}

static int null_open(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null == -1) {
		err(EXIT_FAILURE, "/dev/null");
	}
	return null;
}

static int pair_start(void)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) {
		err(EXIT_FAILURE, "socketpair");
	}
	if (child(&pid)) {
		close(ends[0]);
		answer(ends[1], null_open());
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	return ends[0];
}

void floor_request(int socket)
{
	int descriptor = -1;

	send_bytes(socket, -1);
	if (!receive_bytes(socket, &descriptor) || descriptor == -1) {
		errx(EXIT_FAILURE, "floor: no descriptor came");
	}
	close(descriptor);
}

static int unix_socket(const char *path, struct sockaddr_un *address)
{
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (descriptor == -1) {
		err(EXIT_FAILURE, "socket");
	}
	if (strlen(path) >= sizeof(address->sun_path)) {
		errx(EXIT_FAILURE, "%s: too long", path);
	}
	memcpy(address->sun_path, path, strlen(path) + 1);
	return descriptor;
}

static int unix_listen(const char *path)
{
	struct sockaddr_un address;
	int descriptor = unix_socket(path, &address);

	if (bind(descriptor, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(descriptor, SOMAXCONN)) {
		err(EXIT_FAILURE, "%s", path);
	}
	return descriptor;
}

static int unix_connect(const char *path)
{
	struct sockaddr_un address;
	int descriptor = unix_socket(path, &address);

	if (connect(descriptor, (struct sockaddr *)&address, sizeof(address))) {
		err(EXIT_FAILURE, "%s", path);
	}
	return descriptor;
}

static int accept_next(int listener)
{
	int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (peer == -1) {
		err(EXIT_FAILURE, "accept");
	}
	return peer;
}

static void server_start(const char *path)
{
	int listener = unix_listen(path);
	pid_t pid;

	if (child(&pid)) {
		int null = null_open();

		for (;;) {
			int peer = accept_next(listener);

			answer(peer, null);
			close(peer);
		}
	}
	close(listener);
}

void floor_connect(const struct floor *floor)
{
	int descriptor = unix_connect(floor->server);

	floor_request(descriptor);
	close(descriptor);
}

/* What every server wants to know of a peer: its socket, and who it is. */
struct kept {
	struct kept *next;
	int descriptor;
	struct ucred who;
};

static pid_t keeper_start(const char *path)
{
	int listener = unix_listen(path);
	struct kept *all = NULL;
	pid_t pid;

	if (!child(&pid)) {
		close(listener);
		return pid;
	}
	for (;;) {
		struct kept *kept = calloc(1, sizeof(*kept));
		socklen_t size = sizeof(kept->who);

		if (kept == NULL) {
			err(EXIT_FAILURE, "keeper");
		}
		kept->next = all;
		all = kept;
		kept->descriptor = accept_next(listener);
		if (getsockopt(kept->descriptor, SOL_SOCKET, SO_PEERCRED,
			&kept->who, &size)) {
			err(EXIT_FAILURE, "SO_PEERCRED");
		}
		send_bytes(kept->descriptor, -1);
	}
}

void floor_start(struct floor *floor)
{
	/* The sandbox has a /run of its own. */
	floor->server = "/run/bench-server";
	floor->keeper = "/run/bench-keeper";
	floor->pair = pair_start();
	server_start(floor->server);
	floor->keeper_pid = keeper_start(floor->keeper);
}

int floor_keep(const struct floor *floor)
{
	int descriptor = unix_connect(floor->keeper);
	int none = -1;

	if (!receive_bytes(descriptor, &none)) {
		errx(EXIT_FAILURE, "keeper: ended");
	}
	return descriptor;
}

void floor_spawn(void)
{
	static char name[] = "true";
	char *arguments[] = { name, NULL };
	char *environment[] = { NULL };
	int status = 0;
	pid_t pid = 0;

	if (posix_spawn(
		&pid, "/bin/true", NULL, NULL, arguments, environment) != 0) {
		errx(EXIT_FAILURE, "posix_spawn");
	}
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		errx(EXIT_FAILURE, "true: status %d", status);
	}
}
