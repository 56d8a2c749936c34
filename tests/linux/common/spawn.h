// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Running other programs. */

#ifndef COMMON_SPAWN_H
#define COMMON_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct spawn {
	const char *const *argv; /* argv[0] is looked up in PATH */
	/* Become 0, 1 and 2; SPAWN_INHERIT and SPAWN_NULL (/dev/null). */
	int stdio[3];
	int netns;    /* descriptor of the network namespace to enter, or -1 */
	bool session; /* a session, and so a process group, of its own */
};

#define SPAWN_NULL (-1)
#define SPAWN_INHERIT (-2)

/*
 * The child has only its stdio as descriptors, default signal actions and no
 * blocked signals, and gets SIGKILL when its parent dies. If the program cannot
 * be executed, this fails: -1 with the errno of execvp().
 */
pid_t spawn_start(const struct spawn *spawn);

/* Waits until the process has ended. Returns its exit status, 128 + n if signal
 * n killed it, or -1 with errno. */
int spawn_wait(pid_t pid);

/* Starts argv with our stdio and waits like spawn_wait(). Also returns -1 with
 * errno if the program could not be started. */
int spawn_run(const char *const *argv);

/* Converts a status of waitpid() to the result of spawn_wait(). */
int spawn_status(int status);

#endif
