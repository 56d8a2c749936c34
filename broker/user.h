// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Users who have clients: their number of clients, and their limit of log
 * lines. Each user has a separate limit, so that no user can suppress another
 * user's lines.
 *
 * All on the serial queue. Time is monotonic, in nanoseconds.
 */

#ifndef USER_H
#define USER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "log.h"

struct user {
	uid_t uid;
	size_t peers;    /* all connected ones */
	size_t admitted; /* of them */
	struct log_limit lines;
	TAILQ_ENTRY(user) entry;
};

TAILQ_HEAD(user_list, user);

/*
 * The user with that uid. It is kept while it has peers, and a second longer,
 * because a client may reconnect for each of its log lines. NULL: out of
 * memory.
 */
struct user *user_get(struct user_list *users, uid_t uid, uint64_t now);

/* Whether another line may be written; also logs how many were suppressed
 * before. */
bool user_may_log(struct user *user, uint64_t now);

/* Frees the users that are no longer kept; now UINT64_MAX: all without
 * peers. */
void users_purge(struct user_list *users, uint64_t now);

#endif
