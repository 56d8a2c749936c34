// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The internals of the registry, shared by registry.c (states and holds) and
 * registry-config.c (the list of networks).
 */

#ifndef REGISTRY_INTERNAL_H
#define REGISTRY_INTERNAL_H

#include "registry.h"

TAILQ_HEAD(network_list, network);

struct registry {
	struct config *config;
	struct registry_options options;
	struct network **networks; /* sorted by name */
	size_t network_count;
	struct network_list active;
	size_t count;
	uint64_t idle_since;
	uint64_t generation;
	enum registry_phase phase;
};

/* Call it when the definition of the network has changed: creates the network
 * if it is inactive and persistent; releases it, or restarts its linger time,
 * if it is lingering. */
void registry_update(struct network *network);

#endif
