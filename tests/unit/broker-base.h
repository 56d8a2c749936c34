// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The base of each fixture that has the whole broker: its networks, and what is
 * counted to see that nothing is left over.
 */

#ifndef BROKER_BASE_H
#define BROKER_BASE_H

#include "config.h"

#define SECOND UINT64_C(1000000000)

/* As the stand-in counts them. */
#define CONNECTION "connection"

/* Networks that can be had: default, shared and n1 to n6, more than a client may
 * have; host; far, whose subnet is 192.168.101.0/24, and near, whose subnet is
 * 192.168.100.0/24. The last one cannot be had. */
#define NETWORKS 11
#define BROKEN_NETWORK "z-broken"
extern struct config_network broker_networks[NETWORKS + 1];

int count_descriptors(void);

/* The first listener of a process watches SIGTERM, for good: what that keeps is
 * not left over by a test. */
void start_first_listener(void);

#endif
