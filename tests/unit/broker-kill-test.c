// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client broker-kill-fixture run-until-failure

/*
 * S21: a client dies that has networks, or had one. See broker-kill-fixture.h.
 */

#include <standin.h>

#include "broker-kill-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

static void a_holder_dies(void)
{
	all_ask();
	expect(KILL_NETWORK, "held", others_count + 1, others_count + 2);
	client_destroy(victim);
	expect_held("lingering");
	expect_answers(1, 0);
}

static void a_holder_dies_while_it_asks_for_more(void)
{
	all_ask();
	expect(KILL_NETWORK, "held", others_count + 1, others_count + 2);
	for (int i = 0; i < 3; i++) {
		ask_later(victim, VMNET_BROKER_COMMAND_ACQUIRE, KILL_NETWORK);
		ask_later(victim, VMNET_BROKER_COMMAND_STATUS, NULL);
		ask_later(victim, VMNET_BROKER_COMMAND_ACQUIRE, "nowhere");
	}
	client_destroy(victim);
	expect_held("lingering");
}

static void a_holder_of_eight_networks_dies(void)
{
	for (int i = 0; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		ask_and_wait(victim, fixture_network((size_t)i));
	}
	for (int i = 0; i < others_count; i++) {
		ask_and_wait(others[i], KILL_NETWORK);
	}
	expect(KILL_NETWORK, "held", others_count + 1, others_count + 2);
	wait_reply(victim);
	assert_int_equal(victim->granted, VMNET_BROKER_MAX_NETWORKS_PER_PEER);
	client_destroy(victim);
	expect_held("lingering");
	for (int i = 1; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		expect(fixture_network((size_t)i), "lingering", 0,
		    others_count + 1);
	}
}

static void a_holder_of_a_network_that_lingered_dies(void)
{
	leave_lingering();
	all_ask();
	client_destroy(victim);
	expect_held("lingering");
	expect_answers(1, 0);
	assert_int_equal(fake_vmnet_created(), 1);
}

static void a_client_dies_while_its_network_is_released(void)
{
	fake_vmnet.stop = STOP_SILENT;
	leave_lingering();
	fixture_advance(5 * SECOND);
	expect(KILL_NETWORK, "releasing", 0, others_count + 2);
	all_ask();
	expect(KILL_NETWORK, "releasing", others_count + 1, others_count + 2);
	client_destroy(victim);
	expect_rest("releasing");
	fake_vmnet.stop = STOP_WELL;
	while (!fake_vmnet_answer()) {
		fixture_run();
	}
	expect_held("absent");
	expect_answers(1, 0);
}

static void a_holder_dies_while_the_broker_drains(void)
{
	all_ask();
	expect(KILL_NETWORK, "held", others_count + 1, others_count + 2);
	fixture_stop(service_drain);
	client_destroy(victim);
	if (others_count > 0) {
		expect_rest("held");
	}
}

static void a_holder_dies_while_the_broker_shuts_down(void)
{
	all_ask();
	expect(KILL_NETWORK, "held", others_count + 1, others_count + 2);
	fixture_stop(service_shut_down);
	client_destroy(victim);
	fixture_advance(VMNET_BROKER_STOP_TIMEOUT * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KILL_TEST(a_holder_dies),
		KILL_TEST(a_holder_dies_while_it_asks_for_more),
		KILL_TEST(a_holder_of_eight_networks_dies),
		KILL_TEST(a_holder_of_a_network_that_lingered_dies),
		KILL_TEST(a_client_dies_while_its_network_is_released),
		KILL_TEST(a_holder_dies_while_the_broker_drains),
		KILL_TEST(a_holder_dies_while_the_broker_shuts_down),
	};

	fixture_open();
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
