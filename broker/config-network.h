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

/* Reads what is at `at` into the config's options and defaults. What is wrong
 * goes to the reader's network, but for bad numbers, which go to none. */
void config_network_read_options(struct config_reader *reader, const char *at);

#endif
