/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * Other programs: short ones are waited for, since they take milliseconds;
 * dnsmasq stays.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmnetd.h"

#define END_TIMEOUT_MS 2000

/* In the child.  Does not return. */
static void child_exec(const char *const argv[], int in, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in >= 0) {
		dup2(in, STDIN_FILENO);
	}
	if (err >= 0) {
		dup2(err, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
	}
	execvp(argv[0], (char *const *)argv);
	complain("%s: %s", argv[0], strerror(errno));
	_exit(127);
}

/* A descriptor to read text from, or -1. */
static int text_open(const char *text, size_t length)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd < 0) {
		return -1;
	}
	if (write(fd, text, length) != (ssize_t)length ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int wait_for(pid_t pid)
{
	int status;
	pid_t result;

	do {
		result = waitpid(pid, &status, 0);
	} while (result < 0 && errno == EINTR);
	return result == pid ? status : -1;
}

int run_command(const char *const argv[], const char *text, size_t length)
{
	int in = text_open(text, length);
	int status = -1;
	pid_t pid;

	if (in < 0) {
		complain("%s: input: %s", argv[0], strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		child_exec(argv, in, -1);
	}
	if (pid > 0) {
		status = wait_for(pid);
	}
	close(in);
	if (status != 0) {
		complain("%s failed; its input was:\n%.*s", argv[0],
		    (int)length, text);
		return -1;
	}
	return 0;
}

pid_t run_start(const char *const argv[], int *output)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		child_exec(argv, -1, pipes[1]);
	}
	close(pipes[1]);
	if (pid < 0) {
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
	/* Its address is wanted again: do not go on before it is gone. */
	if (ended.fd < 0 || poll(&ended, 1, END_TIMEOUT_MS) != 1) {
		kill(pid, SIGKILL);
	}
	if (ended.fd >= 0) {
		close(ended.fd);
	}
	wait_for(pid);
}

int run_sysctl(const char *path, const char *value)
{
	size_t length = strlen(value);
	char name[128];
	ssize_t written;
	int fd;

	snprintf(name, sizeof(name), "/proc/sys/%s", path);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	written = write(fd, value, length);
	close(fd);
	return written == (ssize_t)length ? 0 : -1;
}
