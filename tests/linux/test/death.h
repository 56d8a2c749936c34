// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Tests of what ends a process. Such a case runs in a process of its own: the
 * test program again, with the name of the case as its argument.
 */

#ifndef DEATH_H
#define DEATH_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct death {
	const char *name;
	void (*run)(void);
};

/* In main(), first: runs the case that the argument names, if there is one. */
static inline void death_main(
    int argc, char **argv, const struct death *cases, size_t count)
{
	if (argc < 2) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(cases[i].name, argv[1]) == 0) {
			alarm(60);
			cases[i].run();
			exit(0);
		}
	}
	fprintf(stderr, "no such case: %s\n", argv[1]);
	exit(127);
}

static inline void death_child(const char *name, int fd)
{
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	execl("/proc/self/exe", "death", name, (char *)NULL);
	_exit(126);
}

/* Runs the case; returns its wait status, and what it printed in text. */
static inline int death_run(const char *name, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int status;
	int fds[2];
	pid_t pid;

	if (pipe(fds) == -1) {
		abort();
	}
	pid = fork();
	if (pid == 0) {
		death_child(name, fds[1]);
	}
	close(fds[1]);
	while (used < size - 1) {
		got = read(fds[0], text + used, size - 1 - used);
		if (got <= 0) {
			break;
		}
		used += (size_t)got;
	}
	text[used] = '\0';
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid) {
		abort();
	}
	return status;
}

#endif
