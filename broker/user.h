// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Users who have clients: how many, and what they may write into the log. The
 * limit of the log is each user's own, so that nobody hides another's lines.
 *
 * All on the serial queue. Time is monotonic nanoseconds.
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
	size_t peers;    /* all that are connected */
	size_t admitted; /* of them */
	struct log_limit lines;
	TAILQ_ENTRY(user) entry;
};

TAILQ_HEAD(user_list, user);

/*
 * The user of that uid, who stays for as long as there are peers, and a second
 * more: a client that connects anew for each of its lines is many peers. NULL:
 * no memory.
 */
struct user *user_get(struct user_list *users, uid_t uid, uint64_t now);

/* Whether one more line may be written; says what was suppressed before. */
bool user_may_log(struct user *user, uint64_t now);

void users_destroy(struct user_list *users);

#endif
