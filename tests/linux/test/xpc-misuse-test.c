// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * Misuse of replies aborts, and the stand-in says why. The numbers are those of
 * the list in tests/linux/xpc/README.md.
 */

#include "xpc-fixture-standin.h"

static void rule_06_a_reply_sent_twice_aborts(void **state)
{
	(void)state;
	expect_misuse("reply-twice", "sent before");
}

static void rule_10_sync_in_the_own_handler_aborts(void **state)
{
	(void)state;
	expect_misuse("sync-in-handler", "waits for ever");
}

static int misuse(const char *name)
{
	struct pair pair;
	xpc_connection_t connection;
	xpc_object_t reply, request;
	struct mailbox answers = MAILBOX;

	pair_open(&pair);
	connection = pair.client;
	if (strcmp(name, "reply-twice") == 0) {
		ask(pair.client, &answers);
		request = mailbox_get(&pair.server_events);
		reply = xpc_dictionary_create_reply(request);
		xpc_connection_send_message(pair.server, reply);
		xpc_connection_send_message(pair.server, reply);
	} else if (strcmp(name, "sync-in-handler") == 0) {
		xpc_connection_set_event_handler(
		    pair.client, ^(xpc_object_t event) {
			    xpc_release(
				xpc_connection_send_message_with_reply_sync(
				    connection, event));
		    });
		send_number(pair.server, 1);
		pause();
	}
	return 2;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_06_a_reply_sent_twice_aborts),
		cmocka_unit_test(rule_10_sync_in_the_own_handler_aborts),
	};

	fixture_start();
	if (argc == 3 && strcmp(argv[1], "misuse") == 0) {
		return misuse(argv[2]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
