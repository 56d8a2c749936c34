// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-registry-fixture

/*
 * Random steps beside a small model of the registry that knows only what must
 * be true of what clients see.
 */

#include <string.h>

#include "broker-registry-fixture.h"

#define CLIENTS 6

/* What a client knows of itself, without the registry's help. */
struct model {
	struct client client;
	int network; /* what it asked for; -1: nothing */
	bool waiting;
};

static struct model models[CLIENTS];
static bool model_stopped;
static uint64_t random_state;

static uint32_t pick(uint32_t n)
{
	/* xorshift: the same everywhere, so that a failure can be repeated. */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 32) % n);
}

static struct backend_network *pick_owned(void)
{
	struct backend_network *owned = NULL;
	uint32_t n = 0;

	if (owned_count == 0) {
		return NULL;
	}
	n = pick((uint32_t)owned_count);
	TAILQ_FOREACH(owned, &owned_all, entry)
	{
		if (n == 0) {
			break;
		}
		n--;
	}
	return owned;
}

static void step_client(struct model *model)
{
	if (model->network >= 0) {
		registry_release(&model->client.hold);
		model->network = -1;
		return;
	}
	model->network = (int)pick(NETWORKS);
	model->waiting = true;
	acquire(&model->client, config_networks[model->network].name);
}

static void step_vmnet(void)
{
	struct backend_network *owned = pick_owned();

	if (owned == NULL) {
		return;
	}
	switch (owned->phase) {
	case MAKING:
		if (pick(4) == 0) {
			refuse(owned);
		} else {
			make(owned);
		}
		break;
	case GIVING_BACK:
		give_back(owned);
		break;
	case MADE:
		break;
	}
}

static void step_time(void)
{
	static const uint64_t steps[] = { 1, SECOND, LINGER, 15 * SECOND,
		30 * SECOND };
	uint64_t deadline = registry_summary(registry).deadline;

	if (deadline != UINT64_MAX && pick(2) == 0) {
		advance(deadline > clock_now ? deadline - clock_now : 0);
	} else {
		advance(steps[pick(sizeof(steps) / sizeof(steps[0]))]);
	}
}

static void step(void)
{
	switch (pick(8)) {
	case 0:
	case 1:
	case 2:
		step_client(&models[pick(CLIENTS)]);
		break;
	case 3:
	case 4:
		step_vmnet();
		break;
	case 5:
		step_time();
		break;
	case 6:
		no_memory = pick(20) == 0;
		break;
	default:
		if (pick(2000) == 0) {
			registry_stop(registry, REGISTRY_STOPPING);
			model_stopped = true;
		}
		break;
	}
}

/* Each client has heard at most one answer, and as it heard so it is. */
static void check_client(struct model *model)
{
	struct client *client = &model->client;

	assert_true(client->granted + client->refused <= 1);
	if (model->network < 0) {
		return;
	}
	if (client->refused == 1) {
		model->network = -1;
		return;
	}
	assert_ptr_equal(
	    client->hold.network, get(config_networks[model->network].name));
	assert_int_equal(client->hold.granted, client->granted);
	model->waiting = client->granted == 0;
}

static void check_network(int index)
{
	const struct network *network = get(config_networks[index].name);
	size_t holders = 0;
	size_t waiting = 0;
	bool exists = network->state != NETWORK_INACTIVE;

	for (int i = 0; i < CLIENTS; i++) {
		if (models[i].network == index) {
			holders += !models[i].waiting;
			waiting += models[i].waiting;
		}
	}
	/* Holders are exactly the clients that were granted it. */
	assert_int_equal(network->hold_count, holders + waiting);
	assert_int_equal(network->state == NETWORK_HELD, holders > 0);
	/* It exists while a client holds it or waits for it, and while it
	 * lingers. */
	assert_true(exists || holders + waiting == 0);
	assert_int_equal(exists, network->backend != NULL);
	/* No client waits for a network that exists. */
	assert_true(waiting == 0 || network->state == NETWORK_CREATING ||
	    network->state == NETWORK_RELEASING);
	/* A network without a holder has a deadline. */
	assert_int_equal(network->deadline == UINT64_MAX,
	    !exists || network->state == NETWORK_HELD ||
		network->state == NETWORK_STUCK);
	assert_true(!model_stopped || network->state != NETWORK_LINGERING);
	assert_true(!model_stopped || network->state != NETWORK_CREATING);
	assert_true(!model_stopped || waiting == 0);
}

static void check(void)
{
	size_t there = 0;

	for (int i = 0; i < CLIENTS; i++) {
		check_client(&models[i]);
	}
	for (int i = 0; i < NETWORKS; i++) {
		check_network(i);
		there +=
		    get(config_networks[i].name)->state != NETWORK_INACTIVE;
	}
	/* A transaction is open for each that vmnet has, and no other. */
	assert_int_equal(registry_summary(registry).networks, there);
	assert_int_equal(owned_count, there);
}

/* All leave, vmnet answers, time passes: nothing is left. */
static void settle(void)
{
	for (int i = 0; i < CLIENTS; i++) {
		if (models[i].network >= 0) {
			registry_release(&models[i].client.hold);
		}
	}
	while (owned_count > 0) {
		struct backend_network *owned = first();

		if (owned->phase == MADE) {
			advance(LINGER);
		} else if (owned->phase == MAKING) {
			make(owned);
		} else {
			give_back(owned);
		}
	}
	assert_int_equal(registry_summary(registry).networks, 0);
}

static void random_steps_agree_with_a_small_model(void **unused)
{
	for (uint64_t run = 1; run <= 500; run++) {
		tear_down(unused);
		start(run % 4 == 0 ? 0 : LINGER / SECOND);
		random_state = run * UINT64_C(0x9e3779b97f4a7c15);
		memset(models, 0, sizeof(models));
		for (int i = 0; i < CLIENTS; i++) {
			models[i].network = -1;
		}
		model_stopped = false;
		for (int i = 0; i < 2000; i++) {
			step();
			check();
		}
		settle();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_steps_agree_with_a_small_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
