// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The version of macOS, for programs that start an interface.
 */

#ifndef MACOS_H
#define MACOS_H

#include <stdbool.h>
#include <stdlib.h>
#include <sys/sysctl.h>

/*
 * Returns whether this process may use networks of the broker, and stores the
 * version of macOS. On macOS 26.0 and 26.1 a process may only use networks that
 * its own executable created: starting the interface would kill it. If the
 * version is unknown, returns true.
 */
static inline bool macos_is_supported(char *version, size_t size)
{
	char *end = NULL;

	if (sysctlbyname("kern.osproductversion", version, &size, NULL, 0) !=
	    0) {
		return true;
	}
	long major = strtol(version, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	return major > 26 || (major == 26 && minor >= 2);
}

#endif
