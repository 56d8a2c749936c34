// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What must stay true: a network is on the list of those that are there if and
 * only if it is not absent; it is held if and only if it is there, made, and
 * has a hold; everybody who waits is on the list of holds, and told once.
 */

#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t create_timeout = VMNET_BROKER_VMNET_TIMEOUT * NANOSECONDS;
static const uint64_t release_timeout =
    VMNET_BROKER_RELEASE_TIMEOUT * NANOSECONDS;

/* Each costs a thread that hangs in vmnet: more than a few only do harm. */
#define ABANDONED_MAX 8

/* Networks that could not be made, in the log, a second. */
#define FAILURE_LINES 10

TAILQ_HEAD(network_list, network);

struct registry {
	const struct config *config;
	struct state *state;
	struct registry_options options;
	struct network *networks;  /* as config has them */
	struct network_list there; /* not absent */
	size_t count;
	size_t abandoned;
	uint64_t idle_since;
	uint64_t generation;
	bool stopping;
	struct log_limit failures;
};

static void network_create(struct network *network);

const char *network_state_name(enum network_state state)
{
	static const char *const names[] = {
		[NETWORK_ABSENT] = "absent",
		[NETWORK_CREATING] = "creating",
		[NETWORK_HELD] = "held",
		[NETWORK_LINGERING] = "lingering",
		[NETWORK_RELEASING] = "releasing",
	};

	return names[state];
}

static uint64_t now(const struct registry *registry)
{
	return registry->options.now(registry->options.context);
}

static void changed(const struct registry *registry)
{
	registry->options.changed(registry->options.context);
}

struct registry *registry_create(const struct config *config,
    struct state *state, const struct registry_options *options)
{
	struct registry *registry = calloc(1, sizeof(*registry));

	if (registry == NULL) {
		return NULL;
	}
	registry->networks = calloc(config->count, sizeof(*registry->networks));
	if (registry->networks == NULL) {
		free(registry);
		return NULL;
	}
	for (size_t i = 0; i < config->count; i++) {
		struct network *network = &registry->networks[i];

		network->config = &config->networks[i];
		network->registry = registry;
		network->deadline = UINT64_MAX;
		TAILQ_INIT(&network->holds);
	}
	TAILQ_INIT(&registry->there);
	registry->config = config;
	registry->state = state;
	registry->options = *options;
	registry->generation = options->generation;
	registry->failures.lines = FAILURE_LINES;
	registry->idle_since = now(registry);
	return registry;
}

void registry_destroy(struct registry *registry)
{
	if (registry == NULL) {
		return;
	}
	free(registry->networks);
	free(registry);
}

struct network *registry_find(struct registry *registry, const char *name)
{
	const struct config_network *config =
	    config_find(registry->config, name);

	if (config == NULL) {
		return NULL;
	}
	return &registry->networks[config - registry->config->networks];
}

/*
 * Holds.
 */

static void hold_attach(struct network *network, struct hold *hold)
{
	hold->network = network;
	hold->granted = false;
	TAILQ_INSERT_TAIL(&network->holds, hold, entry);
	network->hold_count++;
}

static void hold_detach(struct network *network, struct hold *hold)
{
	TAILQ_REMOVE(&network->holds, hold, entry);
	network->hold_count--;
	hold->network = NULL;
	hold->granted = false;
}

static void hold_grant(struct hold *hold)
{
	hold->granted = true;
	hold->done(hold, NULL);
}

static void hold_refuse(
    struct network *network, struct hold *hold, const struct failure *failure)
{
	hold_detach(network, hold);
	hold->done(hold, failure);
}

static void refuse_all(struct network *network, const struct failure *failure)
{
	while (!TAILQ_EMPTY(&network->holds)) {
		hold_refuse(network, TAILQ_FIRST(&network->holds), failure);
	}
}

static void failure_set_stopping(struct failure *failure)
{
	failure_set(failure, FAILURE_BUSY,
	    "the broker is shutting down and takes no new clients; it "
	    "starts again with the next request: try again");
}

/*
 * The states.
 */

static void set_state(
    struct network *network, enum network_state state, uint64_t timeout)
{
	struct registry *registry = network->registry;

	if (network->state == NETWORK_ABSENT) {
		TAILQ_INSERT_TAIL(&registry->there, network, entry);
		registry->count++;
	}
	network->state = state;
	network->deadline =
	    timeout == UINT64_MAX ? UINT64_MAX : now(registry) + timeout;
	if (state == NETWORK_ABSENT) {
		TAILQ_REMOVE(&registry->there, network, entry);
		registry->count--;
		registry->idle_since = now(registry);
		network->owned = NULL;
	}
}

