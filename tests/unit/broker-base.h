// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Shared by the fixtures that run the whole broker: its networks, and the
 * counts that show whether something is left over.
 */

#ifndef BROKER_BASE_H
#define BROKER_BASE_H

#include "config.h"

#define SECOND UINT64_C(1000000000)

/* The stand-in's name for the connections that it counts. */
#define CONNECTION "connection"

/* The number of valid networks: default, shared and n1 to n6, which are more than
 * a client may hold; host; far, with the subnet 192.168.101.0/24, and near, with
 * 192.168.100.0/24. The last network is invalid. */
#define NETWORKS 11
#define BROKEN_NETWORK "z-broken"
extern struct config_network broker_networks[NETWORKS + 1];

int count_descriptors(void);

/* The first listener of a process installs a permanent handler for SIGTERM.
 * Call it first, so that no test seems to leave its objects over. */
void start_first_listener(void);

#endif
