// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The list of networks: those of the configuration, and those that are in use
 * although the configuration no longer contains them.
 *
 * A network retains the configuration with its current definition, and the one
 * from which vmnet created it, so several configurations may exist for a while.
 */

#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "registry-internal.h"

/* Maximum number of failures of a network logged per second: clients determine
 * how often failures occur. */
#define FAILURE_LINES 2

const struct config *registry_get_config(const struct registry *registry)
{
	return registry->config;
}

const struct network *registry_get(
    const struct registry *registry, size_t index)
{
	return index < registry->network_count ? registry->networks[index]
					       : NULL;
}

static int compare_name(const void *name, const void *network)
{
	return strcmp(name, (*(struct network *const *)network)->config->name);
}

static int compare(const void *a, const void *b)
{
	return compare_name((*(struct network *const *)a)->config->name, b);
}

/* Includes removed networks. */
static struct network *find(const struct registry *registry, const char *name)
{
	struct network **found = bsearch(name, registry->networks,
	    registry->network_count, sizeof(struct network *), compare_name);

	return found == NULL ? NULL : *found;
}

static bool is_gone(const struct network *network)
{
	return network->removed && network->state == NETWORK_INACTIVE;
}

struct network *registry_find(struct registry *registry, const char *name)
{
	struct network *network = find(registry, name);

	return network == NULL || is_gone(network) ? NULL : network;
}

bool registry_is_pending(const struct network *network)
{
	return network->made != NULL && network->state != NETWORK_RELEASING &&
	    (network->removed ||
		!config_makes_same(network->made, network->config));
}

/*
 * Definitions.
 */

static void define(struct network *network, struct config *config,
    const struct config_network *definition)
{
	config_destroy(network->config_of);
	network->config = definition;
	network->config_of = config_retain(config);
	network->problem = definition->problem;
	network->removed = false;
}

static struct network *network_new(struct registry *registry,
    struct config *config, const struct config_network *definition)
{
	struct network *network = calloc(1, sizeof(*network));

	if (network != NULL) {
		network->registry = registry;
		network->deadline = UINT64_MAX;
		network->failures.lines = FAILURE_LINES;
		TAILQ_INIT(&network->holds);
		define(network, config, definition);
	}
	return network;
}

static void network_destroy(struct network *network)
{
	config_destroy(network->config_of);
	free(network);
}

/* Parameters of a reload. */
struct taking {
	struct config *config;
	void (*tell)(
	    void *context, enum registry_change change, const char *name);
	void *context;
};

static void tell(const struct taking *reload, enum registry_change change,
    const struct network *network)
{
	if (reload->tell != NULL) {
		reload->tell(reload->context, change, network->config->name);
	}
}

/* If the new definition has an error, the last valid one is kept. */
static void redefine(const struct taking *reload, struct network *network,
    const struct config_network *definition)
{
	const struct config_network *old = network->config;
	bool makes = config_makes_same(old, definition);
	bool treats = config_treats_same(old, definition);

	if (definition->problem != NULL && old->problem == NULL) {
		network->problem = definition->problem;
		return;
	}
	if (!treats ||
	    (!makes &&
		(network->made == NULL ||
		    network->state == NETWORK_LINGERING))) {
		tell(reload, REGISTRY_CHANGED, network);
	}
	define(network, reload->config, definition);
	if (!treats || !makes) {
		registry_update(network);
	}
}

/* Updates a network that existed before. */
static void update(const struct taking *reload, struct network *network)
{
	const struct config_network *definition =
	    config_find(reload->config, network->config->name);

	if (definition != NULL && network->removed) {
		define(network, reload->config, definition);
		tell(reload, REGISTRY_ADDED, network);
		registry_update(network);
	} else if (definition != NULL) {
		redefine(reload, network, definition);
	} else if (!network->removed) {
		network->removed = true;
		network->problem = network->config->problem;
		tell(reload, REGISTRY_REMOVED, network);
		registry_update(network);
	}
}

/* Appends the new networks to the list. -1: out of memory, and nothing has
 * changed. */
static int add_networks(struct registry *registry, struct config *config)
{
	size_t before = registry->network_count;
	size_t count = before;
	struct network **networks = realloc(registry->networks,
	    (before + config->count) * sizeof(struct network *));

	if (networks == NULL) {
		return -1;
	}
	registry->networks = networks;
	for (size_t i = 0; i < config->count; i++) {
		if (find(registry, config->networks[i].name) != NULL) {
			continue;
		}
		networks[count] =
		    network_new(registry, config, &config->networks[i]);
		if (networks[count] == NULL) {
			while (count > before) {
				network_destroy(networks[--count]);
			}
			return -1;
		}
		count++;
	}
	registry->network_count = count;
	return 0;
}

/* Frees removed networks that are not in use, and sorts the others. */
static void tidy(struct registry *registry)
{
	size_t count = 0;

	for (size_t i = 0; i < registry->network_count; i++) {
		if (is_gone(registry->networks[i])) {
			network_destroy(registry->networks[i]);
		} else {
			registry->networks[count] = registry->networks[i];
			count++;
		}
	}
	registry->network_count = count;
	qsort(registry->networks, count, sizeof(struct network *), compare);
}

int registry_reload(struct registry *registry, struct config *config,
    void (*tell_change)(
	void *context, enum registry_change change, const char *name),
    void *context)
{
	const struct taking reload = { config, tell_change, context };
	size_t before = registry->network_count;

	if (add_networks(registry, config) != 0) {
		return -1;
	}
	for (size_t i = 0; i < before; i++) {
		update(&reload, registry->networks[i]);
	}
	for (size_t i = before; i < registry->network_count; i++) {
		tell(&reload, REGISTRY_ADDED, registry->networks[i]);
		registry_update(registry->networks[i]);
	}
	config_destroy(registry->config);
	registry->config = config_retain(config);
	tidy(registry);
	for (size_t i = 0; i < registry->network_count; i++) {
		if (registry_is_pending(registry->networks[i])) {
			tell(&reload, REGISTRY_PENDING, registry->networks[i]);
		}
	}
	return 0;
}

/*
 * Creation and destruction.
 */

struct registry *registry_create(
    struct config *config, const struct registry_options *options)
{
	struct registry *registry = calloc(1, sizeof(*registry));

	if (registry == NULL) {
		return NULL;
	}
	TAILQ_INIT(&registry->active);
	registry->options = *options;
	registry->generation = options->generation;
	registry->idle_since = options->now(options->context);
	if (add_networks(registry, config) != 0) {
		free(registry->networks);
		free(registry);
		return NULL;
	}
	registry->config = config_retain(config);
	tidy(registry);
	return registry;
}

void registry_start(struct registry *registry)
{
	for (size_t i = 0; i < registry->network_count; i++) {
		registry_update(registry->networks[i]);
	}
}

void registry_destroy(struct registry *registry)
{
	if (registry == NULL) {
		return;
	}
	for (size_t i = 0; i < registry->network_count; i++) {
		network_destroy(registry->networks[i]);
	}
	free(registry->networks);
	config_destroy(registry->config);
	free(registry);
}
