// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: plug FD PID-FILE --helper HELPER [ARGUMENT]... -- COMMAND...
 *        plug FD PID-FILE --stream SOCKET -- COMMAND...
 *
 * Connects COMMAND to the network of another program, as vmnet-run does with a
 * network of vmnet: by the datagram socket FD, on which each datagram is a frame.
 *
 * --helper: HELPER gets the other end, as the descriptor that replaces the word
 * {fd} in its arguments; vmnet-helper and tests/bench/relay.c work like this.
 * --stream: SOCKET is a UNIX stream socket, on which each frame follows its
 * length, 4 bytes in network order; socket_vmnet and QEMU work like this. The
 * stream is converted to datagrams here, as every user of Virtualization has to
 * do, because Virtualization accepts only datagrams.
 *
 * PID-FILE receives the id of the process whose processor time is counted for
 * the network: the helper or this process. When COMMAND exits, the rest exits
 * too, with COMMAND's exit status. COMMAND receives SIGTERM.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAME_ROOM 65536

/* As vmnet-run's; see examples/programs/vmnet-run/frames.c. */
#define SEND_BUFFER (1024 * 1024)
#define RECEIVE_BUFFER (4 * SEND_BUFFER)

static int guest;  /* our end of the datagram socket */
static int stream; /* socket_vmnet */
static volatile pid_t command;

static void fail(const char *what)
{
	fprintf(stderr, "plug: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr,
	    "usage: plug FD PID-FILE --helper HELPER [ARGUMENT]... -- "
	    "COMMAND...\n"
	    "       plug FD PID-FILE --stream SOCKET -- COMMAND...\n");
	exit(2);
}

/* --- The stream ---------------------------------------------------------- */

static bool read_all(void *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t some = read(stream, (char *)buffer + done, size - done);
		if (some <= 0) {
			return false;
		}
		done += (size_t)some;
	}
	return true;
}

static bool write_all(const void *buffer, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t some =
		    write(stream, (const char *)buffer + done, size - done);
		if (some <= 0) {
			return false;
		}
		done += (size_t)some;
	}
	return true;
}

/* If the guest has no room, the frame is lost, as on any wire; macOS returns
 * ENOBUFS then. */
static void *forward_to_guest(void *unused)
{
	static char frame[FRAME_ROOM];
	uint32_t size = 0;

	while (read_all(&size, sizeof(size)) && ntohl(size) <= sizeof(frame) &&
	    read_all(frame, ntohl(size))) {
		(void)!send(guest, frame, ntohl(size), 0);
	}
	return unused;
}

/* One write sends both, or the length would become a packet of its own. */
static void *forward_from_guest(void *unused)
{
	static char frame[sizeof(uint32_t) + FRAME_ROOM];
	ssize_t size = 0;

	for (;;) {
		size = recv(guest, frame + sizeof(uint32_t), FRAME_ROOM, 0);
		if (size < 0) {
			return unused;
		}
		uint32_t length = htonl((uint32_t)size);
		memcpy(frame, &length, sizeof(length));
		if (!write_all(frame, sizeof(length) + (size_t)size)) {
			return unused;
		}
	}
}

static void start_stream(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t threads[2];

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		fail(path);
	}
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	stream = socket(AF_UNIX, SOCK_STREAM, 0);
	if (stream < 0 || fcntl(stream, F_SETFD, FD_CLOEXEC) != 0 ||
	    connect(stream, (struct sockaddr *)&address, sizeof(address)) !=
		0) {
		fail(path);
	}
	if (pthread_create(&threads[0], NULL, forward_to_guest, NULL) != 0 ||
	    pthread_create(&threads[1], NULL, forward_from_guest, NULL) != 0) {
		fail("cannot start a thread");
	}
}

/* --- The processes ------------------------------------------------------- */

/* The helper's output must not be mixed with COMMAND's. */
static void leave_console(void)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		fail("dup2");
	}
	if (null != STDIN_FILENO) {
		close(null);
	}
}

/* Runs argv with one additional descriptor, and without ours. */
static pid_t start(char *argv[], int fd, int number)
{
	pid_t pid = fork();

	if (pid < 0) {
		fail("fork");
	}
	if (pid > 0) {
		return pid;
	}
	if (fd == guest) {
		leave_console();
	}
	/* A copy stays open; the original does not. */
	if (fd == number || dup2(fd, number) < 0) {
		fail("dup2");
	}
	execvp(argv[0], argv);
	fail(argv[0]);
	return -1;
}

static pid_t start_helper(char *argv[])
{
	static char number[16];
	int helper_fd = 63; /* any that is not in use */

	snprintf(number, sizeof(number), "%d", helper_fd);
	for (int i = 0; argv[i] != NULL; i++) {
		if (strcmp(argv[i], "{fd}") == 0) {
			argv[i] = number;
		}
	}
	pid_t pid = start(argv, guest, helper_fd);
	close(guest);
	return pid;
}

/* Returns the command's end. */
static int create_sockets(void)
{
	int send_size = SEND_BUFFER;
	int receive_size = RECEIVE_BUFFER;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) {
		fail("socketpair");
	}
	for (int i = 0; i < 2; i++) {
		int fd = fcntl(pair[i], F_DUPFD_CLOEXEC, 64);
		if (fd < 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_size,
			sizeof(send_size)) != 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size,
			sizeof(receive_size)) != 0) {
			fail("cannot set up a socket");
		}
		close(pair[i]);
		pair[i] = fd;
	}
	guest = pair[0];
	return pair[1];
}

static void write_pid(const char *path, pid_t pid)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fprintf(file, "%d\n", (int)pid) < 0 ||
	    fclose(file) != 0) {
		fail(path);
	}
}

static void pass_on(int number)
{
	if (command > 0) {
		kill(command, number);
	}
}

int main(int argc, char *argv[])
{
	int number = argc < 7 ? 0 : atoi(argv[1]);
	bool helper = number > 2 && strcmp(argv[3], "--helper") == 0;
	int dashes = 4;
	int status = 0;
	pid_t child = 0;

	while (dashes < argc && strcmp(argv[dashes], "--") != 0) {
		dashes++;
	}
	if (number < 3 || dashes == 4 || dashes + 1 >= argc ||
	    (!helper && strcmp(argv[3], "--stream") != 0)) {
		usage();
	}
	argv[dashes] = NULL;
	int end = create_sockets();
	if (helper) {
		child = start_helper(argv + 4);
	} else {
		start_stream(argv[4]);
	}
	write_pid(argv[2], helper ? child : getpid());
	signal(SIGTERM, pass_on);
	command = start(argv + dashes + 1, end, number);
	close(end);
	while (waitpid(command, &status, 0) < 0) {
		if (errno != EINTR) {
			fail("waitpid");
		}
	}
	if (helper) {
		kill(child, SIGKILL);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
