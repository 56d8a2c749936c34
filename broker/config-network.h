// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The entry of one network in networks.json, and that of the broker's options.
 */

#ifndef CONFIG_NETWORK_H
#define CONFIG_NETWORK_H

#include "config-reader.h"

/* Reads the entry at `at` into the network that the reader is reading. */
void config_network_read(struct config_reader *reader, const char *at);

/* Reads the object at `at` into the config's options and defaults. Problems are
 * recorded for the reader's network, except invalid numbers, which belong to no
 * network. */
void config_network_read_options(struct config_reader *reader, const char *at);

#endif
