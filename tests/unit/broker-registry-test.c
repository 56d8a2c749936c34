// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/registry.c broker/registry-config.c broker/config.c broker/config-compare.c
// link: broker/subnet.c broker/subnet-plan.c broker/text.c broker/failure.c
// link: broker/log.c

/*
 * The registry, with a vmnet that the test is: it says when a network is made,
 * fails or is given back. Time is a number that the test sets.
 *
 * First each promise by itself, then random steps beside a small model that
 * knows only what must be true of what clients see.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <cmocka.h>

#include "backend.h"
#include "registry.h"

#define SECOND UINT64_C(1000000000)
#define LINGER (5 * SECOND)

/*
 * vmnet.
 */

enum phase { MAKING, MADE, GIVING_BACK };

struct backend_network {
	struct backend_request request;
	const struct backend_events *events;
	void *context;
	enum phase phase;
	bool given_up;
	TAILQ_ENTRY(backend_network) entry;
};

TAILQ_HEAD(owned_list, backend_network);

static struct owned_list owned_all = TAILQ_HEAD_INITIALIZER(owned_all);
static size_t owned_count;
static bool no_memory;

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

/* vmnet has made it. */
static void make(struct backend_network *owned)
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

static void refuse(struct backend_network *owned)
{
	struct failure failure;

	assert_int_equal(owned->phase, MAKING);
	failure_set(&failure, FAILURE_CREATE, "because of the test");
	failure.vmnet_status = 1001;
	gone(owned, &failure);
}

static void give_back(struct backend_network *owned)
{
	assert_int_equal(owned->phase, GIVING_BACK);
	gone(owned, NULL);
}

static struct backend_network *first(void)
{
	assert_false(TAILQ_EMPTY(&owned_all));
	return TAILQ_FIRST(&owned_all);
}

static struct backend_network *last(void)
{
	assert_false(TAILQ_EMPTY(&owned_all));
	return TAILQ_LAST(&owned_all, owned_list);
}

/*
 * The registry around it.
 */

static struct config_network config_networks[] = {
	{ .name = "a", .mode = CONFIG_SHARED, .subnet = { 0xc0a85000, 24 } },
	{ .name = "b",
	    .mode = CONFIG_HOST,
	    .has_subnet = true,
	    .subnet = { 0xc0a86400, 24 } },
	{ .name = "c", .mode = CONFIG_SHARED },
};

#define NETWORKS 3

static struct config config = {
	.networks = config_networks,
	.count = NETWORKS,
};

static uint64_t clock_now;
static unsigned changes;
static struct registry *registry;

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

