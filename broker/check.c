// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "check.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "config.h"
#include "trusted-file.h"

/* The user who runs the daemon, according to its property list. */
#define DAEMON_USER "_vmnetbroker"

/* Returns false if the text has errors. */
static bool check_text(const char *path, size_t *count)
{
	struct config *config = config_create(0);
	enum config_result result = CONFIG_REFUSED;
	bool good = false;

	if (config == NULL) {
		fprintf(stderr, "%s: out of memory\n", path);
		return false;
	}
	result = config_load(config, path, TRUSTED_FILE_ANYBODY);
	if (result == CONFIG_MISSING) {
		fprintf(stderr, "%s: no such file\n", path);
	}
	for (size_t i = 0; i < config->problem_count; i++) {
		fprintf(stderr, "%s\n", config->problems[i]);
	}
	*count = config->count;
	good = result == CONFIG_LOADED && config->problem_count == 0;
	config_destroy(config);
	return good;
}

/* Returns false if the daemon should read the file but would refuse it. */
static bool check_file(const char *path, bool installed)
{
	/* Before the installation the user does not exist: then a user who owns
	 * nothing is used instead. */
	static char name[] = DAEMON_USER;
	struct passwd nobody = {
		.pw_name = name,
		.pw_uid = (uid_t)-2,
		.pw_gid = (gid_t)-2,
	};
	const struct passwd *user = getpwnam(DAEMON_USER);
	bool strict = installed || getuid() == 0;
	const char *reason = NULL;

	if (user != NULL) {
		nobody.pw_uid = user->pw_uid;
		nobody.pw_gid = user->pw_gid;
	}
	reason = trusted_file_check(path, &nobody, installed);
	if (reason == NULL) {
		return true;
	}
	fprintf(stderr, "%s: %sthe daemon would refuse it: %s\n", path,
	    strict ? "" : "warning: ", reason);
	return !strict;
}

bool check_config(const char *path, bool installed)
{
	size_t count = 0;
	bool good = check_text(path, &count);

	/* If the file is inaccessible, that has been reported already. */
	if (access(path, F_OK) == 0) {
		good = check_file(path, installed) && good;
	}
	if (good && isatty(STDOUT_FILENO)) {
		printf("ok: %zu networks\n", count);
	}
	return good;
}
