// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The environment of the broker in its tests: its log, the users of its
 * clients, and the interfaces and routes of the Mac.
 */

#ifndef BROKER_HOST_H
#define BROKER_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of the log since the reset, without debug messages. */
extern atomic_int log_lines;
extern atomic_long log_bytes;

/* The user of new connections. */
extern atomic_uint peer_uid;

/* How often a peer yielded to the others. */
extern atomic_int turns;

/* The Mac's bridge, on 192.168.101.1/24: bridge100, or one of OTHER_BRIDGES,
 * which do not belong to vmnet. */
#define OTHER_BRIDGES 5
extern atomic_int bridge_used; /* 0: bridge100 */

/* Empties the log and removes the routes; en0 has 192.168.100.20/24. */
void host_reset(void);

/* Sets the address of en0. Call it on the broker's queue. */
void host_set_address(const char *text);

/* Finds a line of the log that contains the text, and removes it. False: none
 * of the last 16 lines does. */
bool host_take_log(const char *text);

/* Adds a route of the interface with that number: 9 is utun3, others are
 * bridge100. of_length is the length of the mask; 33: without a mask. */
void host_add_route(unsigned interface, uint32_t address, int of_length);

/* Changes the route that was added last; cut: it is shorter than its header. */
void host_set_route(int flags, bool cut);

void host_forget_routes(void);

#endif
