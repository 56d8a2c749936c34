// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What is inside requests and replies. Requests are asked for the keys we know
 * and never walked, copied or described: what else is in them costs nothing.
 */

#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

#include "failure.h"
#include "registry.h"

/* Borrowed from message; any bytes. NULL: not there, or not a string. */
const char *message_get_string(
    xpc_object_t message, const char *key, size_t *length);

void message_set_failure(xpc_object_t reply, const struct failure *failure);

/* The network as vmnet gave it, and what it is, with the address reserved for
 * mac (all 0: for nobody). It must be held. */
void message_set_network(
    xpc_object_t reply, const struct network *network, const uint8_t mac[6]);

/* Appends name, state, holders, and what the network is if there is one. */
void message_append_network(xpc_object_t array, const struct network *network);

/* The same of one that may not be there, and what of it is configured. */
void message_append_configured(
    xpc_object_t array, const struct network *network);

#endif
