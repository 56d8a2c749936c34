// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The contents of replies: failures, and descriptions of networks.
 */

#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <xpc/xpc.h>

#include "failure.h"
#include "registry.h"

/* Stores value, and drops the caller's reference to it. */
void message_put(xpc_object_t into, const char *key, xpc_object_t value);

void message_set_failure(xpc_object_t reply, const struct failure *failure);

/* Adds the serialization of the network, and its description with the address
 * reserved for mac (all 0: no address). The network must be held. */
void message_set_network(
    xpc_object_t reply, const struct network *network, const uint8_t mac[6]);

/* Appends the network's name, state and holders, its description if it exists
 * and, if `configured`, its configuration. */
void message_append_network(
    xpc_object_t array, const struct network *network, bool configured);

#endif
