// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * An anchor: an interface of the broker's own on one of its networks, which
 * nobody reads.
 *
 * vmnet takes down the bridge of a network, with the gateway's address and DHCP,
 * when the last interface leaves, as it does when the only guest reboots. The
 * anchor keeps them up for as long as the broker owns the network. It is started
 * after the network was handed out, and nobody waits for it on the way up: if
 * it cannot be had, the network is served without.
 *
 * All calls and callbacks are on the serial queue; calls of vmnet are made on
 * workers.
 */

#ifndef ANCHOR_H
#define ANCHOR_H

#include <stdint.h>
#include <xpc/xpc.h>

/* Seconds that a network waits for its anchor to stop. */
#define ANCHOR_STOP_TIMEOUT 3

/* Once, with the serial queue. */
void anchor_init(dispatch_queue_t queue);

/*
 * Starts one on the network of a serialization. The name is for the log and
 * must stay. Returns its number, or 0 if there is none: that is logged.
 */
uint64_t anchor_start(const char *name, xpc_object_t serialization);

/*
 * Stops it, in whatever state it is. `stopped` is called once, later: when it is
 * gone, or ANCHOR_STOP_TIMEOUT has passed. A number of an anchor that is gone,
 * and 0, are fine.
 */
void anchor_stop(
    uint64_t number, void (*stopped)(void *context), void *context);

#endif
