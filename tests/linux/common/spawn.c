// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int spawn_stdio(const int *stdio)
{
	for (int i = 0; i < 3; i++) {
		int fd = stdio[i];

		if (fd == SPAWN_INHERIT || fd == i) {
			continue;
		}
		if (fd == SPAWN_NULL) {
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		}
		if (fd == -1 || dup2(fd, i) == -1) {
			return -1;
		}
	}
	return 0;
}

static void spawn_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++) {
		signal(i, SIG_DFL); /* some cannot be set: fine */
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void spawn_child(const struct spawn *spawn, int report)
{
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	spawn_signals();
	if ((!spawn->session || setsid() != -1) &&
	    (spawn->netns == -1 || setns(spawn->netns, 0) == 0) &&
	    spawn_stdio(spawn->stdio) == 0) {
		execvp(spawn->argv[0], (char *const *)spawn->argv);
	}
	error = errno;
	if (write(report, &error, sizeof(error)) != sizeof(error)) {
		_exit(126);
	}
	_exit(127);
}

pid_t spawn_start(const struct spawn *spawn)
{
	int report[2];
	int error = 0;
	ssize_t got;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) == -1) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		spawn_child(spawn, report[1]);
	}
	error = errno;
	close(report[1]);
	if (pid == -1) {
		close(report[0]);
		errno = error;
		return -1;
	}
	do {
		got = read(report[0], &error, sizeof(error));
	} while (got == -1 && errno == EINTR);
	close(report[0]);
	if (got == sizeof(error)) {
		waitpid(pid, NULL, 0);
		errno = error;
		return -1;
	}
	return pid;
}

int spawn_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR) {
			return -1;
		}
	}
	return spawn_status(status);
}

int spawn_run(const char *const *argv)
{
	struct spawn spawn = {
		.argv = argv,
		.stdio = { SPAWN_INHERIT, SPAWN_INHERIT, SPAWN_INHERIT },
		.netns = -1,
	};
	pid_t pid;

	pid = spawn_start(&spawn);
	return pid == -1 ? -1 : spawn_wait(pid);
}

int spawn_status(int status)
{
	if (WIFSIGNALED(status)) {
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}
