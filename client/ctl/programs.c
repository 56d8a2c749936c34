// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * check and doctor run programs that are installed with this one.
 */

#include "ctl.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <mach-o/dyld.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAEMON "vmnet-broker"
#define DOCTOR "vmnet-broker-doctor"

/* The folder of this program, with symbolic links resolved. */
static void own_folder(char path[PATH_MAX])
{
	char started[PATH_MAX] = "";
	char resolved[PATH_MAX] = "";
	uint32_t size = sizeof(started);

	if (_NSGetExecutablePath(started, &size) != 0 ||
	    realpath(started, resolved) == NULL) {
		fail(CTL_FAILED, "cannot find the folder of this program: %s",
		    strerror(errno));
	}
	snprintf(path, PATH_MAX, "%s", dirname(resolved));
}

/* Prefers the installed daemon, because it is the one that reads the file. */
static void find(const char *name, bool installed_first, char path[PATH_MAX])
{
	char own[PATH_MAX] = "";
	char places[2][PATH_MAX];

	own_folder(own);
	snprintf(places[installed_first ? 0 : 1], PATH_MAX, "%s/%s",
	    SUPPORT_FOLDER, name);
	if (snprintf(places[installed_first ? 1 : 0], PATH_MAX, "%s/%s", own,
		name) >= PATH_MAX) {
		fail(CTL_FAILED, "%s: %s", own, strerror(ENAMETOOLONG));
	}
	for (int i = 0; i < 2; i++) {
		if (access(places[i], X_OK) == 0) {
			memcpy(path, places[i], PATH_MAX);
			return;
		}
	}
	fail(CTL_FAILED, "%s is neither in %s nor in %s: install vmnet-broker",
	    name, SUPPORT_FOLDER, own);
}

static _Noreturn void run(const char *path, char *const *arguments)
{
	execv(path, arguments);
	fail(CTL_FAILED, "%s: %s", path, strerror(errno));
}

int command_check(const struct arguments *arguments)
{
	char path[PATH_MAX];
	char *daemon[] = { (char *)DAEMON, (char *)"-n", NULL, NULL, NULL };

	find(DAEMON, true, path);
	if (arguments->count == 1) {
		daemon[2] = (char *)"-c";
		daemon[3] = arguments->values[0];
	}
	run(path, daemon);
}

int command_doctor(const struct arguments *arguments)
{
	char path[PATH_MAX];
	char own[PATH_MAX];
	char *doctor[] = { (char *)DOCTOR, NULL, NULL };

	find(DOCTOR, false, path);
	if (arguments->json) {
		doctor[1] = (char *)"--json";
	}
	own_folder(own);
	strlcat(own, "/vmnet-brokerctl", sizeof(own));
	setenv("VMNET_BROKERCTL", own, 1);
	run(path, doctor);
}
