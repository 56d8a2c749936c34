// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What the registry is made of, for registry.c (states and holds) and
 * registry-config.c (which networks there are).
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

/* The definition of the network has changed: creates it if it is inactive
 * and persistent, and releases it, or lets it linger anew, if nobody holds it. */
void registry_update(struct network *network);

#endif
