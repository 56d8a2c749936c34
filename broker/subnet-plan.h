// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Chooses the subnet of a network that has none in networks.json. It is a
 * function of the network's name, so that a network has the same subnet after a
 * restart, a reboot or a new installation, whichever network is created first,
 * without stored state.
 *
 * The candidates of a name are the subnets 192.168.72.0/24 to 192.168.127.0/24,
 * starting with the one that a hash of the name selects, and then eight in
 * 10.0.0.0/8. The range begins above the subnets that macOS chooses by default,
 * from 192.168.64.0/24 up, and excludes .105 and .106, which socket_vmnet and
 * Lima use.
 *
 * Plain functions, thread-safe.
 */

#ifndef SUBNET_PLAN_H
#define SUBNET_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "subnet.h"

/* The candidate number `index` of a name. False: there are no more. */
bool subnet_plan_candidate(
    const char *name, size_t index, struct subnet *subnet);

/*
 * Whether no other network has a configured or assigned subnet that overlaps
 * this one.
 */
bool subnet_plan_is_free(
    const struct config *config, const char *name, const struct subnet *subnet);

/*
 * Assigns each network without a configured subnet its first free candidate, in
 * the order of the networks. If there is none, its subnet keeps the length 0.
 */
void subnet_plan_assign(struct config *config);

#endif
