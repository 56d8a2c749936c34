// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Runs other programs. It waits for short ones, which take milliseconds;
 * dnsmasq runs in the background.
 */

#include "vmnetd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../common/spawn.h"

#define END_TIMEOUT_MS 2000

/* A descriptor to read text from, or -1. */
static int text_open(const char *text, size_t length)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd == -1) {
		return -1;
	}
	if (write(fd, text, length) != (ssize_t)length ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int run_command(const char *const argv[], const char *text, size_t length)
{
	struct spawn spawn = {
		.argv = argv,
		.stdio = { text_open(text, length), SPAWN_INHERIT,
		    SPAWN_INHERIT },
		.netns = -1,
	};
	pid_t pid;

	if (spawn.stdio[0] == -1) {
		log_error("%s: input: %m", argv[0]);
		return -1;
	}
	pid = spawn_start(&spawn);
	close(spawn.stdio[0]);
	if (pid == -1) {
		log_error("%s: %m", argv[0]);
		return -1;
	}
	if (spawn_wait(pid) != 0) {
		log_error("%s failed; its input was:", argv[0]);
		fwrite(text, 1, length, stderr);
		return -1;
	}
	return 0;
}

pid_t run_start(const char *const argv[], int *output)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		return -1;
	}
	pid = spawn_start(&(struct spawn){
	    .argv = argv,
	    .stdio = { SPAWN_INHERIT, pipes[1], pipes[1] },
	    .netns = -1,
	});
	close(pipes[1]);
	if (pid == -1) {
		close(pipes[0]);
		return -1;
	}
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	*output = pipes[0];
	return pid;
}

void run_end(pid_t pid)
{
	struct pollfd ended = { .events = POLLIN };

	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	kill(pid, SIGTERM);
	/* Its address will be reused: wait until it has exited. */
	if (ended.fd == -1 || poll(&ended, 1, END_TIMEOUT_MS) != 1) {
		kill(pid, SIGKILL);
	}
	if (ended.fd != -1) {
		close(ended.fd);
	}
	spawn_wait(pid);
}

int run_sysctl(const char *path, const char *value)
{
	size_t length = strlen(value);
	char name[128];
	ssize_t written;
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd == -1) {
		return -1;
	}
	written = write(fd, value, length);
	close(fd);
	return written == (ssize_t)length ? 0 : -1;
}
