// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * How the broker ends: asked to, idle, or without its listener.
 */

#include <standin.h>

#include "broker-service-fixture.h"

/* Goal: S11: a client that holds nothing does not keep the broker running. */
static void a_client_that_holds_nothing_does_not_keep_the_broker(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	get_broker_status(&client);
	stop();
	wait_done(0);
	close_client(&client);
}

/* Goal: what lingers is released before the end. */
static void lingering_networks_are_released_before_the_end(void **unused)
{
	(void)unused;
	assert_client_can_acquire("default");
	stop();
	wait_done(0);
	assert_int_equal(fake_vmnet_created(), 1);
}

/* Goal: S12: a holder defers the exit; status reports that; other clients are
 * refused. */
static void a_holder_defers_the_end_and_nobody_else_gets_in(void **unused)
{
	struct client holder;
	struct client late;

	(void)unused;
	connect_client(&holder);
	assert_acquire(&holder, "default", 0);
	stop();
	connect_client(&late);
	assert_true(get_broker_status(&late).stopping);
	assert_acquire(&late, "default", FAILURE_BUSY);
	assert_acquire(&late, "host", FAILURE_BUSY);
	assert_acquire(&holder, "host", FAILURE_BUSY);
	assert_acquire(&holder, "default", 0);
	advance(1000 * SECOND);
	assert_int_equal(fixture.done, 0);
	stop();
	assert_acquire(&holder, "default", 0);
	assert_int_equal(fixture.done, 0);
	close_client(&holder);
	wait_done(0);
	close_client(&late);
}

/* Goal: a network that is being created during the stop is released, although
 * clients waited for it. */
static void a_network_that_is_being_made_is_released_at_the_end(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&client);
	acquire_later(&client, &replies, "default");
	get_broker_status(&client);
	stop();
	assert_int_equal(fixture.done, 0);
	standin_unhang();
	wait_done(0);
	/* Not a word: it is to ask the next broker. */
	assert_int_equal(replies.refused + replies.networks, 0);
	close_client(&client);
	wait_replies(&replies, 1);
}

/* Goal: a vmnet that hangs delays the end for 8 s, and no more. */
static void a_vmnet_that_hangs_delays_the_end_by_8_seconds(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&client);
	acquire_later(&client, &replies, "default");
	get_broker_status(&client);
	stop();
	advance(8 * SECOND - 1);
	assert_int_equal(fixture.done, 0);
	advance(1);
	wait_until(^bool {
		return fixture.done == 1;
	});
	assert_int_equal(fixture.exit_status, 1);
	close_client(&client);
	wait_replies(&replies, 1);
	standin_unhang();
	wait_log("network default: released");
}

/* Goal: without a network for 120 s the broker is done; not before, and not
 * before its first client: KeepAlive would only start it again. */
static void the_broker_ends_after_120_seconds_without_a_network(void **unused)
{
	(void)unused;
	advance(1000 * SECOND);
	assert_int_equal(fixture.done, 0);
	advance(60 * SECOND);
	assert_client_can_acquire("default");
	wait_no_clients();
	advance(5 * SECOND);
	wait_log("network default: released");
	advance(120 * SECOND - 1);
	assert_int_equal(fixture.done, 0);
	advance(1);
	wait_done(0);
}

/* Goal: without its listener a broker ends. */
static void the_broker_ends_without_its_listener(void **unused)
{
	(void)unused;
	xpc_connection_cancel(fixture.listener);
	wait_done(1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_client_that_holds_nothing_does_not_keep_the_broker),
		TEST(lingering_networks_are_released_before_the_end),
		TEST(a_holder_defers_the_end_and_nobody_else_gets_in),
		TEST(a_network_that_is_being_made_is_released_at_the_end),
		TEST(a_vmnet_that_hangs_delays_the_end_by_8_seconds),
		TEST(the_broker_ends_after_120_seconds_without_a_network),
		TEST(the_broker_ends_without_its_listener),
	};

	return RUN(tests);
}