/* vmnet may still tell of it, but nobody waits for that any more. */
static void abandon(struct network *network)
{
	vmnet_abandon(network->owned);
	network->owned = NULL;
	network->registry->abandoned++;
}

static void network_release(struct network *network)
{
	set_state(network, NETWORK_RELEASING, release_timeout);
	vmnet_disown(network->owned);
}

/* Nobody holds it any more. */
static void network_leave(struct network *network)
{
	const struct registry *registry = network->registry;

	if (registry->stopping || registry->options.linger == 0) {
		network_release(network);
	} else {
		set_state(network, NETWORK_LINGERING, registry->options.linger);
	}
}

static void network_fail(struct network *network, const struct failure *failure)
{
	struct registry *registry = network->registry;
	uint64_t suppressed = 0;

	/* Clients decide how often this happens. */
	if (log_limit_allow(&registry->failures, now(registry), &suppressed)) {
		log_error(
		    "network %s: %s", network->config->name, failure->message);
	}
	set_state(network, NETWORK_ABSENT, UINT64_MAX);
	refuse_all(network, failure);
}

static void network_created(
    void *context, struct vmnet_owned *owned, const struct vmnet_info *info)
{
	struct network *network = context;
	struct registry *registry = network->registry;
	struct hold *hold = NULL;
	char subnet[SUBNET_TEXT];

	(void)owned;
	network->info = *info;
	network->generation = registry->generation;
	registry->generation++;
	if (!network->config->has_subnet) {
		state_put(
		    registry->state, network->config->name, &info->subnet);
	}
	subnet_format(&info->subnet, subnet);
	log_notice("network %s: created, %s %s, generation %016llx",
	    network->config->name, config_mode_name(network->config->mode),
	    subnet, (unsigned long long)network->generation);
	if (TAILQ_EMPTY(&network->holds)) {
		network_leave(network);
	} else {
		set_state(network, NETWORK_HELD, UINT64_MAX);
		TAILQ_FOREACH(hold, &network->holds, entry)
		{
			hold_grant(hold);
		}
	}
	changed(registry);
}

/* It is absent now: make it again if somebody waited for that. */
static void network_released(struct network *network)
{
	set_state(network, NETWORK_ABSENT, UINT64_MAX);
	if (!TAILQ_EMPTY(&network->holds)) {
		network_create(network);
	}
}

static void network_gone(
    void *context, struct vmnet_owned *owned, const struct failure *failure)
{
	struct network *network = context;
	struct registry *registry = network->registry;

	if (owned != network->owned) {
		registry->abandoned--;
		log_notice("network %s: vmnet gave back what had been given up",
		    network->config->name);
	} else if (failure != NULL) {
		network_fail(network, failure);
	} else {
		log_notice("network %s: released", network->config->name);
		network_released(network);
	}
	changed(registry);
}

static const struct vmnet_events network_events = {
	.created = network_created,
	.gone = network_gone,
};

/*
 * The subnet that it had, unless the configuration has given that to another:
 * whoever comes first must not take what is somebody else's for sure.
 */
static void wish_set_subnet(
    const struct network *network, struct vmnet_wish *wish)
{
	const struct registry *registry = network->registry;
	const struct config *config = registry->config;

	if (network->config->has_subnet) {
		wish->choice = VMNET_SUBNET_FIXED;
		wish->subnet = network->config->subnet;
		return;
	}
	wish->choice = VMNET_SUBNET_ANY;
	if (state_get(registry->state, network->config->name, &wish->subnet) !=
	    0) {
		return;
	}
	for (size_t i = 0; i < config->count; i++) {
		if (config->networks[i].has_subnet &&
		    subnet_overlaps(
			&config->networks[i].subnet, &wish->subnet)) {
			return;
		}
	}
	wish->choice = VMNET_SUBNET_RATHER;
}

static void network_create(struct network *network)
{
	struct registry *registry = network->registry;
	struct vmnet_wish wish = {
		.name = network->config->name,
		.mode = network->config->mode,
	};
	struct failure failure;

	set_state(network, NETWORK_CREATING, create_timeout);
	if (registry->abandoned >= ABANDONED_MAX) {
		failure_set(&failure, FAILURE_CREATE,
		    "vmnet has stopped answering: %zu calls never came "
		    "back; restart the Mac if this stays",
		    registry->abandoned);
		network_fail(network, &failure);
		return;
	}
	wish_set_subnet(network, &wish);
	network->owned = vmnet_own(&wish, &network_events, network);
	if (network->owned == NULL) {
		failure_set(&failure, FAILURE_INTERNAL, "out of memory");
		network_fail(network, &failure);
	}
}

