// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Which subnet a network gets that has none in networks.json. It is a function
 * of the network's name, so that a network has the same subnet after a restart,
 * a reboot or a new installation, whoever starts first, without anything being
 * remembered.
 *
 * The candidates of a name are the subnets 192.168.72.0/24 to 192.168.127.0/24,
 * from the one that a hash of the name chooses, and then eight of 10.0.0.0/8.
 * The range begins above those that macOS gives to whoever does not ask, from
 * 192.168.64.0/24 up, and leaves out .105 and .106, which socket_vmnet and Lima
 * use.
 *
 * Plain functions, safe on any thread.
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
 * Whether no network but this one has part of a subnet, by the configuration or
 * by assignment.
 */
bool subnet_plan_is_free(
    const struct config *config, const char *name, const struct subnet *subnet);

/*
 * Assigns each network without a configured subnet its first free candidate, in
 * the order that they have. Without one, its subnet stays of length 0.
 */
void subnet_plan_assign(struct config *config);

#endif
