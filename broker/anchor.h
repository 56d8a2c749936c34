// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * An anchor: the broker's own interface on one of its networks. No packets are
 * read from it.
 *
 * vmnet takes down the bridge of a network, with the gateway's address and
 * DHCP, when the last interface leaves, as it does when the only guest reboots.
 * The anchor keeps them up for as long as the broker owns the network. It is
 * started after the network was handed out, and clients do not wait for it: if
 * it cannot be started, the network works without it.
 *
 * All calls and callbacks are on the serial queue; calls of vmnet are made on
 * workers.
 */

#ifndef ANCHOR_H
#define ANCHOR_H

#include <stdint.h>
#include <xpc/xpc.h>

/* Seconds to wait for the anchor to stop before the network is released. */
#define ANCHOR_STOP_TIMEOUT 3

/* Once, with the serial queue. */
void anchor_init(dispatch_queue_t queue);

/*
 * Starts an anchor on the network of a serialization. The name is for the log
 * and must stay valid. Returns its number, or 0 on failure, which is logged.
 */
uint64_t anchor_start(const char *name, xpc_object_t serialization);

/*
 * Stops it, in any state. `stopped` is called once, later: when it has stopped,
 * or when ANCHOR_STOP_TIMEOUT has expired. 0, and the number of an anchor that
 * no longer exists, are valid.
 */
void anchor_stop(
    uint64_t number, void (*stopped)(void *context), void *context);

#endif
