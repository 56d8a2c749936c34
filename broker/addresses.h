// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The host's own IPv4 addresses and routes. vmnet keeps its networks apart from
 * one another, but gives a network a subnet that the host is on without a word;
 * then packets go to the wrong place.
 */

#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "subnet.h"

/* Room for "interface bridge100 (192.168.64.1/24)". */
#define ADDRESSES_TEXT 80

/*
 * Whether an interface of the host is on part of subnet, or a route leads there;
 * text says which. The bridges of vmnet do not count: the one of this very
 * network may be on its way out. What cannot be read does not overlap, and that
 * is logged.
 */
bool addresses_overlap(const struct subnet *subnet, char text[ADDRESSES_TEXT]);

/* Whether a bridge of vmnet is on part of subnet; text says which. */
bool addresses_find_bridge(
    const struct subnet *subnet, char text[ADDRESSES_TEXT]);

#endif
