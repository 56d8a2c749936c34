// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Between launchd-control.c, which has the connections to launchd.sock, and
 * launchd-verb.c, which answers launchctl. */

#ifndef LAUNCHD_CONTROL_H
#define LAUNCHD_CONTROL_H

#include "launchd.h"

/* The condition that a launchctl waits for. */
enum condition {
	WAIT_NOTHING,
	WAIT_RUNNING,
	WAIT_EXITED,
	WAIT_GONE,
	WAIT_RUNS,
	WAIT_ACTIVE,
};

struct connection {
	struct watch watch;
	struct connection *next;
	struct ucred peer;
	struct job *job; /* the job of this process, or NULL */
	enum condition condition;
	char *target;
	unsigned number;
};

/* Never blocks: a reply is lost if the peer does not read. */
void control_send(
    struct connection *connection, const char *text, const int *fd);

/* text: NUL-separated words, and ends with a NUL. */
void verb_run(struct connection *connection, const char *text, size_t length);
void verb_answer(struct connection *connection, int status, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void verb_answer_unknown(struct connection *connection, const char *target);
void verb_stop(void);

#endif
