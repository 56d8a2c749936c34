// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c
// link: tests/linux/test/xpc-service-fixture.c

/*
 * Rules of XPC about the life of a service: launchd starts it when a client
 * needs it, it dies in every way, and transactions keep it.
 */

#include "xpc-service-fixture.h"

#include <signal.h>

/* The whole life: started on demand, killed idle and busy, booted out. */
static void rule_07_the_service_dies_and_comes_back(void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	xpc_connection_t client;
	pid_t first, second;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	first = call_pid(client, "pid");
	assert_int_equal(first, launchd_wait_running());
	assert_int_equal(xpc_connection_get_pid(client), first);

	launchd_kill(); /* idle */
	mailbox_expect(&events, INTERRUPTED);
	second = call_pid(client, "pid");
	assert_int_not_equal(first, second);
	assert_int_equal(xpc_connection_get_pid(client), second);

	ask_for(client, "silence", &answers); /* busy */
	ask_for(client, "silence", &answers);
	call_pid(client, "pid"); /* they are there now */
	launchd_kill();
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);

	assert_ptr_equal(call(client, "die"), INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	launchd_wait_gone();

	assert_ptr_equal(call(client, "hang up"), INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	call_pid(client, "pid"); /* a fresh peer in the same daemon */

	launchd_unregister();
	launchd_kill();
	mailbox_expect(&events, INTERRUPTED);
	assert_ptr_equal(call(client, "pid"), INVALID);
	mailbox_expect(&events, INVALID);
	mailbox_expect_nothing(&events);
	mailbox_expect_nothing(&answers);
	xpc_release(client);
	mailbox_free(&events);
	mailbox_free(&answers);
}

/* Messages that clients sent while the daemon did not run wait for it. */
static void rule_07_messages_wait_for_the_daemon(void **state)
{
	struct mailbox events[3] = { MAILBOX, MAILBOX, MAILBOX };
	struct mailbox answers = MAILBOX;
	xpc_connection_t clients[3];
	xpc_object_t reply;

	(void)state;
	launchd_register(SERVICE, NULL);
	for (size_t i = 0; i < 3; i++) {
		clients[i] = client_to(SERVICE, &events[i]);
		ask_for(clients[i], "pid", &answers);
	}
	mailbox_expect_nothing(&answers);
	launchd_unregister();
	for (size_t i = 0; i < 3; i++) {
		/* The socket is gone, and what waited in it. */
		mailbox_expect(&answers, INTERRUPTED);
		mailbox_expect(&events[i], INTERRUPTED);
	}
	launchd_register(SERVICE, "obey");
	for (size_t i = 0; i < 3; i++) {
		ask_for(clients[i], "pid", &answers);
	}
	for (size_t i = 0; i < 3; i++) {
		reply = mailbox_get(&answers);
		assert_int_equal(xpc_dictionary_get_int64(reply, "pid"),
		    launchd_wait_running());
		xpc_release(reply);
	}
	/* Not before all are answered: replies come in any order. */
	for (size_t i = 0; i < 3; i++) {
		client_close(clients[i], &events[i]);
	}
	launchd_unregister();
	launchd_kill();
	mailbox_free(&answers);
}

/* Peers of the one running before get nothing, the others everything. */
static void rule_15_a_service_that_is_terminated_gets_no_more_messages(
    void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	xpc_connection_t client;
	xpc_object_t reply;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	call_pid(client, "begin");
	launchd_wait_transactions(1);
	call_pid(client, "begin");
	launchd_wait_transactions(2);
	call_pid(client, "end");
	launchd_wait_transactions(1);
	ask_for(client, "silence", &answers);
	call_pid(client, "pid");
	kill(launchd_wait_running(), SIGTERM);
	/* From any sender, and although the signal is ignored: the peer's
	 * handler reports that it got the event. */
	reply = mailbox_get(&events);
	assert_string_equal(
	    xpc_dictionary_get_string(reply, "told"), "termination");
	xpc_release(reply);
	/* No more messages: this one is lost with the process. */
	ask_for(client, "die", &answers);
	mailbox_expect_nothing(&answers);
	/* Transactions are still open: the request, and the one begun. The
	 * signal makes the service end that one, and answer that. */
	kill(launchd_wait_running(), SIGUSR1);
	reply = mailbox_get(&answers);
	assert_int_equal(
	    xpc_dictionary_get_int64(reply, "pid"), launchd_wait_running());
	xpc_release(reply);
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	assert_int_equal(launchd_wait_gone(), 0);
	launchd_unregister();
	client_close(client, &events);
	mailbox_free(&answers);
}

static void rule_15_messages_hold_transactions(void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	xpc_connection_t client;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	ask_for(client, "silence", &answers); /* keeps the request */
	launchd_wait_transactions(1);
	call_pid(client, "pid");
	call_pid(client, "forget"); /* releases the request unanswered */
	launchd_wait_transactions(0);
	send_command(client, "keep"); /* a message without reply */
	launchd_wait_transactions(1);
	call_pid(client, "forget");
	launchd_wait_transactions(0);
	launchd_unregister();
	launchd_kill();
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	client_close(client, &events);
	mailbox_free(&answers);
}

static void rule_15_too_many_ends_abort(void **state)
{
	(void)state;
	expect_misuse("transaction-end", "no transaction is open");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_07_the_service_dies_and_comes_back),
		cmocka_unit_test(rule_07_messages_wait_for_the_daemon),
		cmocka_unit_test(
		    rule_15_a_service_that_is_terminated_gets_no_more_messages),
		cmocka_unit_test(rule_15_messages_hold_transactions),
		cmocka_unit_test(rule_15_too_many_ends_abort),
	};

	alarm(100);
	service_main(argc, argv);
	if (argc == 3 && strcmp(argv[2], "transaction-end") == 0) {
		xpc_transaction_end();
	}
	fixture_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
