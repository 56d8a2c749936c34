// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Between launchd-plist.c, which reads and checks the file, and launchd-key.c,
 * which reads its keys. */

#ifndef LAUNCHD_PLIST_H
#define LAUNCHD_PLIST_H

#include <plist/plist.h>

#include "launchd.h"

struct reader {
	struct config *config;
	struct config_error *error;
};

/* Reads every key of a property list into reader->config. */
int reader_root(struct reader *reader, plist_t root);

/* Fills in *error and returns -1. */
int refuse(struct config_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
