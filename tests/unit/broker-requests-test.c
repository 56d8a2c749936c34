// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * What clients ask, and what they should not send.
 */

#include <stdio.h>
#include <unistd.h>

#include "broker-service-fixture.h"

/* Goal: the serialization as vmnet gave it, and what it means. */
static void an_acquire_gets_the_serialization_and_what_it_means(void **unused)
{
	struct client client;
	xpc_object_t reply = NULL;
	xpc_object_t again = NULL;
	xpc_object_t network = NULL;

	(void)unused;
	connect_client(&client);
	reply = ask(&client, request_create("acquire", "host"));
	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	assert_int_equal(xpc_dictionary_get_count(reply), 2);
	network = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);
	assert_int_equal(xpc_dictionary_get_count(network), 1);
	assert_int_equal(
	    xpc_dictionary_get_uint64(network, "gateway"), 0xc0a85f01);
	assert_info(reply, VMNET_BROKER_INFO_NAME, "host");
	assert_info(reply, VMNET_BROKER_INFO_MODE, "host");
	assert_info(reply, VMNET_BROKER_INFO_SUBNET, "192.168.95.0/24");
	assert_info(reply, VMNET_BROKER_INFO_GATEWAY, "192.168.95.1");
	assert_info(reply, VMNET_BROKER_INFO_MASK, "255.255.255.0");
	assert_info(
	    reply, VMNET_BROKER_INFO_IPV6_PREFIX, "fd12:3456:789a:1::/64");
	network = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);
	assert_int_equal(
	    xpc_dictionary_get_uint64(network, VMNET_BROKER_INFO_MTU), 1500);
	assert_int_not_equal(
	    xpc_dictionary_get_uint64(network, VMNET_BROKER_INFO_GENERATION),
	    0);

	again = ask(&client, request_create("acquire", "host"));
	assert_true(xpc_equal(reply, again));
	assert_network(&client, "host", "held 1");
	assert_int_equal(fake_vmnet_created(), 1);
	wait_until(^bool {
		return fake_vmnet_interfaces() == 1;
	});
	xpc_release(reply);
	xpc_release(again);
	close_client(&client);
}

/* Goal: many share one network, which lives as long as one has it, and 5 s. */
static void many_clients_share_one_network_that_lives_as_long_as_one_has_it(
    void **unused)
{
	struct client clients[10];
	struct client watcher;

	(void)unused;
	connect_client(&watcher);
	for (int i = 0; i < 10; i++) {
		connect_client(&clients[i]);
		assert_acquire(&clients[i], "default", 0);
	}
	assert_network(&watcher, "default", "held 10");
	assert_int_equal(get_broker_status(&watcher).peers, 11);
	for (int i = 0; i < 10; i++) {
		close_client(&clients[i]);
	}
	wait_peers(&watcher, 1);
	assert_network(&watcher, "default", "lingering 0");
	advance(5 * SECOND);
	wait_networks(0);
	assert_int_equal(fake_vmnet_created(), 1);
	close_client(&watcher);
}

static void a_name_that_is_not_configured_is_not_found(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	assert_acquire(&client, "nowhere", FAILURE_NOT_FOUND);
	assert_acquire(&client, "defaul", FAILURE_NOT_FOUND);
	on_queue(^{
		fixture.config.refused = "f:1:2: wrong";
	});
	assert_acquire(&client, "nowhere", FAILURE_CONFIGURATION);
	assert_acquire(&client, "shared", 0);
	close_client(&client);
}

/* Goal: a network whose entry has an error is refused, and others are
 * served. */
static void a_network_whose_entry_is_wrong_is_refused_and_others_are_served(
    void **unused)
{
	const struct config_network good = *config_find(&fixture.config, "n1");
	struct config_network broken = good;
	struct client client;

	(void)unused;
	connect_client(&client);
	broken.problem = "f:2:3: n1: wrong";
	set_network("n1", broken);
	assert_acquire(&client, "n1", FAILURE_CONFIGURATION);
	assert_acquire(&client, "n2", 0);
	set_network("n1", good);
	assert_acquire(&client, "n1", 0);
	close_client(&client);
}

