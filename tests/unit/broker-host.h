// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What is around the broker in its tests: its log, the users of its clients, and
 * the interfaces and routes of the Mac.
 */

#ifndef BROKER_HOST_H
#define BROKER_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what was logged since the reset, but for debug messages. */
extern atomic_int log_lines;
extern atomic_long log_bytes;

/* Whose the connections are that come from now on. */
extern atomic_uint peer_uid;

/* How often a peer had to wait for the others. */
extern atomic_int turns;

/* The Mac's bridge, on 192.168.101.1/24: bridge100, or one of OTHER_BRIDGES,
 * which do not belong to vmnet. */
#define OTHER_BRIDGES 5
extern atomic_int bridge_used; /* 0: bridge100 */

/* No log, no routes, and en0 on 192.168.100.20/24. */
void host_reset(void);

/* en0's. On the broker's queue. */
void host_set_address(const char *text);

/* A line is forgotten when it was found. false: it is not among the last 16. */
bool host_take_log(const char *text);

/* Of the interface with that number, 9 being utun3, and all others bridge100. A
 * mask ends with its last byte that is not 0; of_length 33: without a mask. */
void host_add_route(unsigned interface, uint32_t address, int of_length);

/* The last one that was added; cut: it is shorter than its header. */
void host_set_route(int flags, bool cut);

void host_forget_routes(void);

#endif
