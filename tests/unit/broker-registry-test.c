// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-registry-fixture

/*
 * Each promise of the registry by itself: which client gets a network, and when
 * it is released.
 */

#include "broker-registry-fixture.h"

static void only_configured_networks_are_found_and_none_is_active(void **unused)
{
	(void)unused;
	assert_non_null(registry_find(registry, "a"));
	assert_null(registry_find(registry, "d"));
	assert_null(registry_find(registry, ""));
	assert_int_equal(registry_summary(registry).networks, 0);
	assert_true(registry_summary(registry).deadline == UINT64_MAX);
	assert_null(registry_next(registry, NULL));
}

/* Goal: one creation for all clients that ask, and one result. */
static void all_who_ask_share_one_creation_and_its_result(void **unused)
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
static void a_lingering_network_is_granted_again_until_its_linger_ends(
    void **unused)
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

static void without_a_linger_a_network_is_released_at_once(void **unused)
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

/* Goal: a client that asks during the release waits, and gets a new network. */
static void a_request_during_the_release_gets_a_new_network(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire_during_release(&client, "a");
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
static void a_client_that_leaves_during_the_release_causes_no_creation(
    void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire_during_release(&client, "a");
	registry_release(&client.hold);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: if all clients leave before the network is created, it lingers and is
 * released. */
static void a_network_that_all_left_while_it_was_made_lingers(void **unused)
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

/* Goal: all waiting clients get the reason, and the next request tries
 * again. */
static void all_who_wait_are_told_why_and_the_next_one_tries_again(
    void **unused)
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

static void without_memory_the_client_is_refused(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	no_memory = true;
	acquire(&client, "a");
	assert_int_equal(client.refused, 1);
	assert_int_equal(client.status, FAILURE_INTERNAL);
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: a network without a configured subnet prefers its own. */
static void a_network_without_a_configured_subnet_prefers_its_own(void **unused)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_configured_networks_are_found_and_none_is_active),
		TEST(all_who_ask_share_one_creation_and_its_result),
		TEST(
		    a_lingering_network_is_granted_again_until_its_linger_ends),
		TEST(without_a_linger_a_network_is_released_at_once),
		TEST(a_request_during_the_release_gets_a_new_network),
		TEST(
		    a_client_that_leaves_during_the_release_causes_no_creation),
		TEST(a_network_that_all_left_while_it_was_made_lingers),
		TEST(all_who_wait_are_told_why_and_the_next_one_tries_again),
		TEST(without_memory_the_client_is_refused),
		TEST(a_network_without_a_configured_subnet_prefers_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