/* Goal: S3: unknown keys are ignored, many and deep. */
static void unknown_keys_are_ignored_many_and_deep(void **unused)
{
	xpc_object_t request = request_create("acquire", "default");
	xpc_object_t deep = xpc_dictionary_create(NULL, NULL, 0);
	struct client client;
	char key[32];

	(void)unused;
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		xpc_dictionary_set_int64(request, key, i);
	}
	for (int i = 0; i < 100; i++) {
		xpc_object_t outer = xpc_dictionary_create(NULL, NULL, 0);

		xpc_dictionary_set_value(outer, "deeper", deep);
		xpc_release(deep);
		deep = outer;
	}
	xpc_dictionary_set_value(request, "deep", deep);
	xpc_release(deep);
	connect_client(&client);
	assert_int_equal(get_status(ask(&client, request)), 0);
	close_client(&client);
}

/* Goal: S4: attached descriptors are closed. tear_down() counts as well. */
static void descriptors_in_a_request_are_closed(void **unused)
{
	struct client client;
	int before = 0;

	(void)unused;
	connect_client(&client);
	assert_acquire(&client, "default", 0);
	before = count_descriptors();
	for (int i = 0; i < 1000; i++) {
		xpc_object_t request = request_create(
		    i % 2 == 0 ? "acquire" : "nothing", "default");

		xpc_dictionary_set_fd(request, "a", STDIN_FILENO);
		xpc_dictionary_set_fd(request, "b", STDOUT_FILENO);
		assert_int_equal(get_status(ask(&client, request)),
		    i % 2 == 0 ? 0 : FAILURE_INVALID_REQUEST);
	}
	wait_until(^bool {
		return count_descriptors() == before;
	});
	close_client(&client);
}

/* Goal: S5: creates nothing, one line, and the peer is dropped. */
static void a_request_without_a_reply_creates_nothing_and_ends_the_client(
    void **unused)
{
	xpc_object_t request = request_create("acquire", "default");
	struct client client;
	struct client watcher;

	(void)unused;
	connect_client(&client);
	xpc_connection_send_message(client.connection, request);
	xpc_connection_send_message(client.connection, request);
	xpc_release(request);
	wait_ended(&client);
	xpc_release(client.connection);
	connect_client(&watcher);
	assert_int_equal(get_broker_status(&watcher).networks, 0);
	assert_int_equal(log_lines, 1);
	assert_int_equal(fake_vmnet_created(), 0);
	close_client(&watcher);
}

/* Goal: S6: one reply to each of many requests, whatever they are. The stand-in
 * aborts on a second. */
static void each_of_many_requests_gets_one_reply(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	connect_client(&client);
	assert_acquire(&client, "host", 0);
	for (int i = 0; i < 1000; i++) {
		acquire_later(&client, &replies,
		    i % 3 == 0       ? "host"
			: i % 3 == 1 ? "nowhere"
				     : "?");
	}
	wait_replies(&replies, 1000);
	assert_int_equal(replies.networks, 334);
	assert_int_equal(replies.refused, 666);
	close_client(&client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_acquire_gets_the_serialization_and_what_it_means),
		TEST(
		    many_clients_share_one_network_that_lives_as_long_as_one_has_it),
		TEST(a_name_that_is_not_configured_is_not_found),
		TEST(
		    a_network_whose_entry_is_wrong_is_refused_and_others_are_served),
		TEST(unknown_keys_are_ignored_many_and_deep),
		TEST(descriptors_in_a_request_are_closed),
		TEST(
		    a_request_without_a_reply_creates_nothing_and_ends_the_client),
		TEST(each_of_many_requests_gets_one_reply),
	};

	return RUN(tests);
}
