// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The contents of replies: failures, and descriptions of networks.
 */

#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdint.h>
#include <xpc/xpc.h>

#include "failure.h"
#include "registry.h"

void message_set_failure(xpc_object_t reply, const struct failure *failure);

/* Adds the serialization of the network, and its description with the address
 * reserved for mac (all 0: no address). The network must be held. */
void message_set_network(
    xpc_object_t reply, const struct network *network, const uint8_t mac[6]);

/* Appends the network's name, state and holders and, if it exists, its
 * description. */
void message_append_network(xpc_object_t array, const struct network *network);

/* The same for a network that may not exist, with its configuration. */
void message_append_configured(
    xpc_object_t array, const struct network *network);

#endif
