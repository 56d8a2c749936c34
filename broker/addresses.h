// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The host's own IPv4 addresses and routes. vmnet keeps its networks apart from
 * one another, but does not refuse a subnet that the host itself uses; then
 * packets go to the wrong place.
 */

#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "subnet.h"

/* Room for "interface bridge100 (192.168.64.1/24)". */
#define ADDRESSES_TEXT 80

/*
 * Whether an interface or a route of the host overlaps subnet; text says which
 * one. vmnet's bridges are ignored: the old bridge of this very network may
 * still be shutting down. If the addresses or routes cannot be read, this is
 * logged, and nothing overlaps.
 */
bool addresses_overlap(const struct subnet *subnet, char text[ADDRESSES_TEXT]);

/* Whether a bridge of vmnet is on part of subnet; text says which. */
bool addresses_find_bridge(
    const struct subnet *subnet, char text[ADDRESSES_TEXT]);

#endif
