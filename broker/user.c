// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "user.h"

#include <inttypes.h>
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

/* Maximum number of log lines per user and second. */
#define LINES 10

static void destroy(struct user_list *users, struct user *user)
{
	TAILQ_REMOVE(users, user, entry);
	if (user->lines.suppressed > 0) {
		log_notice("user %u: %" PRIu64 " more lines were suppressed",
		    (unsigned)user->uid, user->lines.suppressed);
	}
	free(user);
}

void users_purge(struct user_list *users, uint64_t now)
{
	struct user *user = TAILQ_FIRST(users);

	while (user != NULL) {
		struct user *next = TAILQ_NEXT(user, entry);

		if (user->peers == 0 && now - user->lines.second >= SECOND) {
			destroy(users, user);
		}
		user = next;
	}
}

struct user *user_get(struct user_list *users, uid_t uid, uint64_t now)
{
	struct user *user = NULL;

	TAILQ_FOREACH(user, users, entry)
	{
		if (user->uid == uid) {
			return user;
		}
	}
	users_purge(users, now);
	user = calloc(1, sizeof(*user));
	if (user != NULL) {
		user->uid = uid;
		user->lines.lines = LINES;
		TAILQ_INSERT_TAIL(users, user, entry);
	}
	return user;
}

bool user_may_log(struct user *user, uint64_t now)
{
	uint64_t suppressed = 0;

	if (!log_limit_allow(&user->lines, now, &suppressed)) {
		return false;
	}
	if (suppressed > 0) {
		log_notice("user %u: %" PRIu64 " lines before this were "
			   "suppressed",
		    (unsigned)user->uid, suppressed);
	}
	return true;
}
