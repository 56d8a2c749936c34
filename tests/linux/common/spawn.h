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
 * The child gets no descriptors but its stdio, default signal actions, nothing
 * blocked, and SIGKILL when its parent dies. A program that cannot be executed
 * is an error here: -1 with the errno of execvp().
 */
pid_t spawn_start(const struct spawn *spawn);

/* Waits for its end: its exit status, 128 + n when signal n ended it, -1 with
 * errno. */
int spawn_wait(pid_t pid);

/* Starts argv with our stdio and waits, as spawn_wait() does. -1 with errno also
 * when it could not be started. */
int spawn_run(const char *const *argv);

/* The same from a status of waitpid(). */
int spawn_status(int status);

#endif
