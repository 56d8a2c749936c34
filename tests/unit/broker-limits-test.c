// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * How much a client, a user and all together may ask for and hold.
 */

#include <standin.h>

#include "broker-service-fixture.h"

/* Goal: S8: the fifth unanswered request is refused; the others are served. */
static void the_fifth_unanswered_request_is_refused(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&client);
	for (int i = 0; i < 4; i++) {
		acquire_later(&client, &replies, "default");
	}
	assert_acquire(&client, "default", FAILURE_BUSY);
	assert_int_equal(
	    get_status(ask(&client, request_create("x", NULL))), FAILURE_BUSY);
	standin_unhang();
	wait_replies(&replies, 4);
	assert_int_equal(replies.networks, 4);
	assert_network(&client, "default", "held 1");
	close_client(&client);
}

/* Goal: S10: eight networks a peer; also when they could not be made. */
static void a_client_holds_eight_networks(void **unused)
{
	static const char *const names[] = { "default", "host", "shared", "n1",
		"n2", "n3", "n4", "n5", "n6" };
	struct client client;

	(void)unused;
	connect_client(&client);
	standin_fail("vmnet_network_create=1001");
	for (int i = 0; i < 9; i++) {
		assert_acquire(&client, names[i], FAILURE_CREATE);
	}
	standin_fail(NULL);
	for (int i = 0; i < 8; i++) {
		assert_acquire(&client, names[i], 0);
	}
	assert_acquire(&client, names[8], FAILURE_BUSY);
	assert_acquire(&client, names[0], 0);
	close_client(&client);
}

static void connect_many(struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		connect_client(&clients[i]);
		assert_acquire(&clients[i], "default", 0);
	}
}

static void close_many(struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		close_client(&clients[i]);
	}
}

/* Goal: S10: one user's 257th client is refused whenever it asks, until there
 * is room; other users are served. */
static void a_user_has_256_clients_and_others_are_served(void **unused)
{
	static struct client clients[VMNET_BROKER_MAX_PEERS_PER_USER];
	struct client more;
	struct client other;

	(void)unused;
	connect_many(clients, VMNET_BROKER_MAX_PEERS_PER_USER);
	connect_client(&more);
	assert_acquire(&more, "default", FAILURE_BUSY);
	assert_acquire(&more, "default", FAILURE_BUSY);
	peer_uid = USER + 1;
	connect_client(&other);
	assert_acquire(&other, "default", 0);
	assert_int_equal(get_broker_status(&other).peers,
	    VMNET_BROKER_MAX_PEERS_PER_USER + 1);
	close_client(&clients[0]);
	wait_peers(&other, VMNET_BROKER_MAX_PEERS_PER_USER);
	assert_acquire(&more, "default", 0);
	close_many(clients + 1, VMNET_BROKER_MAX_PEERS_PER_USER - 1);
	close_client(&more);
	close_client(&other);
}

/* There is room for one more that is refused, once those that went are gone. */
static bool is_refused_again(void)
{
	struct client client;
	int64_t status;

	connect_client(&client);
	status = acquire(&client, "default");
	close_client(&client);
	assert_true(status == FAILURE_BUSY || status == -1);
	return status == FAILURE_BUSY;
}

/* Goal: S10: four users and all their clients do not lock root out; what is
 * refused is bounded as well. */
static void root_is_served_when_all_places_of_users_are_taken(void **unused)
{
	static struct client clients[VMNET_BROKER_MAX_PEERS];
	const size_t most =
	    VMNET_BROKER_MAX_PEERS - VMNET_BROKER_PEERS_KEPT_FOR_ROOT;
	struct client refused[65];
	struct replies replies = { 0 };

	(void)unused;
	for (size_t i = 0; i < most; i++) {
		peer_uid = USER + (unsigned)i / 256;
		connect_many(&clients[i], 1);
	}
	for (size_t i = 0; i < 64; i++) {
		connect_client(&refused[i]);
		assert_acquire(&refused[i], "default", FAILURE_BUSY);
	}
	connect_client(&refused[64]);
	acquire_later(&refused[64], &replies, "default");
	wait_ended(&refused[64]);
	peer_uid = 0;
	connect_many(&clients[most], VMNET_BROKER_PEERS_KEPT_FOR_ROOT);
	close_many(refused, 64);
	xpc_release(refused[64].connection);
	wait_peers(&clients[most], VMNET_BROKER_MAX_PEERS);
	wait_until(^bool {
		return is_refused_again();
	});
	close_many(clients, VMNET_BROKER_MAX_PEERS);
}

/* Goal: S7: a client that sends many messages in one go yields to the others,
 * each 16, and is answered all the same; also when it goes meanwhile. */
static void a_client_that_sends_many_messages_yields_after_16(void **unused)
{
	struct replies replies = { 0 };
	struct client greedy;

	(void)unused;
	connect_client(&greedy);
	turns = 0;
	for (int i = 0; i < 160; i++) {
		acquire_later(&greedy, &replies, "nowhere");
	}
	wait_replies(&replies, 160);
	assert_int_equal(turns, 10);
	for (int i = 0; i < 160; i++) {
		acquire_later(&greedy, &replies, "nowhere");
	}
	close_client(&greedy);
	wait_replies(&replies, 320);
	assert_client_can_acquire("default");
}

/* Goal: S11: a client without a network is disconnected after 60 s; a holder is
 * not. */
static void a_client_that_holds_nothing_is_dropped_after_60_seconds(
    void **unused)
{
	struct client holder;
	struct client idle;

	(void)unused;
	connect_client(&holder);
	connect_client(&idle);
	assert_acquire(&holder, "default", 0);
	assert_acquire(&idle, "nowhere", FAILURE_NOT_FOUND);
	advance(59 * SECOND);
	assert_acquire(&idle, "nowhere", FAILURE_NOT_FOUND);
	advance(59 * SECOND);
	assert_int_equal(get_broker_status(&holder).peers, 2);
	assert_int_equal(idle.ended, 0);
	advance(1 * SECOND);
	wait_ended(&idle);
	/* The client may get the event before the broker does. */
	wait_peers(&holder, 1);
	advance(1000 * SECOND);
	assert_network(&holder, "default", "held 1");
	xpc_release(idle.connection);
	close_client(&holder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_fifth_unanswered_request_is_refused),
		TEST(a_client_holds_eight_networks),
		TEST(a_user_has_256_clients_and_others_are_served),
		TEST(root_is_served_when_all_places_of_users_are_taken),
		TEST(a_client_that_sends_many_messages_yields_after_16),
		TEST(a_client_that_holds_nothing_is_dropped_after_60_seconds),
	};

	return RUN(tests);
}
