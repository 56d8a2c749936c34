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

/*
 * What a reload changes.
 */

_Static_assert(sizeof(struct config_rule) == 4 * sizeof(uint32_t),
    "rules have no padding, and are compared as bytes");

static bool same_items(
    const void *a, size_t a_count, const void *b, size_t b_count, size_t size)
{
	return a_count == b_count &&
	    (a_count == 0 || memcmp(a, b, a_count * size) == 0);
}

/* Their names do not matter: rules have the addresses. */
static bool same_reservations(
    const struct config_network *a, const struct config_network *b)
{
	bool same = a->reservation_count == b->reservation_count;

	for (size_t i = 0; same && i < a->reservation_count; i++) {
		const struct config_reservation *first = &a->reservations[i];
		const struct config_reservation *second = &b->reservations[i];

		same = first->address == second->address &&
		    memcmp(first->mac, second->mac, sizeof(first->mac)) == 0;
	}
	return same;
}

/* Whether vmnet creates the same network from both. */
static bool makes_same(
    const struct config_network *a, const struct config_network *b)
{
	return a->mode == b->mode && a->has_subnet == b->has_subnet &&
	    a->subnet.address == b->subnet.address &&
	    a->subnet.length == b->subnet.length &&
	    a->subnet_policy == b->subnet_policy && a->off == b->off &&
	    memcmp(&a->ipv6_prefix, &b->ipv6_prefix, sizeof(a->ipv6_prefix)) ==
	    0 &&
	    strcmp(a->external_interface, b->external_interface) == 0 &&
	    a->mtu == b->mtu && same_reservations(a, b) &&
	    same_items(a->rules, a->rule_count, b->rules, b->rule_count,
		sizeof(*a->rules));
}

static bool same_allow(
    const struct config_allow *a, const struct config_allow *b)
{
	if (a == NULL || b == NULL) {
		return a == b;
	}
	return same_items(a->users, a->user_count, b->users, b->user_count,
		   sizeof(*a->users)) &&
	    same_items(a->groups, a->group_count, b->groups, b->group_count,
		sizeof(*a->groups));
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether the broker treats both the same. */
static bool treats_same(
    const struct config_network *a, const struct config_network *b)
{
	return a->linger == b->linger && a->persistent == b->persistent &&
	    same_text(a->description, b->description) &&
	    same_text(a->problem, b->problem) && same_allow(a->allow, b->allow);
}

bool registry_is_pending(const struct network *network)
{
	return network->made != NULL && network->state != NETWORK_RELEASING &&
	    (network->removed || !makes_same(network->made, network->config));
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
	reload->tell(reload->context, change, network->config->name);
}

/* If the new definition has an error, the last valid one is kept. */
static void redefine(const struct taking *reload, struct network *network,
    const struct config_network *definition)
{
	const struct config_network *old = network->config;
	bool makes = makes_same(old, definition);
	bool treats = treats_same(old, definition);

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
	registry->idle_since = registry_now(registry);
	if (add_networks(registry, config) != 0) {
		registry_destroy(registry);
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
