// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// platforms: linux macos
// link: tests/linux/test/xpc-fixture.c tests/linux/test/xpc-fixture-mailbox.c

/*
 * Requests and their replies, and waiting for one. The numbers are those of the
 * list in tests/linux/xpc/README.md.
 */

#include "xpc-fixture.h"

static void rule_06_replies_match_their_requests(void **state)
{
	struct mailbox answers[MANY];
	xpc_object_t requests[MANY];
	struct pair pair;

	(void)state;
	pair_open(&pair);
	for (int i = 0; i < MANY; i++) {
		answers[i] = (struct mailbox)MAILBOX;
		ask(pair.client, &answers[i]);
	}
	for (int i = 0; i < MANY; i++) {
		requests[i] = mailbox_get(&pair.server_events);
	}
	for (int i = MANY - 1; i >= 0; i--) { /* in another order */
		answer(requests[i], i);
	}
	for (int i = 0; i < MANY; i++) {
		mailbox_expect_number(&answers[i], i);
		mailbox_free(&answers[i]);
	}
	mailbox_expect_nothing(&pair.client_events);
	pair_close(&pair);
}

/* The server asks and the client answers: nothing differs. */
static void rule_06_both_sides_can_ask(void **state)
{
	struct mailbox answers = MAILBOX;
	struct pair pair;

	(void)state;
	pair_open(&pair);
	ask(pair.server, &answers);
	serve_one(&pair.client_events, 7);
	mailbox_expect_number(&answers, 7);
	mailbox_free(&answers);
	pair_close(&pair);
}

static void rule_06_one_reply_for_a_request_none_for_a_message(void **state)
{
	struct mailbox answers = MAILBOX;
	struct pair pair;
	xpc_object_t request, reply, own = message_create(1);

	(void)state;
	pair_open(&pair);
	assert_null(xpc_dictionary_create_reply(own));
	assert_null(xpc_dictionary_get_remote_connection(own));
	xpc_release(own);
	send_number(pair.client, 1);
	request = mailbox_get(&pair.server_events);
	assert_null(xpc_dictionary_create_reply(request));
	assert_ptr_equal(
	    xpc_dictionary_get_remote_connection(request), pair.server);
	xpc_release(request);
	ask(pair.client, &answers);
	request = mailbox_get(&pair.server_events);
	reply = xpc_dictionary_create_reply(request);
	assert_non_null(reply);
	assert_null(xpc_dictionary_create_reply(request));
	assert_null(xpc_dictionary_create_reply(reply));
	xpc_dictionary_set_int64(reply, "n", 3);
	xpc_connection_send_message(pair.server, reply);
	xpc_release(reply);
	assert_null(xpc_dictionary_create_reply(request));
	xpc_release(request);
	mailbox_expect_number(&answers, 3);
	mailbox_free(&answers);
	pair_close(&pair);
}

static void rule_06_a_dropped_request_is_told(void **state)
{
	struct mailbox answers = MAILBOX;
	struct pair pair;
	xpc_object_t request;

	(void)state;
	pair_open(&pair);
	ask(pair.client, &answers);
	request = mailbox_get(&pair.server_events);
	mailbox_expect_nothing(&answers);
	xpc_release(xpc_dictionary_create_reply(request));
	mailbox_expect(&answers, INTERRUPTED);
	assert_null(xpc_dictionary_create_reply(request));
	xpc_release(request);
	ask(pair.client, &answers);
	xpc_release(mailbox_get(&pair.server_events));
	mailbox_expect(&answers, INTERRUPTED);
	/* The connection still works. */
	mailbox_expect_nothing(&answers);
	mailbox_expect_nothing(&pair.client_events);
	mailbox_free(&answers);
	pair_close(&pair);
}

/* The handler of a connection may wait for a reply of another one. */
static void rule_10_sync_on_another_connection_is_fine(void **state)
{
	struct mailbox *answers = &(struct mailbox)MAILBOX;
	struct pair one, other;
	xpc_connection_t client;

	(void)state;
	pair_open(&one);
	pair_open(&other);
	client = other.client;
	xpc_connection_set_event_handler(one.server, ^(xpc_object_t event) {
		xpc_object_t reply;

		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			reply = xpc_connection_send_message_with_reply_sync(
			    client, event);
			mailbox_put(answers, reply);
			xpc_release(reply);
		}
	});
	send_number(one.client, 1);
	serve_one(&other.server_events, 5);
	mailbox_expect_number(answers, 5);
	mailbox_free(answers);
	pair_close(&one);
	pair_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_06_replies_match_their_requests),
		cmocka_unit_test(rule_06_both_sides_can_ask),
		cmocka_unit_test(
		    rule_06_one_reply_for_a_request_none_for_a_message),
		cmocka_unit_test(rule_06_a_dropped_request_is_told),
		cmocka_unit_test(rule_10_sync_on_another_connection_is_fine),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
