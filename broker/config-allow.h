// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The key "allow" of networks.json: who may use a network.
 *
 * Users and groups are looked up when the file is read, which may take as long
 * as the Mac's directory service does. A name that does not exist on this Mac
 * is an error in the entry, so that a misspelt name neither grants nor denies
 * access.
 */

#ifndef CONFIG_ALLOW_H
#define CONFIG_ALLOW_H

#include "config-reader.h"

/* Reads the object at `at` into the network: a config_key's read(). */
void config_allow_read(struct config_reader *reader, void *network,
    const char *at, const char *string);

#endif
