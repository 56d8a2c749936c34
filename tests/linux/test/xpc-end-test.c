// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// platforms: linux macos
// link: tests/linux/test/xpc-fixture.c tests/linux/test/xpc-fixture-mailbox.c

/*
 * Connections end: the other side goes, or this one cancels. The numbers are
 * those of the list in tests/linux/xpc/README.md.
 */

#include "xpc-fixture.h"

static void rule_07_an_endpoint_that_is_gone_is_invalid(void **state)
{
	struct mailbox answers = MAILBOX;
	xpc_object_t request;
	struct pair pair;

	(void)state;
	pair_open(&pair);
	ask(pair.client, &answers);
	request = mailbox_get(&pair.server_events);
	xpc_connection_cancel(pair.server);
	mailbox_expect(&answers, INVALID);
	mailbox_expect(&pair.client_events, INVALID);
	/* What is sent now answers at once. */
	ask(pair.client, &answers);
	mailbox_expect(&answers, INVALID);
	mailbox_expect_nothing(&pair.client_events);
	xpc_release(request);
	mailbox_free(&answers);
	pair_close(&pair);
}

static void rule_08_the_client_goes(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair);
	xpc_connection_suspend(pair.server);
	for (int i = 0; i < MANY; i++) {
		send_number(pair.client, i);
	}
	xpc_connection_cancel(pair.client);
	mailbox_expect(&pair.client_events, INVALID);
	xpc_connection_resume(pair.server);
	for (int i = 0; i < MANY; i++) {
		mailbox_expect_number(&pair.server_events, i);
	}
	mailbox_expect(&pair.server_events, INVALID);
	mailbox_expect_nothing(&pair.server_events);
	assert_int_equal(flag_get(&pair.gone), 0);
	/* The runtime has released it; this is the last reference. */
	xpc_release(pair.server);
	pair.server = NULL;
	flag_wait(&pair.gone, 1);
	pair_close(&pair);
}

static void rule_09_cancel_ends_everything_once(void **state)
{
	struct mailbox answers = MAILBOX;
	struct flag *barriers = &(struct flag)FLAG;
	xpc_object_t request;
	struct pair pair;

	(void)state;
	pair_open(&pair);
	ask(pair.client, &answers);
	request = mailbox_get(&pair.server_events);
	xpc_connection_suspend(pair.client);
	send_number(pair.client, 1); /* never sent */
	xpc_connection_send_barrier(pair.client, ^{
		flag_add(barriers);
	});
	xpc_connection_cancel(pair.client);
	xpc_connection_cancel(pair.client);
	flag_wait(barriers, 1);
	mailbox_expect(&answers, INVALID);
	xpc_release(request);
	xpc_connection_resume(pair.client);
	mailbox_expect(&pair.client_events, INVALID);
	mailbox_expect(&pair.server_events, INVALID);
	/* "...it will be invoked immediately." */
	xpc_connection_send_barrier(pair.client, ^{
		flag_add(barriers);
	});
	flag_wait(barriers, 2);
	send_number(pair.client, 2);
	mailbox_expect_nothing(&pair.server_events);
	mailbox_expect_nothing(&pair.client_events);
	mailbox_free(&answers);
	pair_close(&pair);
}

/* What is queued for a handler is not delivered after a cancel. */
static void rule_09_cancel_in_the_handler(void **state)
{
	struct mailbox *events = &(struct mailbox)MAILBOX;
	struct pair pair;
	xpc_connection_t server;

	(void)state;
	pair_open(&pair);
	server = pair.server;
	xpc_connection_suspend(server);
	xpc_connection_set_event_handler(server, ^(xpc_object_t event) {
		mailbox_put(events, event);
		/* While a handler runs nothing is sent: this is dropped. */
		send_number(server, 9);
		xpc_connection_cancel(server);
	});
	send_number(pair.client, 1);
	send_number(pair.client, 2);
	settle(); /* both are there now */
	xpc_connection_resume(server);
	mailbox_expect_number(events, 1);
	mailbox_expect(events, INVALID);
	mailbox_expect(&pair.client_events, INVALID);
	mailbox_expect_nothing(events);
	mailbox_free(events);
	pair_close(&pair);
}

static void rule_09_a_cancelled_connection_hears_it_when_activated(void **state)
{
	struct mailbox peers = MAILBOX, events = MAILBOX;
	struct listener listener;
	xpc_connection_t client;
	char *reason;

	(void)state;
	listener_open(&listener, &peers);
	client = xpc_connection_create_from_endpoint(listener.endpoint);
	connection_record(client, &events);
	reason = xpc_connection_copy_invalidation_reason(client);
	assert_null(reason);
	xpc_connection_cancel(client);
	mailbox_expect_nothing(&events);
	xpc_connection_activate(client);
	mailbox_expect(&events, INVALID);
	reason = xpc_connection_copy_invalidation_reason(client);
	assert_non_null(reason);
	free(reason);
	xpc_release(client);
	listener_close(&listener);
	mailbox_free(&events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_07_an_endpoint_that_is_gone_is_invalid),
		cmocka_unit_test(rule_08_the_client_goes),
		cmocka_unit_test(rule_09_cancel_ends_everything_once),
		cmocka_unit_test(rule_09_cancel_in_the_handler),
		cmocka_unit_test(
		    rule_09_a_cancelled_connection_hears_it_when_activated),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
