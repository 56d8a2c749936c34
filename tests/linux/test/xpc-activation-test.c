// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * Connections begin: activation, suspension, and how a peer appears. The
 * numbers are those of the list in tests/linux/xpc/README.md.
 */

#include "xpc-fixture-standin.h"

static void rule_01_nothing_is_delivered_before_activation(void **state)
{
	struct mailbox events = MAILBOX;
	struct listener listener;
	struct mailbox client_events = MAILBOX;
	xpc_connection_t client, peer;

	(void)state;
	listener_open(&listener, NULL);
	listener.passive = true;
	client = client_open(listener.endpoint, &client_events);
	send_number(client, 1);
	send_number(client, 2);
	peer = mailbox_get(&listener.events);
	connection_record(peer, &events);
	mailbox_expect_nothing(&events);
	xpc_connection_activate(peer);
	xpc_connection_activate(peer); /* has no effect */
	mailbox_expect_number(&events, 1);
	mailbox_expect_number(&events, 2);
	client_close(client, &client_events);
	mailbox_expect(&events, INVALID);
	xpc_release(peer);
	listener_close(&listener);
	mailbox_free(&events);
}

static void rule_01_nothing_is_sent_before_activation(void **state)
{
	struct mailbox peers = MAILBOX, events = MAILBOX;
	struct listener listener;
	xpc_connection_t client;

	(void)state;
	listener_open(&listener, &peers);
	client = xpc_connection_create_from_endpoint(listener.endpoint);
	connection_record(client, &events);
	send_number(client, 1);
	mailbox_expect_nothing(&listener.events);
	xpc_connection_resume(client); /* the old word for activate */
	mailbox_expect_number(&peers, 1);
	client_close(client, &events);
	mailbox_expect(&peers, INVALID);
	listener_close(&listener);
	mailbox_free(&peers);
}

static void rule_01_suspension_is_counted(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair);
	xpc_connection_suspend(pair.server);
	xpc_connection_suspend(pair.server);
	send_number(pair.client, 1);
	send_number(pair.server, 2);
	xpc_connection_resume(pair.server);
	mailbox_expect_nothing(&pair.server_events);
	mailbox_expect_nothing(&pair.client_events);
	xpc_connection_resume(pair.server);
	mailbox_expect_number(&pair.server_events, 1);
	mailbox_expect_number(&pair.client_events, 2);
	pair_close(&pair);
}

static void rule_01_misuse_aborts(void **state)
{
	(void)state;
	expect_misuse("resume-too-often", "not suspended");
	expect_misuse("release-inactive", "never activated");
	expect_misuse("release-suspended", "suspended connection");
	expect_misuse("no-handler", "no event handler");
}

static void rule_03_listener_gets_connections_then_an_error(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair);
	assert_ptr_equal(xpc_get_type(pair.server), XPC_TYPE_CONNECTION);
	assert_null(xpc_connection_get_name(pair.server));
	xpc_connection_cancel(pair.listener.connection);
	mailbox_expect(&pair.listener.events, INVALID);
	/* "...cancels the listener connection": the clients hear of it. */
	mailbox_expect(&pair.client_events, INVALID);
	mailbox_put(&pair.listener.events, INVALID); /* for pair_close() */
	pair_close(&pair);
}

static void rule_03_a_peer_appears_with_its_first_message(void **state)
{
	struct mailbox peers = MAILBOX, events = MAILBOX;
	struct listener listener;
	xpc_connection_t client;

	(void)state;
	listener_open(&listener, &peers);
	client = client_open(listener.endpoint, &events);
	mailbox_expect_nothing(&listener.events);
	send_number(client, 1);
	mailbox_expect_number(&peers, 1);
	client_close(client, &events);
	mailbox_expect(&peers, INVALID);
	listener_close(&listener);
	mailbox_free(&peers);
}

static void rule_03_a_refused_peer_is_disposed_of(void **state)
{
	struct mailbox events = MAILBOX;
	struct listener listener;
	xpc_connection_t client, peer;

	(void)state;
	listener_open(&listener, NULL);
	listener.passive = true;
	client = client_open(listener.endpoint, &events);
	send_number(client, 1);
	peer = mailbox_get(&listener.events);
	xpc_connection_cancel(peer);
	xpc_release(peer);
	mailbox_expect(&events, INVALID);
	xpc_release(client);
	mailbox_free(&events);
	listener_close(&listener);
	wait_alive("connection", 0);
}

static int misuse(const char *name)
{
	struct pair pair;

	pair_open(&pair);
	if (strcmp(name, "resume-too-often") == 0) {
		xpc_connection_resume(pair.client);
	} else if (strcmp(name, "release-inactive") == 0) {
		xpc_release(
		    xpc_connection_create_mach_service(SERVICE, NULL, 0));
	} else if (strcmp(name, "release-suspended") == 0) {
		xpc_connection_suspend(pair.client);
		xpc_release(pair.client);
	} else if (strcmp(name, "no-handler") == 0) {
		xpc_connection_activate(xpc_connection_create_from_endpoint(
		    pair.listener.endpoint));
	}
	return 2;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rule_01_nothing_is_delivered_before_activation),
		cmocka_unit_test(rule_01_nothing_is_sent_before_activation),
		cmocka_unit_test(rule_01_suspension_is_counted),
		cmocka_unit_test(rule_01_misuse_aborts),
		cmocka_unit_test(
		    rule_03_listener_gets_connections_then_an_error),
		cmocka_unit_test(rule_03_a_peer_appears_with_its_first_message),
		cmocka_unit_test(rule_03_a_refused_peer_is_disposed_of),
	};

	fixture_start();
	if (argc == 3 && strcmp(argv[1], "misuse") == 0) {
		return misuse(argv[2]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
