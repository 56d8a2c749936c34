// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * An ordinary user becomes root in a user namespace. Other users in it require
 * a range of subordinate IDs in /etc/subuid and newuidmap(1), which may map
 * them; without these, root is the only user.
 */

#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/spawn.h"

/* Enough for the users of the sandbox and Debian's own. */
#define RANGE_MAX 65535
#define RANGE_MIN 1000

struct range {
	unsigned long start;
	unsigned long count;
};

/* Finds the first range that is large enough for the user in /etc/subuid or
 * /etc/subgid. */
static bool find_range(const char *path, uid_t uid, struct range *range)
{
	const struct passwd *user = getpwuid(uid);
	FILE *file = fopen(path, "re");
	char number[32];
	char line[512];
	bool found = false;

	if (file == NULL) {
		return false;
	}
	snprintf(number, sizeof(number), "%u", (unsigned)uid);
	while (!found && fgets(line, sizeof(line), file) != NULL) {
		char *name = strtok(line, ":");
		char *start = strtok(NULL, ":");
		char *count = strtok(NULL, ":\n");

		if (count == NULL ||
		    (strcmp(name, number) != 0 &&
			(user == NULL || strcmp(name, user->pw_name) != 0))) {
			continue;
		}
		range->start = strtoul(start, NULL, 10);
		range->count = strtoul(count, NULL, 10);
		found = range->count >= RANGE_MIN;
	}
	fclose(file);
	if (found && range->count > RANGE_MAX) {
		range->count = RANGE_MAX;
	}
	return found;
}

static int map_range(
    const char *program, pid_t pid, unsigned id, const struct range *range)
{
	const char *argv[] = { program, format("%d", (int)pid), "0",
		format("%u", id), "1", "1", format("%lu", range->start),
		format("%lu", range->count), NULL };

	return spawn_run(argv) == 0 ? 0 : -1;
}

static int write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result = -1;

	if (fd != -1 && write(fd, text, strlen(text)) != -1) {
		result = 0;
	} else {
		log_error("%s: %m", path);
	}
	if (fd != -1) {
		close(fd);
	}
	return result;
}

static int map_self(const struct sandbox *sandbox, pid_t pid)
{
	if (write_map(format("/proc/%d/setgroups", (int)pid), "deny") == -1 ||
	    write_map(format("/proc/%d/gid_map", (int)pid),
		format("0 %u 1", (unsigned)sandbox->caller_group)) == -1) {
		return -1;
	}
	return write_map(format("/proc/%d/uid_map", (int)pid),
	    format("0 %u 1", (unsigned)sandbox->caller));
}

int idmap_write(const struct sandbox *sandbox, pid_t pid)
{
	struct range users, groups;

	if (find_range("/etc/subuid", sandbox->caller, &users) &&
	    find_range("/etc/subgid", sandbox->caller, &groups)) {
		if (map_range("newuidmap", pid, sandbox->caller, &users) == 0 &&
		    map_range("newgidmap", pid, sandbox->caller_group,
			&groups) == 0) {
			return 0;
		}
		log_error("newuidmap failed: is the Debian package uidmap "
			  "installed?");
		return -1;
	}
	log_info("uid %u has no range in /etc/subuid and /etc/subgid: alice, "
		 "bob and " BROKER_USER " do not exist, all run as one",
	    (unsigned)sandbox->caller);
	return map_self(sandbox, pid);
}