void registry_acquire(struct network *network, struct hold *hold)
{
	struct failure failure;

	hold_attach(network, hold);
	if (network->registry->stopping) {
		failure_set_stopping(&failure);
		hold_refuse(network, hold, &failure);
		return;
	}
	switch (network->state) {
	case NETWORK_ABSENT:
		network_create(network);
		break;
	case NETWORK_CREATING:
	case NETWORK_RELEASING:
		break;
	case NETWORK_LINGERING:
		set_state(network, NETWORK_HELD, UINT64_MAX);
		hold_grant(hold);
		break;
	case NETWORK_HELD:
		hold_grant(hold);
		break;
	}
}

void registry_release(struct hold *hold)
{
	struct network *network = hold->network;

	hold_detach(network, hold);
	if (network->state == NETWORK_HELD && TAILQ_EMPTY(&network->holds)) {
		network_leave(network);
	}
}

/*
 * Time.
 */

uint64_t registry_deadline(const struct registry *registry)
{
	const struct network *network = NULL;
	uint64_t deadline = UINT64_MAX;

	TAILQ_FOREACH(network, &registry->there, entry)
	{
		if (network->deadline < deadline) {
			deadline = network->deadline;
		}
	}
	return deadline;
}

static void network_expire(struct network *network)
{
	struct failure failure;

	switch (network->state) {
	case NETWORK_LINGERING:
		network_release(network);
		break;
	case NETWORK_CREATING:
		abandon(network);
		failure_set(&failure, FAILURE_CREATE,
		    "vmnet did not answer within %d seconds",
		    VMNET_BROKER_VMNET_TIMEOUT);
		network_fail(network, &failure);
		break;
	case NETWORK_RELEASING:
		log_error("network %s: vmnet did not release it within %d "
			  "seconds",
		    network->config->name, VMNET_BROKER_RELEASE_TIMEOUT);
		abandon(network);
		network_released(network);
		break;
	case NETWORK_ABSENT:
	case NETWORK_HELD:
		break;
	}
}

void registry_expire(struct registry *registry)
{
	const uint64_t time = now(registry);
	struct network *network = TAILQ_FIRST(&registry->there);

	while (network != NULL) {
		struct network *next = TAILQ_NEXT(network, entry);

		if (network->deadline <= time) {
			network_expire(network);
		}
		network = next;
	}
}

/*
 * The end.
 */

static void network_stop(struct network *network)
{
	struct failure failure;

	failure_set_stopping(&failure);
	switch (network->state) {
	case NETWORK_CREATING:
		abandon(network);
		set_state(network, NETWORK_ABSENT, UINT64_MAX);
		refuse_all(network, &failure);
		break;
	case NETWORK_LINGERING:
		network_release(network);
		break;
	case NETWORK_RELEASING:
		refuse_all(network, &failure);
		break;
	case NETWORK_ABSENT:
	case NETWORK_HELD:
		break;
	}
}

void registry_stop(struct registry *registry)
{
	struct network *network = TAILQ_FIRST(&registry->there);

	registry->stopping = true;
	while (network != NULL) {
		struct network *next = TAILQ_NEXT(network, entry);

		network_stop(network);
		network = next;
	}
}

void registry_finish(struct registry *registry)
{
	struct network *network = NULL;

	registry_stop(registry);
	TAILQ_FOREACH(network, &registry->there, entry)
	{
		while (!TAILQ_EMPTY(&network->holds)) {
			hold_detach(network, TAILQ_FIRST(&network->holds));
		}
		if (network->state == NETWORK_HELD) {
			network_release(network);
		}
	}
}

/*
 * Asking.
 */

size_t registry_count_held(const struct registry *registry)
{
	const struct network *network = NULL;
	size_t count = 0;

	TAILQ_FOREACH(network, &registry->there, entry)
	{
		if (network->state == NETWORK_HELD) {
			count++;
		}
	}
	return count;
}

size_t registry_count(const struct registry *registry)
{
	return registry->count;
}

size_t registry_count_abandoned(const struct registry *registry)
{
	return registry->abandoned;
}

uint64_t registry_idle_since(const struct registry *registry)
{
	return registry->idle_since;
}

const struct network *registry_next(
    const struct registry *registry, const struct network *network)
{
	return network == NULL ? TAILQ_FIRST(&registry->there)
			       : TAILQ_NEXT(network, entry);
}
