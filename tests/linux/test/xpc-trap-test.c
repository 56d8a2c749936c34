// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * The traps: what a program does to connections that only works when the
 * library was careful.
 */

#include "xpc-fixture-standin.h"

#include <sys/wait.h>

/* A call made on the target queue must not wait for that queue. */
static void trap_sync_on_the_target_queue(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("client", NULL);
	struct pair pair;
	struct mailbox *answers = &(struct mailbox)MAILBOX;
	xpc_connection_t client;

	(void)state;
	pair_open(&pair);
	client = pair.client;
	xpc_connection_set_target_queue(client, queue);
	dispatch_async(queue, ^{
		xpc_object_t message = message_create(1), reply;

		reply = xpc_connection_send_message_with_reply_sync(
		    client, message);
		mailbox_put(answers, reply);
		xpc_release(reply);
		xpc_release(message);
	});
	/* Events before the reply do not stand in its way either. */
	xpc_object_t request = mailbox_get(&pair.server_events);
	for (int i = 0; i < MANY; i++) {
		send_number(pair.server, i);
	}
	answer(request, 6);
	mailbox_expect_number(answers, 6);
	for (int i = 0; i < MANY; i++) {
		mailbox_expect_number(&pair.client_events, i);
	}
	mailbox_free(answers);
	pair_close(&pair);
	dispatch_release(queue);
}

static void trap_end_of_file_completes_a_sync_call(void **state)
{
	struct pair pair;
	struct mailbox *events;
	xpc_object_t message = message_create(1), reply;

	(void)state;
	pair_open(&pair);
	events = &pair.server_events;
	dispatch_async(dispatch_get_global_queue(0, 0), ^{
		xpc_object_t request = mailbox_get(events);

		xpc_connection_cancel(
		    xpc_dictionary_get_remote_connection(request));
		xpc_release(request);
	});
	reply =
	    xpc_connection_send_message_with_reply_sync(pair.client, message);
	assert_ptr_equal(reply, INVALID);
	xpc_release(message);
	mailbox_expect(&pair.client_events, INVALID);
	pair_close(&pair);
}

/* A pending reply keeps its connection, and its handler is called once. */
static void trap_released_while_a_reply_is_pending(void **state)
{
	struct mailbox answers = MAILBOX;
	struct pair pair;

	(void)state;
	pair_open(&pair);
	ask(pair.client, &answers);
	xpc_release(pair.client);
	pair.client = NULL;
	serve_one(&pair.server_events, 2);
	mailbox_expect_number(&answers, 2);
	mailbox_expect(&pair.server_events, INVALID);
	mailbox_free(&answers);
	pair_close(&pair);
}

static void trap_released_right_after_sending(void **state)
{
	static char bytes[8 << 20];
	xpc_object_t message = xpc_dictionary_create_empty(), event;
	struct pair pair;

	(void)state;
	xpc_dictionary_set_data(message, "bytes", bytes, sizeof(bytes));
	pair_open(&pair);
	xpc_connection_send_message(pair.client, message);
	xpc_release(message);
	xpc_release(pair.client);
	pair.client = NULL;
	event = mailbox_get(&pair.server_events);
	assert_ptr_equal(xpc_get_type(event), XPC_TYPE_DICTIONARY);
	xpc_release(event);
	mailbox_expect(&pair.server_events, INVALID);
	pair_close(&pair);
}

/* The handler may be replaced, and the connection released, inside of it. */
static void trap_handler_replaced_while_it_runs(void **state)
{
	struct pair pair;
	struct mailbox *events = &(struct mailbox)MAILBOX;
	xpc_connection_t server;

	(void)state;
	pair_open(&pair);
	server = pair.server;
	xpc_connection_set_event_handler(server, ^(xpc_object_t event) {
		connection_record(server, events);
		mailbox_put(events, event);
	});
	send_number(pair.client, 1);
	send_number(pair.client, 2);
	mailbox_expect_number(events, 1);
	mailbox_expect_number(events, 2);
	xpc_connection_cancel(server);
	mailbox_expect(events, INVALID);
	mailbox_free(events);
	pair_close(&pair);
}

