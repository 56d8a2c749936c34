// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * The anchor, the interface that the broker has on each network, and networks
 * that have none.
 */

#include "anchor.h"
#include "broker-service-fixture.h"

/* Goal: the network is handed out and released, whatever the anchor does. */
static void a_network_is_served_and_goes_whatever_becomes_of_the_anchor(
    void **unused)
{
	(void)unused;
	for (int start_mode = START_WELL; start_mode < START_SILENT;
	     start_mode++) {
		for (int stop_mode = STOP_WELL; stop_mode <= STOP_TWICE;
		     stop_mode++) {
			fake_vmnet.start = (enum fake_start)start_mode;
			fake_vmnet.stop = (enum fake_stop)stop_mode;
			assert_client_can_acquire("default");
			wait_no_clients();
			advance(5 * SECOND);
			wait_networks(0);
		}
	}
}

/* Goal: an anchor whose start is never answered delays no client. */
static void an_anchor_whose_start_is_never_answered_delays_nobody(void **unused)
{
	struct client client;

	(void)unused;
	fake_vmnet.start = START_SILENT;
	assert_client_can_acquire("default");
	wait_no_clients();
	connect_client(&client);
	advance(5 * SECOND);
	assert_network(&client, "default", "releasing 0");
	advance(ANCHOR_STOP_TIMEOUT * SECOND - 1);
	assert_network(&client, "default", "releasing 0");
	advance(1);
	wait_log("did not stop the anchor");
	wait_networks(0);
	/* vmnet still owes an answer: the next one is served without. */
	assert_acquire(&client, "default", 0);
	wait_log("has not finished a call for the previous one");
	/* The answer comes when the network is long gone, and is a failure. */
	assert_true(fake_vmnet_answer());
	wait_log("could not start it");
	close_client(&client);
}

/* Goal: if vmnet never reports that the anchor has stopped, the network is
 * released after 3 s, and clients that waited get a new one. */
static void an_anchor_that_never_stops_delays_the_release_by_3_seconds(
    void **unused)
{
	struct client client;
	struct replies replies = { 0 };

	(void)unused;
	fake_vmnet.stop = STOP_SILENT;
	assert_client_can_acquire("default");
	wait_no_clients();
	advance(5 * SECOND);
	connect_client(&client);
	acquire_later(&client, &replies, "default");
	assert_network(&client, "default", "releasing 1");
	assert_int_equal(replies.networks, 0);
	fake_vmnet.stop = STOP_WELL;
	advance(ANCHOR_STOP_TIMEOUT * SECOND);
	wait_replies(&replies, 1);
	assert_int_equal(replies.networks, 1);
	wait_networks(1);
	assert_int_equal(fake_vmnet_created(), 2);
	assert_true(fake_vmnet_answer());
	close_client(&client);
}

/* Goal: a network may have a linger of its own, and no anchor: then nothing has
 * to stop before it is released. */
static void a_network_has_a_linger_of_its_own_and_may_have_no_anchor(
    void **unused)
{
	struct config_network before = *config_find(&fixture.config, "default");
	struct config_network network = before;
	struct client client;

	(void)unused;
	network.linger = 30;
	network.off = CONFIG_ANCHOR;
	set_network("default", network);
	fake_vmnet.stop = STOP_SILENT;
	assert_client_can_acquire("default");
	wait_no_clients();
	connect_client(&client);
	advance(30 * SECOND - 1);
	assert_network(&client, "default", "lingering 0");
	advance(1);
	wait_networks(0);
	network.linger = 0;
	set_network("default", network);
	close_client(&client);
	assert_client_can_acquire("default");
	wait_networks(0);
	set_network("default", before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(
		    a_network_is_served_and_goes_whatever_becomes_of_the_anchor),
		TEST(an_anchor_whose_start_is_never_answered_delays_nobody),
		TEST(
		    an_anchor_that_never_stops_delays_the_release_by_3_seconds),
		TEST(a_network_has_a_linger_of_its_own_and_may_have_no_anchor),
	};

	return RUN(tests);
}
