// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-broker -n: checks a configuration by the daemon's rules.
 */

#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

/*
 * Prints the file's errors to stderr and, if there are none and stdout is a
 * terminal, a confirmation to stdout. installed: it is the file that the daemon
 * reads. An owner or mode that the daemon would refuse is an error if the file
 * is installed or we are root; otherwise the file is a draft, and it is only a
 * warning.
 *
 * Returns true if there was no error.
 */
bool check_config(const char *path, bool installed);

#endif
