// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A job for the tests of the stand-in's launchd. It uses the check-in protocol
 * without XPC, and executes the commands of its clients.
 *
 *     standin-job serve NAME [NOTES]   checks in for NAME and serves
 *     standin-job ask NAME COMMAND     sends COMMAND to NAME, prints the answer
 *     standin-job knock NAME           connects and disconnects
 *
 * Commands: id, hold N (transactions), ignore (SIGTERM), crash, exit N, child
 * (starts one that sleeps, in the same process group; answers its pid), quiet
 * (no answer, keeps the connection). The file NOTES gets one line for each
 * action of launchd on the job.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

static const char *notes_path;
static volatile sig_atomic_t ignoring;
static int control = -1;

static void fail(const char *what)
{
	fprintf(stderr, "standin-job: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void note(const char *text)
{
	int fd;

	if (notes_path == NULL) {
		return;
	}
	fd = open(notes_path, O_WRONLY | O_APPEND | O_CREAT, 0666);
	if (fd == -1 || write(fd, text, strlen(text)) == -1) {
		_exit(3);
	}
	close(fd);
}

static void terminated(int number)
{
	(void)number;
	note("sigterm\n");
	if (!ignoring) {
		_exit(0);
	}
}

static int connect_to(const char *name, int type)
{
	const char *directory = getenv("STANDIN_DIR");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	    directory != NULL ? directory : "/run/standin", name);
	fd = socket(AF_UNIX, type, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		fail(address.sun_path);
	}
	return fd;
}

static int check_in(const char *name)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} ancillary;
	char text[256];
	struct iovec vector = { .iov_base = text, .iov_len = sizeof(text) - 1 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	ssize_t length;
	int fd;

	control = connect_to("launchd.sock", SOCK_SEQPACKET);
	snprintf(text, sizeof(text), "checkin %s", name);
	if (send(control, text, strlen(text), 0) == -1) {
		fail("checkin");
	}
	length = recvmsg(control, &message, 0);
	if (length <= 0) {
		fail("checkin");
	}
	text[length] = '\0';
	if (strcmp(text, "ok") != 0 || CMSG_FIRSTHDR(&message) == NULL) {
		fprintf(stderr, "standin-job: checkin: %s\n", text);
		exit(1);
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void answer(int fd, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (write(fd, text, strlen(text)) == -1) {
		note("client gone\n");
	}
}

static void answer_id(int fd)
{
	struct rlimit limit;
	char directory[256];
	mode_t mask = umask(0);
	int groups = getgroups(0, NULL);

	umask(mask);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (getcwd(directory, sizeof(directory)) == NULL) {
		fail("getcwd");
	}
	answer(fd,
	    "pid=%d uid=%d gid=%d groups=%d umask=%03o files=%lu/%lu "
	    "cwd=%s session=%d HOME=%s TEST=%s\n",
	    (int)getpid(), (int)getuid(), (int)getgid(), groups, (unsigned)mask,
	    (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max,
	    directory, getsid(0) == getpid() && getpgrp() == getpid(),
	    getenv("HOME") != NULL ? getenv("HOME") : "",
	    getenv("TEST") != NULL ? getenv("TEST") : "");
}

static void start_child(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		/* Otherwise the connections would stay open when the job
		 * exits. */
		close(control);
		close(fd);
		for (;;) {
			pause();
		}
	}
	answer(fd, "%d\n", (int)pid);
}

/* false: the connection stays open and is forgotten. */
static bool obey(int fd, const char *command)
{
	char text[64];

	if (strcmp(command, "id") == 0) {
		answer_id(fd);
	} else if (strncmp(command, "hold ", 5) == 0) {
		snprintf(text, sizeof(text), "transactions %s", command + 5);
		if (send(control, text, strlen(text), 0) == -1) {
			fail("transactions");
		}
		answer(fd, "ok\n");
	} else if (strcmp(command, "ignore") == 0) {
		ignoring = 1;
		answer(fd, "ok\n");
	} else if (strcmp(command, "crash") == 0) {
		signal(SIGABRT, SIG_DFL);
		abort();
	} else if (strncmp(command, "exit ", 5) == 0) {
		_exit(atoi(command + 5));
	} else if (strcmp(command, "child") == 0) {
		start_child(fd);
	} else if (strcmp(command, "quiet") == 0) {
		return false;
	} else {
		answer(fd, "what?\n");
	}
	return true;
}

static void serve_client(int listener)
{
	char command[256];
	ssize_t length;
	int fd;

	fd = accept(listener, NULL, NULL);
	if (fd == -1) {
		if (errno == EAGAIN || errno == EINTR) {
			return;
		}
		fail("accept");
	}
	length = read(fd, command, sizeof(command) - 1);
	if (length > 0) {
		command[length] = '\0';
		if (!obey(fd, command)) {
			return;
		}
	}
	close(fd);
}

static void hear_launchd(void)
{
	char text[64];
	ssize_t length = recv(control, text, sizeof(text) - 2, 0);

	if (length <= 0) {
		note("launchd gone\n");
		exit(4);
	}
	text[length] = '\n';
	text[length + 1] = '\0';
	note(text);
}

static void serve(const char *name)
{
	struct pollfd wait[2];

	signal(SIGTERM, terminated);
	wait[0].fd = check_in(name);
	wait[0].events = POLLIN;
	wait[1].fd = control;
	wait[1].events = POLLIN;
	note("start\n");
	for (;;) {
		if (poll(wait, 2, -1) == -1) {
			continue; /* SIGTERM while ignoring */
		}
		if (wait[1].revents != 0) {
			hear_launchd();
		}
		if (wait[0].revents != 0) {
			serve_client(wait[0].fd);
		}
	}
}

static int ask(const char *name, const char *command)
{
	char path[200];
	char text[512];
	ssize_t length;
	bool answered = false;
	int fd;

	snprintf(path, sizeof(path), "services/%s", name);
	fd = connect_to(path, SOCK_STREAM);
	if (command == NULL) {
		return 0;
	}
	if (write(fd, command, strlen(command)) == -1) {
		fail(name);
	}
	for (;;) {
		length = read(fd, text, sizeof(text));
		if (length <= 0) {
			return answered ? 0 : 5;
		}
		answered = true;
		if (write(STDOUT_FILENO, text, (size_t)length) == -1) {
			fail("stdout");
		}
	}
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "serve") == 0) {
		notes_path = argc > 3 ? argv[3] : NULL;
		serve(argv[2]);
	}
	if (argc == 4 && strcmp(argv[1], "ask") == 0) {
		return ask(argv[2], argv[3]);
	}
	if (argc == 3 && strcmp(argv[1], "knock") == 0) {
		return ask(argv[2], NULL);
	}
	fprintf(stderr, "usage: standin-job serve|ask|knock NAME ...\n");
	return 2;
}
