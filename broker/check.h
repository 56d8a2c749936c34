// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-broker -n: judges a configuration as the daemon would.
 */

#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

/*
 * Prints to stderr what is wrong with the file, and on a terminal, to stdout,
 * that nothing is. installed: it is the file that the daemon reads. A file that
 * the daemon would refuse for its owner or its mode is an error if it is
 * installed or we are root; otherwise it is a draft, and that is a warning.
 *
 * True: there was no error.
 */
bool check_config(const char *path, bool installed);

#endif
