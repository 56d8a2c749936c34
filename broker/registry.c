// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Invariants: a network is on the list of active ones unless it is inactive; it
 * is held if and only if it has been created and has a hold; every pending hold
 * is on the list of holds and is answered once; at most one vmnet call per
 * network is outstanding.
 */

#include "registry.h"

#include <time.h>

#include "log.h"
#include "registry-internal.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t create_timeout = VMNET_BROKER_VMNET_TIMEOUT * NANOSECONDS;
static const uint64_t release_timeout =
    VMNET_BROKER_RELEASE_TIMEOUT * NANOSECONDS;

static void network_create(struct network *network);

const char *network_state_name(enum network_state state)
{
	static const char *const names[] = {
		[NETWORK_INACTIVE] = "inactive",
		[NETWORK_CREATING] = "creating",
		[NETWORK_HELD] = "held",
		[NETWORK_LINGERING] = "lingering",
		[NETWORK_RELEASING] = "releasing",
		[NETWORK_STUCK] = "stuck",
	};

	return names[state];
}

uint64_t registry_now(const struct registry *registry)
{
	return registry->options.now(registry->options.context);
}

static void changed(const struct registry *registry)
{
	registry->options.changed(registry->options.context);
}

static void post(const struct network *network, enum registry_event_kind kind,
    const struct hold *hold, const struct failure *failure)
{
	const struct registry_options *options = &network->registry->options;
	const struct registry_event event = { kind, network, hold, failure };

	if (options->event != NULL) {
		options->event(options->context, &event);
	}
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
	post(hold->network, REGISTRY_ACQUIRED, hold, NULL);
	hold->network->registry->options.answer(hold, NULL);
}

static void hold_refuse(
    struct network *network, struct hold *hold, const struct failure *failure)
{
	hold_detach(network, hold);
	/* The registry does not use it afterwards. */
	network->registry->options.answer(hold, failure);
}

static void refuse_all(struct network *network, const struct failure *failure)
{
	while (!TAILQ_EMPTY(&network->holds)) {
		hold_refuse(network, TAILQ_FIRST(&network->holds), failure);
	}
}

static void explain_phase(
    const struct registry *registry, struct failure *failure)
{
	failure_set(failure, FAILURE_BUSY, "%s",
	    registry->phase == REGISTRY_DRAINING
		? "the broker is draining: it accepts no new clients and exits "
		  "when the last one disconnects; try again then, or run: sudo "
		  "vmnet-brokerctl resume"
		: "the broker is shutting down and accepts no new clients; it "
		  "starts again with the next request: try again");
}

/*
 * The states.
 */

static void set_state(
    struct network *network, enum network_state state, uint64_t timeout)
{
	struct registry *registry = network->registry;

	if (network->state == NETWORK_INACTIVE) {
		TAILQ_INSERT_TAIL(&registry->active, network, entry);
		registry->count++;
	}
	network->state = state;
	network->since = registry_now(registry);
	network->deadline =
	    timeout == UINT64_MAX ? UINT64_MAX : network->since + timeout;
	if (state == NETWORK_STUCK) {
		network->stuck_since = time(NULL);
	}
	if (state == NETWORK_INACTIVE) {
		TAILQ_REMOVE(&registry->active, network, entry);
		registry->count--;
		registry->idle_since = network->since;
		network->backend = NULL;
		network->made = NULL;
		config_destroy(network->made_of);
		network->made_of = NULL;
	}
	post(network, REGISTRY_STATE, NULL, NULL);
}

static void network_release(struct network *network)
{
	set_state(network, NETWORK_RELEASING, release_timeout);
	backend_release(network->backend);
}

/* Whether it is kept without holders. */
static bool is_kept(const struct network *network)
{
	return network->config->persistent != 0 && !network->removed &&
	    network->config->problem == NULL &&
	    network->registry->phase == REGISTRY_SERVING;
}

/* How long it is kept without holders; UINT64_MAX: without a limit. */
static uint64_t get_linger(const struct network *network)
{
	if (network->registry->phase != REGISTRY_SERVING ||
	    registry_is_pending(network)) {
		return 0;
	}
	return is_kept(network) ? UINT64_MAX
				: network->config->linger * NANOSECONDS;
}

/* The last hold has been released. */
static void network_leave(struct network *network)
{
	uint64_t linger = get_linger(network);

	if (linger == 0) {
		network_release(network);
	} else {
		set_state(network, NETWORK_LINGERING, linger);
	}
}

/* Refuses all holds, and enters a state without holds. */
static void network_fail(struct network *network, enum network_state state,
    const struct failure *failure)
{
	uint64_t suppressed = 0;

	post(network, REGISTRY_FAILED, NULL, failure);
	if (log_limit_allow(&network->failures, registry_now(network->registry),
		&suppressed)) {
		log_error(
		    "network %s: %s", network->config->name, failure->message);
	}
	set_state(network, state, UINT64_MAX);
	refuse_all(network, failure);
}