static void trap_many_threads_use_one_connection(void **state)
{
	struct pair pair;
	xpc_connection_t client;

	(void)state;
	pair_open(&pair);
	client = pair.client;
	xpc_connection_set_event_handler(pair.server, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			answer(xpc_retain(event),
			    xpc_dictionary_get_int64(event, "n"));
		}
	});
	dispatch_apply(8, dispatch_get_global_queue(0, 0), ^(size_t thread) {
		xpc_object_t message, reply;
		int64_t number;

		for (int i = 0; i < MANY; i++) {
			number = (int64_t)thread * MANY + i;
			message = message_create(number);
			reply = xpc_connection_send_message_with_reply_sync(
			    client, message);
			assert_int_equal(
			    xpc_dictionary_get_int64(reply, "n"), number);
			xpc_release(reply);
			xpc_release(message);
		}
	});
	pair_close(&pair);
}

/* Cancelled from one side while the other sends, over and over. */
static void trap_cancel_races_messages(void **state)
{
	struct pair pair;

	(void)state;
	for (int i = 0; i < 50; i++) {
		pair_open(&pair);
		xpc_connection_t client = pair.client;
		dispatch_group_t group = dispatch_group_create();

		dispatch_group_async(group, dispatch_get_global_queue(0, 0), ^{
			xpc_connection_cancel(client);
		});
		for (int j = 0; j < 20; j++) {
			send_number(pair.client, j);
			send_number(pair.server, j);
		}
		dispatch_group_wait(group, DISPATCH_TIME_FOREVER);
		dispatch_release(group);
		pair_close(&pair);
	}
}

/* Half of its first message is here when its listener is cancelled. It is so
 * long that the client is suspended before all of it has gone. */
static void trap_listener_cancelled_before_a_first_message(void **state)
{
	struct mailbox peers = MAILBOX, events = MAILBOX;
	struct listener listener;
	xpc_connection_t client;
	xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
	size_t size = 64 << 20;
	void *bytes = calloc(1, size);

	(void)state;
	assert_non_null(bytes);
	xpc_dictionary_set_data(message, "bytes", bytes, size);
	free(bytes);
	listener_open(&listener, &peers);
	client = client_open(listener.endpoint, &events);
	xpc_connection_send_message(client, message);
	xpc_connection_suspend(client);
	xpc_release(message);
	wait_alive("connection", 3);
	listener_close(&listener);
	xpc_connection_resume(client);
	client_close(client, &events);
	wait_alive("connection", 0);
	mailbox_expect_nothing(&peers);
	mailbox_free(&peers);
	mailbox_free(&events);
}

static void trap_fork_does_not_keep_connections_open(void **state)
{
	struct pair pair;
	pid_t pid;
	int ends[2], status;
	char byte;

	(void)state;
	pair_open(&pair);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		/* Lives until the parent is done; exit() must not hang. */
		close(ends[1]);
		(void)!read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ends[0]);
	xpc_connection_cancel(pair.client);
	mailbox_expect(&pair.server_events, INVALID);
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pair_close(&pair);
}

/* 1,000 clients and their peers in one process. */
static void trap_a_thousand_connections(void **state)
{
	enum { THOUSAND = 1000 };
	struct mailbox peers = MAILBOX, events = MAILBOX, answers = MAILBOX;
	xpc_connection_t *clients = calloc(THOUSAND, sizeof(*clients));
	struct listener listener;

	(void)state;
	assert_non_null(clients);
	listener_open(&listener, &peers);
	for (int i = 0; i < THOUSAND; i++) {
		clients[i] = client_open(listener.endpoint, &events);
		ask(clients[i], &answers);
	}
	for (int i = 0; i < THOUSAND; i++) {
		serve_one(&peers, i);
		xpc_release(mailbox_get(&answers));
	}
	for (int i = 0; i < THOUSAND; i++) {
		xpc_connection_cancel(clients[i]);
		mailbox_expect(&events, INVALID);
		mailbox_expect(&peers, INVALID);
		xpc_release(clients[i]);
	}
	free(clients);
	listener_close(&listener);
	wait_alive("connection", 0);
	mailbox_free(&peers);
	mailbox_free(&events);
	mailbox_free(&answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trap_sync_on_the_target_queue),
		cmocka_unit_test(trap_end_of_file_completes_a_sync_call),
		cmocka_unit_test(trap_released_while_a_reply_is_pending),
		cmocka_unit_test(trap_released_right_after_sending),
		cmocka_unit_test(trap_handler_replaced_while_it_runs),
		cmocka_unit_test(trap_many_threads_use_one_connection),
		cmocka_unit_test(trap_cancel_races_messages),
		cmocka_unit_test(
		    trap_listener_cancelled_before_a_first_message),
		cmocka_unit_test(trap_fork_does_not_keep_connections_open),
		cmocka_unit_test(trap_a_thousand_connections),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