static void start(uint32_t linger)
{
	const struct registry_options options = {
		.generation = 100,
		.now = now,
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

static int set_up(void **unused)
{
	(void)unused;
	start(LINGER / SECOND);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	assert_int_equal(owned_count, 0);
	registry_destroy(registry);
	return 0;
}

static void advance(uint64_t time)
{
	clock_now += time;
	registry_expire(registry);
}

/*
 * Who holds.
 */

struct client {
	struct hold hold;
	unsigned granted;
	unsigned refused;
	enum failure_status status;
	int64_t vmnet_status;
	char message[FAILURE_MESSAGE];
};

static void hold_done(struct hold *hold, const struct failure *failure)
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

static void acquire(struct client *client, const char *name)
{
	struct network *network = registry_find(registry, name);

	assert_non_null(network);
	assert_null(client->hold.network);
	client->hold.done = hold_done;
	client->hold.context = client;
	client->granted = 0;
	client->refused = 0;
	registry_acquire(network, &client->hold);
}

static const struct network *get(const char *name)
{
	return registry_find(registry, name);
}

static void assert_state(const char *name, enum network_state state)
{
	assert_string_equal(
	    network_state_name(get(name)->state), network_state_name(state));
}

/*
 * Promise by promise.
 */

static void test_find(void **unused)
{
	(void)unused;
	assert_non_null(registry_find(registry, "a"));
	assert_null(registry_find(registry, "d"));
	assert_null(registry_find(registry, ""));
	assert_int_equal(registry_summary(registry).networks, 0);
	assert_true(registry_summary(registry).deadline == UINT64_MAX);
	assert_null(registry_next(registry, NULL));
}

/* Goal: one creation for all who ask, and one result. */
static void test_one_creation(void **unused)
{
	struct client clients[3] = { 0 };

	(void)unused;
	for (int i = 0; i < 3; i++) {
		acquire(&clients[i], "a");
	}
	assert_int_equal(owned_count, 1);
	assert_state("a", NETWORK_CREATING);
	assert_int_equal(clients[0].granted, 0);
	make(first());
	for (int i = 0; i < 3; i++) {
		assert_int_equal(clients[i].granted, 1);
	}
	assert_state("a", NETWORK_HELD);
	assert_int_equal(get("a")->hold_count, 3);
	assert_int_equal(get("a")->generation, 100);

	for (int i = 0; i < 3; i++) {
		registry_release(&clients[i].hold);
	}
	assert_state("a", NETWORK_LINGERING);
	advance(LINGER);
	give_back(first());
}

/* Goal: an acquire within the linger gets the same network; after it, not. */
static void test_linger(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	make(first());
	registry_release(&client.hold);
	assert_true(registry_summary(registry).deadline == clock_now + LINGER);
	advance(LINGER - 1);
	assert_state("a", NETWORK_LINGERING);

	acquire(&client, "a");
	assert_int_equal(client.granted, 1);
	assert_int_equal(get("a")->generation, 100);
	assert_true(registry_summary(registry).deadline == UINT64_MAX);
	advance(1000 * SECOND);
	assert_state("a", NETWORK_HELD);

	registry_release(&client.hold);
	advance(LINGER);
	assert_state("a", NETWORK_RELEASING);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
	assert_true(registry_summary(registry).idle_since == clock_now);

	acquire(&client, "a");
	make(first());
	assert_int_equal(get("a")->generation, 101);
	registry_release(&client.hold);
	advance(LINGER);
	give_back(first());
}

static void test_no_linger(void **unused)
{
	struct client client = { 0 };

	tear_down(unused);
	start(0);
	acquire(&client, "a");
	make(first());
	registry_release(&client.hold);
	assert_state("a", NETWORK_RELEASING);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: whoever asks while it goes waits, and gets a new one. */
static void test_acquire_while_releasing(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	make(first());
	registry_release(&client.hold);
	advance(LINGER);
	acquire(&client, "a");
	assert_int_equal(owned_count, 1);
	assert_int_equal(client.granted, 0);
	give_back(first());
	assert_state("a", NETWORK_CREATING);
	make(first());
	assert_int_equal(client.granted, 1);
	assert_int_equal(get("a")->generation, 101);
	registry_release(&client.hold);
	advance(LINGER);
	give_back(first());
}

/* Goal: and if it has left by then, nothing is made. */
static void test_leave_while_releasing(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	make(first());
	registry_release(&client.hold);
	advance(LINGER);
	acquire(&client, "a");
	registry_release(&client.hold);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: all who ask leave before it is made: it lingers, and goes. */
static void test_leave_while_creating(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	registry_release(&client.hold);
	assert_state("a", NETWORK_CREATING);
	make(first());
	assert_int_equal(client.granted, 0);
	assert_state("a", NETWORK_LINGERING);
	advance(LINGER);
	give_back(first());
}

/* Goal: all who wait are told why, and the next one tries again. */
static void test_failure(void **unused)
{
	struct client clients[2] = { 0 };

	(void)unused;
	acquire(&clients[0], "a");
	acquire(&clients[1], "a");
	refuse(first());
	for (int i = 0; i < 2; i++) {
		assert_int_equal(clients[i].refused, 1);
		assert_int_equal(clients[i].status, FAILURE_CREATE);
		assert_int_equal(clients[i].vmnet_status, 1001);
		assert_string_equal(clients[i].message, "because of the test");
	}
	assert_state("a", NETWORK_INACTIVE);
	acquire(&clients[0], "a");
	make(first());
	assert_int_equal(clients[0].granted, 1);
	registry_release(&clients[0].hold);
	advance(LINGER);
	give_back(first());
}

static void test_no_memory(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	no_memory = true;
	acquire(&client, "a");
	assert_int_equal(client.refused, 1);
	assert_int_equal(client.status, FAILURE_INTERNAL);
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: S20: after 30 s who asks is told; then whoever asks is told at once, and
 * since when it is so; what comes late is given back, and then there is a next
 * one. There is never more than one call for a network. */
static void test_creation_hangs(void **unused)
{
	struct client client = { 0 };
	struct client other = { 0 };

	(void)unused;
	acquire(&client, "a");
	assert_true(
	    registry_summary(registry).deadline == clock_now + 30 * SECOND);
	advance(30 * SECOND - 1);
	assert_int_equal(client.refused, 0);
	advance(1);
	assert_int_equal(client.refused, 1);
	assert_int_equal(client.status, FAILURE_CREATE);
	assert_int_equal(client.vmnet_status, 0);
	assert_state("a", NETWORK_STUCK);

	acquire(&client, "a");
	assert_int_equal(owned_count, 1);
	assert_int_equal(client.refused, 1);
	assert_int_equal(client.status, FAILURE_CREATE);
	assert_non_null(strstr(
	    client.message, "vmnet has not answered for this network since "));
	acquire(&other, "c");
	make(last());
	assert_int_equal(other.granted, 1);

	make(first());
	assert_int_equal(first()->phase, GIVING_BACK);
	assert_state("a", NETWORK_STUCK);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
	acquire(&client, "a");
	make(last());
	assert_int_equal(client.granted, 1);
	registry_release(&client.hold);
	registry_release(&other.hold);
	advance(LINGER);
	give_back(first());
	give_back(first());
}

/* Goal: the failure of a creation that nobody waits for any more is its end. */
static void test_late_failure(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	advance(30 * SECOND);
	refuse(first());
	assert_state("a", NETWORK_INACTIVE);
}

static void test_release_hangs(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	make(first());
	registry_release(&client.hold);
	advance(LINGER);
	acquire(&client, "a");
	advance(8 * SECOND - 1);
	assert_int_equal(client.refused, 0);
	advance(1);
	assert_int_equal(client.refused, 1);
	assert_state("a", NETWORK_STUCK);
	assert_true(registry_summary(registry).deadline == UINT64_MAX);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: a network without a configured subnet prefers its own. */
static void test_request(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	assert_int_equal(first()->request.policy, BACKEND_SUBNET_PREFER);
	assert_int_equal(first()->request.network->subnet.address, 0xc0a85000);
	refuse(first());
	acquire(&client, "b");
	assert_int_equal(first()->request.policy, BACKEND_SUBNET_REQUIRE);
	assert_int_equal(first()->request.network->subnet.address, 0xc0a86400);
	refuse(first());
}

/*
 * Stopping.
 */

/* Goal: S12: who holds keeps it; nobody else gets it; then it goes at once. */
static void test_stop(void **unused)
{
	struct client holder = { 0 };
	struct client lingered = { 0 };
	struct client late = { 0 };

	(void)unused;
	acquire(&holder, "a");
	make(first());
	acquire(&lingered, "b");
	make(last());
	registry_release(&lingered.hold);
	assert_state("b", NETWORK_LINGERING);
	registry_stop(registry, REGISTRY_STOPPING);
	assert_state("b", NETWORK_RELEASING);
	assert_int_equal(registry_summary(registry).held, 1);

	acquire(&late, "a");
	assert_int_equal(late.refused, 1);
	assert_int_equal(late.status, FAILURE_BUSY);
	acquire(&late, "b");
	assert_int_equal(late.refused, 1);
	acquire(&late, "c");
	assert_int_equal(late.refused, 1);
	give_back(last());
	assert_state("b", NETWORK_INACTIVE);

	registry_release(&holder.hold);
	assert_state("a", NETWORK_RELEASING);
	assert_int_equal(registry_summary(registry).held, 0);
	give_back(first());
}

static void test_stop_while_creating(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	registry_stop(registry, REGISTRY_STOPPING);
	assert_int_equal(client.refused, 1);
	assert_int_equal(client.status, FAILURE_BUSY);
	assert_state("a", NETWORK_RELEASING);
	assert_int_equal(registry_summary(registry).networks, 1);
	make(first());
	give_back(first());
	assert_int_equal(registry_summary(registry).networks, 0);
}

static void test_stop_while_releasing(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	make(first());
	registry_release(&client.hold);
	advance(LINGER);
	acquire(&client, "a");
	registry_stop(registry, REGISTRY_STOPPING);
	assert_int_equal(client.refused, 1);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: the end releases everything, whoever holds it, without a word. */
static void test_finish(void **unused)
{
	struct client clients[4] = { 0 };

	(void)unused;
	acquire(&clients[0], "a");
	acquire(&clients[1], "a");
	make(first());
	acquire(&clients[2], "b");
	make(last());
	registry_release(&clients[2].hold);
	acquire(&clients[3], "c");
	registry_finish(registry);
	assert_int_equal(clients[0].refused, 0);
	assert_null(clients[0].hold.network);
	assert_null(clients[1].hold.network);
	assert_int_equal(clients[3].refused, 1);
	assert_int_equal(registry_summary(registry).networks, 3);
	refuse(last());
	give_back(last());
	give_back(last());
	assert_int_equal(registry_summary(registry).networks, 0);
}

/*
 * Random steps, and what must be true after each.
 */

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
	/* It is there while somebody has it or waits, and while it lingers. */
	assert_true(exists || holders + waiting == 0);
	assert_int_equal(exists, network->backend != NULL);
	/* Nobody waits for what is there. */
	assert_true(waiting == 0 || network->state == NETWORK_CREATING ||
	    network->state == NETWORK_RELEASING);
	/* What nobody has goes at some time. */
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

static void test_model(void **unused)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_find),
		TEST(test_one_creation),
		TEST(test_linger),
		TEST(test_no_linger),
		TEST(test_acquire_while_releasing),
		TEST(test_leave_while_releasing),
		TEST(test_leave_while_creating),
		TEST(test_failure),
		TEST(test_no_memory),
		TEST(test_creation_hangs),
		TEST(test_late_failure),
		TEST(test_release_hangs),
		TEST(test_request),
		TEST(test_stop),
		TEST(test_stop_while_creating),
		TEST(test_stop_while_releasing),
		TEST(test_finish),
		TEST(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