void registry_explain_stuck(
    const struct network *network, struct failure *failure)
{
	char since[sizeof("23:59:59")] = "";
	struct tm tm = { 0 };

	if (localtime_r(&network->stuck_since, &tm) != NULL) {
		strftime(since, sizeof(since), "%H:%M:%S", &tm);
	}
	failure_set(failure, FAILURE_CREATE,
	    "vmnet has not answered for this network since %s: use another "
	    "network; if this persists, restart the Mac",
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
	    network->config->name, config_mode_name(network->made->mode),
	    subnet, (unsigned long long)network->generation);
	post(network, REGISTRY_CREATED, NULL, NULL);
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

/* It becomes inactive; creates it again if clients are waiting for it. */
static void network_released(struct network *network)
{
	set_state(network, NETWORK_INACTIVE, UINT64_MAX);
	if (!TAILQ_EMPTY(&network->holds) || is_kept(network)) {
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
		log_notice(
		    "network %s: vmnet finished a call that had timed out",
		    network->config->name);
	}
	if (failure != NULL && network->state == NETWORK_CREATING) {
		network_fail(network, NETWORK_INACTIVE, failure);
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
		.network = config,
		.policy = config->has_subnet &&
			config->subnet_policy == CONFIG_REQUIRE
		    ? BACKEND_SUBNET_REQUIRE
		    : BACKEND_SUBNET_PREFER,
		.config = network->config_of,
	};
	struct failure failure;

	set_state(network, NETWORK_CREATING, create_timeout);
	network->made = config;
	network->made_of = config_retain(network->config_of);
	network->backend = backend_create(&request, &network_events, network);
	if (network->backend == NULL) {
		failure_set(&failure, FAILURE_INTERNAL, "out of memory");
		network_fail(network, NETWORK_INACTIVE, &failure);
	}
}

void registry_update(struct network *network)
{
	if (network->state == NETWORK_INACTIVE && is_kept(network)) {
		network_create(network);
	} else if (network->state == NETWORK_LINGERING) {
		network_leave(network);
	}
}

void registry_acquire(struct network *network, struct hold *hold)
{
	struct failure failure;

	hold_attach(network, hold);
	if (network->registry->phase != REGISTRY_SERVING) {
		explain_phase(network->registry, &failure);
		hold_refuse(network, hold, &failure);
		return;
	}
	switch (network->state) {
	case NETWORK_INACTIVE:
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
		registry_explain_stuck(network, &failure);
		hold_refuse(network, hold, &failure);
		break;
	}
}

void registry_release(struct hold *hold)
{
	struct network *network = hold->network;
	bool granted = hold->granted;

	hold_detach(network, hold);
	hold->network = NULL;
	if (granted) {
		post(network, REGISTRY_RELEASED, hold, NULL);
	}
	if (network->state == NETWORK_HELD && TAILQ_EMPTY(&network->holds)) {
		network_leave(network);
	}
}

/*
 * Time.
 */

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
	case NETWORK_INACTIVE:
	case NETWORK_HELD:
		break;
	}
}

void registry_expire(struct registry *registry)
{
	const uint64_t time = registry_now(registry);
	struct network *network = NULL;

	TAILQ_FOREACH(network, &registry->active, entry)
	{
		if (network->deadline <= time) {
			network_expire(network);
		}
	}
}

/*
 * Shutdown.
 */

/* Pending holds keep waiting. */
static void network_abandon(struct network *network)
{
	backend_give_up(network->backend);
	set_state(network, NETWORK_RELEASING, release_timeout);
}

void registry_recreate(struct network *network)
{
	if (network->state == NETWORK_CREATING) {
		network_abandon(network);
	} else if (network->state == NETWORK_LINGERING) {
		network_release(network);
	}
}

static void network_stop(struct network *network)
{
	struct failure failure;

	explain_phase(network->registry, &failure);
	switch (network->state) {
	case NETWORK_CREATING:
		network_abandon(network);
		refuse_all(network, &failure);
		break;
	case NETWORK_LINGERING:
		network_release(network);
		break;
	case NETWORK_RELEASING:
		refuse_all(network, &failure);
		break;
	case NETWORK_STUCK:
	case NETWORK_INACTIVE:
	case NETWORK_HELD:
		break;
	}
}

void registry_stop(struct registry *registry, enum registry_phase phase)
{
	struct network *network = NULL;

	registry->phase = phase;
	TAILQ_FOREACH(network, &registry->active, entry)
	{
		network_stop(network);
	}
}

void registry_resume(struct registry *registry)
{
	registry->phase = REGISTRY_SERVING;
}

void registry_finish(struct registry *registry)
{
	struct network *network = NULL;

	registry_stop(registry, REGISTRY_STOPPING);
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
 * Queries.
 */

struct registry_summary registry_summary(const struct registry *registry)
{
	struct registry_summary summary = {
		.phase = registry->phase,
		.networks = registry->count,
		.idle_since = registry->idle_since,
		.deadline = UINT64_MAX,
	};
	const struct network *network = NULL;

	TAILQ_FOREACH(network, &registry->active, entry)
	{
		if (network->state == NETWORK_HELD) {
			summary.held++;
			summary.holders += network->hold_count;
		}
		if (network->deadline < summary.deadline) {
			summary.deadline = network->deadline;
		}
	}
	return summary;
}

const struct network *registry_next(
    const struct registry *registry, const struct network *network)
{
	return network == NULL ? TAILQ_FIRST(&registry->active)
			       : TAILQ_NEXT(network, entry);
}
