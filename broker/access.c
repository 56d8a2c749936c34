// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static bool find(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == id) {
			return true;
		}
	}
	return false;
}

enum access access_check(
    const struct config_network *network, const struct access_user *user)
{
	const struct config_allow *allow = network->allow;

	if (allow == NULL || user->uid == 0 ||
	    find(allow->users, allow->user_count, user->uid)) {
		return ACCESS_ALLOWED;
	}
	if (allow->group_count == 0) {
		return ACCESS_DENIED;
	}
	if (!user->known) {
		return ACCESS_UNKNOWN;
	}
	for (int i = 0; i < user->group_count; i++) {
		if (find(allow->groups, allow->group_count,
			(uint32_t)user->groups[i])) {
			return ACCESS_ALLOWED;
		}
	}
	return ACCESS_DENIED;
}

/* Grows the buffer until all groups fit; getgrouplist() does not report their
 * number. */
static void list_groups(struct access_user *user, const char *name, gid_t first)
{
	int room = 16;
	int count = 0;

	for (; room <= 65536; room *= 2) {
		int *groups =
		    realloc(user->groups, (size_t)room * sizeof(*groups));

		if (groups == NULL) {
			return;
		}
		user->groups = groups;
		count = room;
		if (getgrouplist(name, (int)first, groups, &count) >= 0) {
			user->group_count = count;
			return;
		}
	}
}

void access_look_up(struct access_user *user)
{
	struct passwd entry;
	struct passwd *found = NULL;
	size_t size = 4096;
	char *buffer = NULL;
	int error = ERANGE;

	user->known = true;
	for (; error == ERANGE && size <= 1048576; size *= 2) {
		char *larger = realloc(buffer, size);

		if (larger == NULL) {
			break;
		}
		buffer = larger;
		error = getpwuid_r(user->uid, &entry, buffer, size, &found);
	}
	if (error == 0 && found != NULL) {
		list_groups(user, entry.pw_name, entry.pw_gid);
	}
	free(buffer);
}
