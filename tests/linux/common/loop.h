// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The loop of a server: one thread waits for descriptors and handles one event
 * at a time. If a call fails here, the server cannot work: it aborts with the
 * reason.
 */

#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdbool.h>
#include <sys/types.h>

struct watch {
	int fd;
	void (*ready)(struct watch *watch); /* readable, or at its end */
};

/* watch must stay valid until loop_remove(), which any handler may call, also
 * for other watches. */
void loop_add(struct watch *watch);
void loop_remove(struct watch *watch);

/* From now on SIGCHLD, SIGTERM and SIGINT are events: reaped() is called for
 * each child that has ended, stop() for the other two. Call it before there are
 * children. */
void loop_signals(void (*reaped)(pid_t pid, int status), void (*stop)(void));

/* Handles events until goes_on(), which is called after each event, returns
 * false. */
void loop_run(bool (*goes_on)(void));

#endif
