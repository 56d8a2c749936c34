// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The lists of a network in networks.json: DHCP reservations, and port
 * forwarding rules, which may name one.
 */

#ifndef CONFIG_LISTS_H
#define CONFIG_LISTS_H

#include "config-reader.h"

/* Each reads an array into the network of the reader; NULL, and anything that
 * is not an array, counts as empty. Read reservations first. */
void config_lists_read_reservations(
    struct config_reader *reader, const char *at);
void config_lists_read_rules(struct config_reader *reader, const char *at);

#endif
