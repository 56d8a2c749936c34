// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What must stay true: a network is active if and only if it is not absent; it
 * is held if and only if it is made and has a hold; everybody who waits is on
 * the list of holds, and told once; vmnet owes at most one answer for it.
 */

#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t create_timeout = VMNET_BROKER_VMNET_TIMEOUT * NANOSECONDS;
static const uint64_t release_timeout =
    VMNET_BROKER_RELEASE_TIMEOUT * NANOSECONDS;

/* Failures of a network in the log, a second: clients decide how often there is
 * one. */
#define FAILURE_LINES 2

TAILQ_HEAD(network_list, network);

struct registry {
	const struct config *config;
	struct registry_options options;
	struct network *networks;   /* as config has them */
	struct network_list active; /* not absent */
	size_t count;
	uint64_t idle_since;
	uint64_t generation;
	bool stopping;
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
		[NETWORK_STUCK] = "stuck",
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

struct registry *registry_create(
    const struct config *config, const struct registry_options *options)
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
		network->failures.lines = FAILURE_LINES;
		TAILQ_INIT(&network->holds);
	}
	TAILQ_INIT(&registry->active);
	registry->config = config;
	registry->options = *options;
	registry->generation = options->generation;
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
	hold->done(hold, failure); /* the last that is known of it */
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
		TAILQ_INSERT_TAIL(&registry->active, network, entry);
		registry->count++;
	}
	network->state = state;
	network->deadline =
	    timeout == UINT64_MAX ? UINT64_MAX : now(registry) + timeout;
	if (state == NETWORK_STUCK) {
		network->stuck_since = time(NULL);
	}
	if (state == NETWORK_ABSENT) {
		TAILQ_REMOVE(&registry->active, network, entry);
		registry->count--;
		registry->idle_since = now(registry);
		network->backend = NULL;
	}
}

static void network_release(struct network *network)
{
	set_state(network, NETWORK_RELEASING, release_timeout);
	backend_release(network->backend);
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

/* All who wait are told, and it goes to a state without any. */
static void network_fail(struct network *network, enum network_state state,
    const struct failure *failure)
{
	uint64_t suppressed = 0;

	if (log_limit_allow(
		&network->failures, now(network->registry), &suppressed)) {
		log_error(
		    "network %s: %s", network->config->name, failure->message);
	}
	set_state(network, state, UINT64_MAX);
	refuse_all(network, failure);
}

static void failure_set_stuck(
    const struct network *network, struct failure *failure)
{
	char since[sizeof("23:59:59")] = "";
	struct tm tm = { 0 };

	if (localtime_r(&network->stuck_since, &tm) != NULL) {
		strftime(since, sizeof(since), "%H:%M:%S", &tm);
	}
	failure_set(failure, FAILURE_CREATE,
	    "vmnet has not answered for this network since %s: use another "
	    "network, or restart the Mac if this stays",
	    since);
}

static void network_created(void *context, struct backend_network *backend,
    const struct backend_info *info)
{
	struct network *network = context;
	struct registry *registry = network->registry;
	struct hold *hold = NULL;
	char subnet[SUBNET_TEXT];

	(void)backend;
	network->info = *info;
	network->generation = registry->generation;
	registry->generation++;
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

static void network_gone(void *context, struct backend_network *backend,
    const struct failure *failure)
{
	struct network *network = context;
	struct registry *registry = network->registry;

	(void)backend;
	if (network->state == NETWORK_STUCK) {
		log_notice("network %s: vmnet has answered after all",
		    network->config->name);
	}
	if (failure != NULL && network->state == NETWORK_CREATING) {
		network_fail(network, NETWORK_ABSENT, failure);
	} else {
		log_notice("network %s: %s", network->config->name,
		    failure != NULL ? failure->message : "released");
		network_released(network);
	}
	changed(registry);
}

static const struct backend_events network_events = {
	.created = network_created,
	.gone = network_gone,
};

static void network_create(struct network *network)
{
	const struct config_network *config = network->config;
	struct backend_request request = {
		.name = config->name,
		.mode = config->mode,
		.policy = config->has_subnet ? BACKEND_SUBNET_REQUIRE
					     : BACKEND_SUBNET_PREFER,
		.subnet = config->subnet,
		.config = network->registry->config,
	};
	struct failure failure;

	set_state(network, NETWORK_CREATING, create_timeout);
	network->backend = backend_create(&request, &network_events, network);
	if (network->backend == NULL) {
		failure_set(&failure, FAILURE_INTERNAL, "out of memory");
		network_fail(network, NETWORK_ABSENT, &failure);
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
	case NETWORK_STUCK:
		failure_set_stuck(network, &failure);
		hold_refuse(network, hold, &failure);
		break;
	}
}

void registry_release(struct hold *hold)
{
	struct network *network = hold->network;

	hold_detach(network, hold);
	hold->network = NULL;
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

	TAILQ_FOREACH(network, &registry->active, entry)
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
		backend_give_up(network->backend);
		failure_set(&failure, FAILURE_CREATE,
		    "vmnet did not answer within %d seconds",
		    VMNET_BROKER_VMNET_TIMEOUT);
		network_fail(network, NETWORK_STUCK, &failure);
		break;
	case NETWORK_RELEASING:
		failure_set(&failure, FAILURE_CREATE,
		    "vmnet did not release it within %d seconds",
		    VMNET_BROKER_RELEASE_TIMEOUT);
		network_fail(network, NETWORK_STUCK, &failure);
		break;
	case NETWORK_STUCK:
	case NETWORK_ABSENT:
	case NETWORK_HELD:
		break;
	}
}

void registry_expire(struct registry *registry)
{
	const uint64_t time = now(registry);
	struct network *network = TAILQ_FIRST(&registry->active);

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
		backend_give_up(network->backend);
		set_state(network, NETWORK_RELEASING, release_timeout);
		refuse_all(network, &failure);
		break;
	case NETWORK_LINGERING:
		network_release(network);
		break;
	case NETWORK_RELEASING:
		refuse_all(network, &failure);
		break;
	case NETWORK_STUCK:
	case NETWORK_ABSENT:
	case NETWORK_HELD:
		break;
	}
}

void registry_stop(struct registry *registry)
{
	struct network *network = TAILQ_FIRST(&registry->active);

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
	TAILQ_FOREACH(network, &registry->active, entry)
	{
		while (!TAILQ_EMPTY(&network->holds)) {
			struct hold *hold = TAILQ_FIRST(&network->holds);

			hold_detach(network, hold);
			hold->network = NULL;
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

	TAILQ_FOREACH(network, &registry->active, entry)
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

uint64_t registry_idle_since(const struct registry *registry)
{
	return registry->idle_since;
}

const struct network *registry_next(
    const struct registry *registry, const struct network *network)
{
	return network == NULL ? TAILQ_FIRST(&registry->active)
			       : TAILQ_NEXT(network, entry);
}
