// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Who may use a network: "allow" in networks.json. The decision is based on the
 * user ID of the connection and on that user's current groups in the Mac's
 * directory; root may use all networks.
 *
 * Looking up groups may take long. It is done on a separate thread, one user
 * after another, and only if the result depends on it: no lookup is needed for
 * a network without groups or for a user who is listed.
 */

#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

/* The groups of a user, if they are known already. */
struct access_user {
	uid_t uid;
	bool known;
	int *groups; /* as getgrouplist() has them */
	int group_count;
};

enum access { ACCESS_ALLOWED, ACCESS_DENIED, ACCESS_UNKNOWN };

/* UNKNOWN: the result depends on groups that are not known yet. */
enum access access_check(
    const struct config_network *network, const struct access_user *user);

/* Looks up the groups. Blocks; may be called on any thread. A user who is not
 * in the directory has no groups. The caller frees user->groups. */
void access_look_up(struct access_user *user);

#endif
