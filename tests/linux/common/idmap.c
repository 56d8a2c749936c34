// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "idmap.h"

#include <stdio.h>

static bool idmap_has(const char *path, unsigned long id)
{
	FILE *file = fopen(path, "re");
	unsigned long inside, outside, count;
	bool found = false;

	if (file == NULL) {
		return true; /* a kernel without user namespaces */
	}
	while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		found = found || (id >= inside && id - inside < count);
	}
	fclose(file);
	return found;
}

bool idmap_is_single(void)
{
	FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned long count;
	unsigned long total = 0;

	if (file == NULL) {
		return false;
	}
	while (fscanf(file, "%*u %*u %lu", &count) == 1) {
		total += count;
	}
	fclose(file);
	return total == 1;
}

bool idmap_has_user(uid_t uid)
{
	return idmap_has("/proc/self/uid_map", uid);
}

bool idmap_has_group(gid_t gid)
{
	return idmap_has("/proc/self/gid_map", gid);
}
