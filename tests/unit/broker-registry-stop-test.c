// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-registry-fixture

/*
 * The registry with a vmnet that hangs, and at the end.
 */

#include <string.h>

#include "broker-registry-fixture.h"

/* Goal: S20: after 30 s the request fails; later requests fail at once, with
 * the time since when vmnet has not answered. A network that is created too
 * late is released, and then the next one is created. A network never has more
 * than one call of vmnet at a time. */
static void a_creation_that_hangs_is_given_up_after_30_seconds(void **unused)
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

/* Goal: a creation that fails when no client waits for it any more leaves
 * nothing behind. */
static void a_late_failure_ends_a_creation_that_was_given_up(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire(&client, "a");
	advance(30 * SECOND);
	refuse(first());
	assert_state("a", NETWORK_INACTIVE);
}

static void a_release_that_hangs_is_given_up_after_8_seconds(void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire_during_release(&client, "a");
	advance(8 * SECOND - 1);
	assert_int_equal(client.refused, 0);
	advance(1);
	assert_int_equal(client.refused, 1);
	assert_state("a", NETWORK_STUCK);
	assert_true(registry_summary(registry).deadline == UINT64_MAX);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: S12: a holder keeps the network and no other client gets it; when the
 * holder leaves, the network is released at once. */
static void holders_keep_their_networks_while_the_registry_drains(void **unused)
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

static void a_network_that_is_being_made_is_released_when_draining(
    void **unused)
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

static void a_client_that_waits_for_a_release_is_refused_when_draining(
    void **unused)
{
	struct client client = { 0 };

	(void)unused;
	acquire_during_release(&client, "a");
	registry_stop(registry, REGISTRY_STOPPING);
	assert_int_equal(client.refused, 1);
	give_back(first());
	assert_state("a", NETWORK_INACTIVE);
}

/* Goal: the end releases every network, also held ones, without an event. */
static void the_end_releases_everything_without_a_word(void **unused)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_creation_that_hangs_is_given_up_after_30_seconds),
		TEST(a_late_failure_ends_a_creation_that_was_given_up),
		TEST(a_release_that_hangs_is_given_up_after_8_seconds),
		TEST(holders_keep_their_networks_while_the_registry_drains),
		TEST(a_network_that_is_being_made_is_released_when_draining),
		TEST(
		    a_client_that_waits_for_a_release_is_refused_when_draining),
		TEST(the_end_releases_everything_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
