// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Who may use a network: "allow" in networks.json. It is judged by the user that
 * the connection vouches for, and by that user's groups as the Mac's directory
 * has them at that moment; root may use all.
 *
 * Looking groups up may take long. It is done on a thread of its own, one user
 * after another, and only if the answer depends on it: a network without groups,
 * and a user who is listed, wait for nobody.
 */

#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"
#include "failure.h"

/* The groups of a user, or that they are not known yet. */
struct access_user {
	uid_t uid;
	bool known;
	int *groups; /* as getgrouplist() has them */
	int group_count;
};

enum access { ACCESS_ALLOWED, ACCESS_DENIED, ACCESS_UNKNOWN };

/* UNKNOWN: it depends on groups that are not known. */
enum access access_judge(
    const struct config_network *network, const struct access_user *user);

/* Why it is DENIED. */
void access_explain(const struct config_network *network,
    const struct access_user *user, struct failure *failure);

/* Looks the groups up, which blocks, on any thread. A user whom the directory
 * does not know has none. user->groups is to be freed. */
void access_look_up(struct access_user *user);

#endif
