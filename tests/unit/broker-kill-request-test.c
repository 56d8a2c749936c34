// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client broker-kill-fixture run-until-failure

/*
 * S21: a client dies that has asked for a network and does not have it yet. See
 * broker-kill-fixture.h.
 */

#include <standin.h>

#include "broker-kill-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

static void a_client_dies_while_its_network_is_created(void)
{
	standin_hang("vmnet_network_create:1");
	all_ask();
	expect(KILL_NETWORK, "creating", others_count + 1, others_count + 2);
	client_destroy(victim);
	expect_rest("creating");
	standin_unhang();
	expect_held("lingering");
	expect_answers(1, 0);
}

static void a_client_dies_while_the_creation_of_its_network_fails(void)
{
	standin_hang("vmnet_network_create:1");
	standin_fail("vmnet_network_create=1001");
	all_ask();
	client_destroy(victim);
	expect_rest("creating");
	standin_unhang();
	expect(KILL_NETWORK, "absent", 0, others_count + 1);
	expect_answers(0, 1);
}

static void a_client_dies_while_the_creation_of_its_network_times_out(void)
{
	standin_hang("vmnet_network_create:1");
	all_ask();
	client_destroy(victim);
	expect_rest("creating");
	fixture_advance(VMNET_BROKER_VMNET_TIMEOUT * SECOND);
	expect(KILL_NETWORK, "stuck", 0, others_count + 1);
	expect_answers(0, 1);
	standin_unhang();
	expect(KILL_NETWORK, "absent", 0, others_count + 1);
}

static void a_client_dies_that_asked_for_a_stuck_network(void)
{
	standin_hang("vmnet_network_create:1");
	ask_and_wait(victim, KILL_NETWORK);
	fixture_advance(VMNET_BROKER_VMNET_TIMEOUT * SECOND);
	expect(KILL_NETWORK, "stuck", 0, others_count + 2);
	all_ask();
	client_destroy(victim);
	expect(KILL_NETWORK, "stuck", 0, others_count + 1);
	expect_answers(0, 1);
}

static void a_client_dies_while_it_asks(void)
{
	for (int i = 0; i < others_count; i++) {
		ask_and_wait(others[i], KILL_NETWORK);
	}
	ask_later(victim, VMNET_BROKER_COMMAND_ACQUIRE, KILL_NETWORK);
	ask_later(victim, VMNET_BROKER_COMMAND_STATUS, NULL);
	client_destroy(victim);
	if (others_count > 0) {
		expect_rest("held");
	}
	expect_answers(1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KILL_TEST(a_client_dies_while_its_network_is_created),
		KILL_TEST(
		    a_client_dies_while_the_creation_of_its_network_fails),
		KILL_TEST(
		    a_client_dies_while_the_creation_of_its_network_times_out),
		KILL_TEST(a_client_dies_that_asked_for_a_stuck_network),
		KILL_TEST(a_client_dies_while_it_asks),
	};

	fixture_open();
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
