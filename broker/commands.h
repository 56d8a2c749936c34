// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The commands that clients send: their replies, and who may send them.
 * docs/protocol.md is their contract.
 *
 * All on the serial queue.
 */

#ifndef COMMANDS_H
#define COMMANDS_H

#include <dispatch/dispatch.h>
#include <stdint.h>
#include <xpc/xpc.h>

#include "counters.h"
#include "events.h"
#include "lifetime.h"
#include "peer.h"
#include "registry.h"
#include "reload.h"

/* The parts of the broker. */
struct broker {
	const char *version;
	struct registry *registry;
	struct peers *peers;
	struct reload *reload;
	struct events *events;
	struct counters counters;
	dispatch_queue_t queue;     /* the serial queue */
	dispatch_queue_t directory; /* where groups are looked up */
	uint64_t started;           /* registry_now() */
	struct lifetime *lifetime;
};

/* Answers the request with reply. */
void commands_run(const struct broker *broker, struct peer *peer,
    xpc_object_t message, xpc_object_t reply);

#endif
