// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/registry.c broker/registry-config.c broker/config.c
// link: broker/subnet.c broker/subnet-plan.c broker/text.c broker/failure.c
// link: broker/log.c

#include "broker-registry-fixture.h"

#include <stdio.h>
#include <stdlib.h>

struct owned_list owned_all = TAILQ_HEAD_INITIALIZER(owned_all);
size_t owned_count;
bool no_memory;

struct backend_network *backend_create(const struct backend_request *request,
    const struct backend_events *events, void *context)
{
	struct backend_network *owned = NULL;

	if (no_memory) {
		return NULL;
	}
	owned = calloc(1, sizeof(*owned));
	assert_non_null(owned);
	owned->request = *request;
	owned->events = events;
	owned->context = context;
	TAILQ_INSERT_TAIL(&owned_all, owned, entry);
	owned_count++;
	return owned;
}

void backend_release(struct backend_network *owned)
{
	assert_int_equal(owned->phase, MADE);
	assert_false(owned->given_up);
	owned->phase = GIVING_BACK;
}

void backend_give_up(struct backend_network *owned)
{
	assert_int_not_equal(owned->phase, MADE);
	assert_false(owned->given_up);
	owned->given_up = true;
}

void *backend_get_serialization(const struct backend_network *owned)
{
	return (void *)(uintptr_t)owned;
}

static void gone(struct backend_network *owned, const struct failure *failure)
{
	TAILQ_REMOVE(&owned_all, owned, entry);
	owned_count--;
	owned->events->gone(owned->context, owned, failure);
	free(owned);
}

void make(struct backend_network *owned)
{
	const struct backend_info info = {
		.subnet = owned->request.network->subnet,
		.mtu = 1500,
	};

	assert_int_equal(owned->phase, MAKING);
	if (owned->given_up) {
		owned->phase = GIVING_BACK;
		return;
	}
	owned->phase = MADE;
	owned->events->created(owned->context, owned, &info);
}

void refuse(struct backend_network *owned)
{
	struct failure failure;

	assert_int_equal(owned->phase, MAKING);
	failure_set(&failure, FAILURE_CREATE, "because of the test");
	failure.vmnet_status = 1001;
	gone(owned, &failure);
}

void give_back(struct backend_network *owned)
{
	assert_int_equal(owned->phase, GIVING_BACK);
	gone(owned, NULL);
}

struct backend_network *first(void)
{
	assert_false(TAILQ_EMPTY(&owned_all));
	return TAILQ_FIRST(&owned_all);
}

struct backend_network *last(void)
{
	assert_false(TAILQ_EMPTY(&owned_all));
	return TAILQ_LAST(&owned_all, owned_list);
}

/*
 * The registry.
 */

struct config_network config_networks[NETWORKS] = {
	{ .name = "a", .mode = CONFIG_SHARED, .subnet = { 0xc0a85000, 24 } },
	{ .name = "b",
	    .mode = CONFIG_HOST,
	    .has_subnet = true,
	    .subnet = { 0xc0a86400, 24 } },
	{ .name = "c", .mode = CONFIG_SHARED },
};

static struct config config = {
	.networks = config_networks,
	.count = NETWORKS,
};

uint64_t clock_now;
static unsigned changes;
struct registry *registry;

static uint64_t now(void *context)
{
	(void)context;
	return clock_now;
}

static void changed(void *context)
{
	(void)context;
	changes++;
}

static void answer(struct hold *hold, const struct failure *failure)
{
	struct client *client = hold->context;

	if (failure == NULL) {
		assert_true(hold->granted);
		assert_non_null(hold->network);
		client->granted++;
		return;
	}
	/* Forgotten, but still known by its network. */
	assert_non_null(hold->network);
	assert_false(hold->granted);
	hold->network = NULL;
	client->refused++;
	client->status = failure->status;
	client->vmnet_status = failure->vmnet_status;
	snprintf(
	    client->message, sizeof(client->message), "%s", failure->message);
}

void start(uint32_t linger)
{
	const struct registry_options options = {
		.generation = 100,
		.now = now,
		.answer = answer,
		.changed = changed,
	};

	clock_now = 1000 * SECOND;
	no_memory = false;
	for (size_t i = 0; i < NETWORKS; i++) {
		config_networks[i].linger = linger;
	}
	registry = registry_create(&config, &options);
	assert_non_null(registry);
}

int set_up(void **unused)
{
	(void)unused;
	start(LINGER / SECOND);
	return 0;
}

int tear_down(void **unused)
{
	(void)unused;
	assert_int_equal(owned_count, 0);
	registry_destroy(registry);
	return 0;
}

void advance(uint64_t time)
{
	clock_now += time;
	registry_expire(registry);
}

const struct network *get(const char *name)
{
	return registry_find(registry, name);
}

void assert_state(const char *name, enum network_state state)
{
	assert_string_equal(
	    network_state_name(get(name)->state), network_state_name(state));
}

/*
 * Holders.
 */

void acquire(struct client *client, const char *name)
{
	struct network *network = registry_find(registry, name);

	assert_non_null(network);
	assert_null(client->hold.network);
	client->hold.context = client;
	client->granted = 0;
	client->refused = 0;
	registry_acquire(network, &client->hold);
}

void acquire_during_release(struct client *client, const char *name)
{
	acquire(client, name);
	make(first());
	registry_release(&client->hold);
	advance(LINGER);
	acquire(client, name);
}
