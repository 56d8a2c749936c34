// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-bench.c tests/linux/test/xpc-bench-launchd.c

/*
 * The rules of XPC connections, one test each and more, by the numbers of the
 * list in tests/linux/xpc/README.md; then the traps. What needs a service, and
 * what ends the process, is in xpc-service-test.c.
 */

#include "xpc-bench.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define MANY 200

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

static void rule_04_handler_is_serial(void **state)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("many", DISPATCH_QUEUE_CONCURRENT);
	__block atomic_int inside = 0, seen = 0;
	struct flag *done = &(struct flag)FLAG;
	struct pair pair;
	int i;

	(void)state;
	pair_open(&pair);
	xpc_connection_set_target_queue(pair.server, queue);
	xpc_connection_set_event_handler(pair.server, ^(xpc_object_t event) {
		if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) {
			return;
		}
		assert_int_equal(atomic_fetch_add(&inside, 1), 0);
		assert_int_equal(xpc_dictionary_get_int64(event, "n"),
		    atomic_fetch_add(&seen, 1));
		sched_yield();
		assert_int_equal(atomic_fetch_sub(&inside, 1), 1);
		if (atomic_load(&seen) == MANY) {
			flag_add(done);
		}
	});
	for (i = 0; i < MANY; i++) {
		send_number(pair.client, i);
	}
	flag_wait(done, 1);
	pair_close(&pair);
	dispatch_release(queue);
}

/* Two peers, each of whom waits in its handler until the other is in its. */
static void rule_04_peers_run_concurrently(void **state)
{
	struct pair one, other;
	struct flag *arrived = &(struct flag)FLAG;
	xpc_handler_t meet = ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			flag_add(arrived);
			flag_wait(arrived, 2);
		}
	};

	(void)state;
	pair_open(&one);
	pair_open(&other);
	xpc_connection_set_event_handler(one.server, meet);
	xpc_connection_set_event_handler(other.server, meet);
	send_number(one.client, 1);
	send_number(other.client, 1);
	flag_wait(arrived, 2);
	pair_close(&one);
	pair_close(&other);
}

static void rule_04_peers_do_not_inherit_the_queue(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("listener", NULL);
	struct mailbox peers = MAILBOX, events = MAILBOX;
	struct listener listener;
	xpc_connection_t client;

	(void)state;
	listener_open(&listener, &peers);
	xpc_connection_set_target_queue(listener.connection, queue);
	client = client_open(listener.endpoint, &events);
	send_number(client, 1);
	mailbox_expect_number(&peers, 1);
	/* The listener's queue stands still; the peer's does not. */
	dispatch_suspend(queue);
	send_number(client, 2);
	mailbox_expect_number(&peers, 2);
	dispatch_resume(queue);
	client_close(client, &events);
	mailbox_expect(&peers, INVALID);
	listener_close(&listener);
	mailbox_free(&peers);
	dispatch_release(queue);
}

static void rule_04_a_serial_queue_serializes_peers(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("broker", NULL);
	struct pair one, other;
	__block int inside = 0; /* guarded by the queue, TSan says so */
	struct flag *seen = &(struct flag)FLAG;
	xpc_handler_t work = ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			assert_int_equal(inside++, 0);
			sched_yield();
			inside--;
			flag_add(seen);
		}
	};
	int i;

	(void)state;
	pair_open(&one);
	pair_open(&other);
	xpc_connection_set_target_queue(one.server, queue);
	xpc_connection_set_target_queue(other.server, queue);
	xpc_connection_set_event_handler(one.server, work);
	xpc_connection_set_event_handler(other.server, work);
	for (i = 0; i < MANY; i++) {
		send_number(one.client, i);
		send_number(other.client, i);
	}
	flag_wait(seen, 2 * MANY);
	pair_close(&one);
	pair_close(&other);
	dispatch_release(queue);
}

static void rule_05_messages_arrive_in_order(void **state)
{
	struct pair pair;
	int i;

	(void)state;
	pair_open(&pair);
	for (i = 0; i < MANY; i++) {
		send_number(pair.client, i);
		send_number(pair.server, i);
	}
	for (i = 0; i < MANY; i++) {
		mailbox_expect_number(&pair.server_events, i);
		mailbox_expect_number(&pair.client_events, i);
	}
	pair_close(&pair);
}

static void ask(xpc_connection_t connection, struct mailbox *answers)
{
	xpc_object_t message = message_create(0);

	xpc_connection_send_message_with_reply(
	    connection, message, NULL, ^(xpc_object_t reply) {
		    mailbox_put(answers, reply);
	    });
	xpc_release(message);
}

static void rule_06_replies_match_their_requests(void **state)
{
	struct mailbox answers[MANY];
	xpc_object_t requests[MANY];
	struct pair pair;
	int i;

	(void)state;
	pair_open(&pair);
	for (i = 0; i < MANY; i++) {
		answers[i] = (struct mailbox)MAILBOX;
		ask(pair.client, &answers[i]);
	}
	for (i = 0; i < MANY; i++) {
		requests[i] = mailbox_get(&pair.server_events);
	}
	for (i = MANY - 1; i >= 0; i--) { /* in another order */
		answer(requests[i], i);
	}
	for (i = 0; i < MANY; i++) {
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
	/* The connection is none the worse. */
	mailbox_expect_nothing(&answers);
	mailbox_expect_nothing(&pair.client_events);
	mailbox_free(&answers);
	pair_close(&pair);
}

static void rule_06_a_reply_sent_twice_aborts(void **state)
{
	(void)state;
	expect_misuse("reply-twice", "sent before");
}

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
	int i;

	(void)state;
	pair_open(&pair);
	xpc_connection_suspend(pair.server);
	for (i = 0; i < MANY; i++) {
		send_number(pair.client, i);
	}
	xpc_connection_cancel(pair.client);
	mailbox_expect(&pair.client_events, INVALID);
	xpc_connection_resume(pair.server);
	for (i = 0; i < MANY; i++) {
		mailbox_expect_number(&pair.server_events, i);
	}
	mailbox_expect(&pair.server_events, INVALID);
	mailbox_expect_nothing(&pair.server_events);
	assert_int_equal(flag_get(&pair.gone), 0);
	/* The runtime has let go of it; this is the last reference. */
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
	assert_string_equal(reason, "canceled by the program");
	free(reason);
	xpc_release(client);
	listener_close(&listener);
	mailbox_free(&events);
}

static void rule_10_sync_in_the_own_handler_aborts(void **state)
{
	(void)state;
	expect_misuse("sync-in-handler", "waits for ever");
}

/* But the handler of another connection may. */
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

static void rule_11_a_message_is_copied_when_sent(void **state)
{
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), inner, event;

	(void)state;
	pair_open(&pair);
	inner = xpc_array_create_empty();
	xpc_array_set_string(inner, XPC_ARRAY_APPEND, "before");
	xpc_dictionary_set_value(message, "inner", inner);
	xpc_connection_suspend(pair.client); /* it stays in the queue */
	xpc_connection_send_message(pair.client, message);
	xpc_array_set_string(inner, 0, "after");
	xpc_dictionary_set_int64(message, "n", 1);
	xpc_connection_resume(pair.client);
	event = mailbox_get(&pair.server_events);
	assert_null(xpc_dictionary_get_value(event, "n"));
	assert_string_equal(
	    xpc_array_get_string(xpc_dictionary_get_array(event, "inner"), 0),
	    "before");
	xpc_release(event);
	xpc_release(message);
	xpc_release(inner);
	pair_close(&pair);
}

static void rule_11_an_event_is_borrowed(void **state)
{
	struct flag *seen = &(struct flag)FLAG;
	struct pair pair;

	(void)state;
	pair_open(&pair);
	settle();
	assert_int_equal(standin_objects_alive("dictionary"), 0);
	xpc_connection_set_event_handler(pair.server, ^(xpc_object_t event) {
		(void)event;
		flag_add(seen);
	});
	send_number(pair.client, 1);
	flag_wait(seen, 1);
	wait_alive("dictionary", 0);
	pair_close(&pair);
}

static void rule_13_descriptors_travel(void **state)
{
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), event;
	int ends[2], fd, i;
	char text[8] = "";

	(void)state;
	pair_open(&pair);
	assert_int_equal(pipe(ends), 0);
	xpc_dictionary_set_fd(message, "fd", ends[0]);
	close(ends[0]);
	xpc_connection_send_message(pair.client, message);
	event = mailbox_get(&pair.server_events);
	fd = xpc_dictionary_dup_fd(event, "fd");
	xpc_release(event);
	assert_int_equal(write(ends[1], "through", 7), 7);
	assert_int_equal(read(fd, text, 7), 7);
	assert_string_equal(text, "through");
	close(fd);
	for (i = 0; i < MANY; i++) { /* nobody claims these */
		xpc_connection_send_message(pair.client, message);
		xpc_release(mailbox_get(&pair.server_events));
	}
	xpc_release(message);
	wait_alive("fd", 0);
	wait_descriptors(ends[1], 1);
	close(ends[1]);
	pair_close(&pair);
}

/* A connection that dies with messages in its queues closes theirs too. */
static void rule_13_descriptors_of_dropped_messages_are_closed(void **state)
{
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty();
	int ends[2], i;

	(void)state;
	pair_open(&pair);
	assert_int_equal(pipe(ends), 0);
	xpc_dictionary_set_fd(message, "fd", ends[0]);
	close(ends[0]);
	xpc_connection_suspend(pair.server);
	for (i = 0; i < MANY; i++) {
		xpc_connection_send_message(pair.client, message);
	}
	xpc_connection_cancel(pair.server);
	xpc_connection_resume(pair.server);
	mailbox_expect(&pair.server_events, INVALID);
	mailbox_expect(&pair.client_events, INVALID);
	xpc_release(message);
	pair_close(&pair);
	wait_alive("fd", 0);
	wait_descriptors(ends[1], 1);
	close(ends[1]);
}

static void rule_14_credentials_are_those_of_the_connect(void **state)
{
	struct mailbox peers = MAILBOX, events = MAILBOX;
	struct listener listener;
	xpc_connection_t client, peer;

	(void)state;
	listener_open(&listener, &peers);
	client = client_open(listener.endpoint, &events);
	assert_int_equal(xpc_connection_get_pid(client), 0);
	assert_true(xpc_connection_get_euid(client) == (uid_t)-1);
	assert_int_equal(xpc_connection_get_asid(client), AU_ASSIGN_ASID);
	send_number(client, 1);
	peer = mailbox_get(&listener.events);
	mailbox_expect_number(&peers, 1);
	assert_int_equal(xpc_connection_get_pid(peer), getpid());
	assert_int_equal(xpc_connection_get_euid(peer), geteuid());
	assert_int_equal(xpc_connection_get_egid(peer), getegid());
	setenv("STANDIN_PID", "1", 1);
	assert_int_equal(xpc_connection_get_pid(peer), 1);
	assert_int_equal(xpc_connection_get_euid(peer), geteuid());
	unsetenv("STANDIN_PID");
	send_number(peer, 2);
	mailbox_expect_number(&events, 2);
	assert_int_equal(xpc_connection_get_pid(client), getpid());
	assert_int_equal(xpc_connection_get_euid(client), geteuid());
	client_close(client, &events);
	mailbox_expect(&peers, INVALID);
	xpc_release(peer);
	listener_close(&listener);
	mailbox_free(&peers);
}

/* 64 MiB in messages that nobody reads: the sender is not held up. */
static void rule_16_back_pressure(void **state)
{
	static char bytes[1 << 20];
	struct flag *drained = &(struct flag)FLAG;
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), event;
	int i;

	(void)state;
	pair_open(&pair);
	xpc_dictionary_set_data(message, "bytes", bytes, sizeof(bytes));
	xpc_connection_suspend(pair.server);
	for (i = 0; i < 64; i++) {
		xpc_dictionary_set_int64(message, "n", i);
		xpc_connection_send_message(pair.client, message);
	}
	xpc_release(message);
	xpc_connection_send_barrier(pair.client, ^{
		flag_add(drained);
	});
	settle();
	assert_int_equal(flag_get(drained), 0);
	xpc_connection_resume(pair.server);
	for (i = 0; i < 64; i++) {
		event = mailbox_get(&pair.server_events);
		assert_int_equal(xpc_dictionary_get_int64(event, "n"), i);
		xpc_release(event);
	}
	flag_wait(drained, 1);
	pair_close(&pair);
}

/* What is not read stays with the sender, not in this process's memory. */
static void rule_16_a_busy_peer_reads_no_further(void **state)
{
	struct flag *inside = &(struct flag)FLAG, *leave = &(struct flag)FLAG;
	struct pair pair;
	int i;

	(void)state;
	pair_open(&pair);
	xpc_connection_set_event_handler(pair.server, ^(xpc_object_t event) {
		(void)event;
		flag_add(inside);
		flag_wait(leave, 1);
	});
	for (i = 0; i < 5000; i++) {
		send_number(pair.client, i);
	}
	flag_wait(inside, 1);
	settle();
	/* One chunk of 4 KiB, and the few that may wait. */
	assert_in_range(standin_objects_alive("dictionary"), 1, 150);
	flag_add(leave);
	flag_wait(inside, 5000);
	pair_close(&pair);
}

static void rule_16_barriers_run_in_their_place(void **state)
{
	struct flag *first = &(struct flag)FLAG;
	struct mailbox *events;
	struct pair pair;

	(void)state;
	pair_open(&pair);
	events = &pair.server_events;
	send_number(pair.client, 1);
	xpc_connection_send_barrier(pair.client, ^{
		/* 1 has been sent, 2 has not. */
		mailbox_expect_number(events, 1);
		mailbox_expect_nothing(events);
		flag_add(first);
	});
	send_number(pair.client, 2);
	flag_wait(first, 1);
	mailbox_expect_number(events, 2);
	pair_close(&pair);
}

/* All bytes but NUL, in a value and in a key. */
static void rule_17_strings_need_not_be_utf8(void **state)
{
	char bytes[256];
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), event;
	int i;

	(void)state;
	for (i = 0; i < 255; i++) {
		bytes[i] = (char)(i + 1);
	}
	bytes[255] = '\0';
	pair_open(&pair);
	xpc_dictionary_set_string(message, bytes, bytes);
	xpc_dictionary_set_string(message, "", "");
	xpc_connection_send_message(pair.client, message);
	xpc_release(message);
	event = mailbox_get(&pair.server_events);
	assert_string_equal(xpc_dictionary_get_string(event, bytes), bytes);
	assert_string_equal(xpc_dictionary_get_string(event, ""), "");
	xpc_release(event);
	pair_close(&pair);
}

static void rule_18_big_messages(void **state)
{
	size_t size = 64 << 20, length = 0;
	char *bytes = malloc(size);
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), event;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', size);
	pair_open(&pair);
	xpc_dictionary_set_data(message, "bytes", bytes, size);
	xpc_connection_send_message(pair.client, message);
	xpc_release(message);
	event = mailbox_get(&pair.server_events);
	assert_memory_equal(
	    xpc_dictionary_get_data(event, "bytes", &length), bytes, size);
	assert_int_equal(length, size);
	xpc_release(event);
	free(bytes);
	pair_close(&pair);
}

static void rule_18_many_descriptors(void **state)
{
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty();
	xpc_object_t list = xpc_array_create_empty(), event;
	int i, fd, count = 1000;

	(void)state;
	for (i = 0; i < count; i++) {
		xpc_array_set_fd(list, XPC_ARRAY_APPEND, i % 3);
	}
	xpc_dictionary_set_value(message, "list", list);
	xpc_release(list);
	pair_open(&pair);
	xpc_connection_send_message(pair.client, message);
	xpc_release(message);
	send_number(pair.client, 1);
	event = mailbox_get(&pair.server_events);
	list = xpc_dictionary_get_array(event, "list");
	assert_int_equal(xpc_array_get_count(list), count);
	fd = xpc_array_dup_fd(list, (size_t)count - 1);
	assert_true(fd >= 0);
	close(fd);
	xpc_release(event);
	mailbox_expect_number(&pair.server_events, 1);
	pair_close(&pair);
	wait_alive("fd", 0);
}

/* Deep and wide, as a hostile client would: both ends survive. */
static void rule_18_deep_and_wide_messages(void **state)
{
	struct pair pair;
	xpc_object_t inner = xpc_int64_create(1), outer, event;
	char key[32];
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		outer = xpc_dictionary_create_empty();
		xpc_dictionary_set_value(outer, "deeper", inner);
		xpc_release(inner);
		inner = outer;
	}
	for (i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		xpc_dictionary_set_bool(inner, key, true);
	}
	xpc_dictionary_set_int64(inner, "n", 4);
	pair_open(&pair);
	xpc_connection_send_message(pair.client, inner);
	event = mailbox_get(&pair.server_events);
	assert_true(xpc_equal(event, inner));
	xpc_release(event);
	xpc_release(inner);
	pair_close(&pair);
}

/* Endpoints, and shared memory, travel in messages too. */
static void endpoints_travel(void **state)
{
	struct mailbox events = MAILBOX;
	struct pair pair, other;
	xpc_object_t message = xpc_dictionary_create_empty(), event;
	xpc_connection_t client;

	(void)state;
	pair_open(&pair);
	pair_open(&other);
	xpc_dictionary_set_connection(
	    message, "listener", other.listener.connection);
	xpc_connection_send_message(pair.client, message);
	xpc_release(message);
	event = mailbox_get(&pair.server_events);
	client = xpc_dictionary_create_connection(event, "listener");
	assert_non_null(client);
	xpc_release(event);
	connection_record(client, &events);
	xpc_connection_activate(client);
	send_number(client, 8);
	mailbox_expect_number(&other.server_events, 8);
	client_close(client, &events);
	mailbox_expect(&other.server_events, INVALID);
	xpc_release(mailbox_get(&other.listener.events));
	pair_close(&pair);
	pair_close(&other);
}

/*
 * The traps.
 */

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
		int i;

		for (i = 0; i < MANY; i++) {
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
	int i, j;

	(void)state;
	for (i = 0; i < 50; i++) {
		pair_open(&pair);
		xpc_connection_t client = pair.client;
		dispatch_group_t group = dispatch_group_create();

		dispatch_group_async(group, dispatch_get_global_queue(0, 0), ^{
			xpc_connection_cancel(client);
		});
		for (j = 0; j < 20; j++) {
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
	int i;

	(void)state;
	assert_non_null(clients);
	listener_open(&listener, &peers);
	for (i = 0; i < THOUSAND; i++) {
		clients[i] = client_open(listener.endpoint, &events);
		ask(clients[i], &answers);
	}
	for (i = 0; i < THOUSAND; i++) {
		serve_one(&peers, i);
		xpc_release(mailbox_get(&answers));
	}
	for (i = 0; i < THOUSAND; i++) {
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

static int misuse(const char *name)
{
	struct pair pair;
	xpc_connection_t connection;
	xpc_object_t reply, request;
	struct mailbox answers = MAILBOX;

	pair_open(&pair);
	connection = pair.client;
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
	} else if (strcmp(name, "reply-twice") == 0) {
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
		cmocka_unit_test(
		    rule_01_nothing_is_delivered_before_activation),
		cmocka_unit_test(rule_01_nothing_is_sent_before_activation),
		cmocka_unit_test(rule_01_suspension_is_counted),
		cmocka_unit_test(rule_01_misuse_aborts),
		cmocka_unit_test(
		    rule_03_listener_gets_connections_then_an_error),
		cmocka_unit_test(rule_03_a_peer_appears_with_its_first_message),
		cmocka_unit_test(rule_03_a_refused_peer_is_disposed_of),
		cmocka_unit_test(rule_04_handler_is_serial),
		cmocka_unit_test(rule_04_peers_run_concurrently),
		cmocka_unit_test(rule_04_peers_do_not_inherit_the_queue),
		cmocka_unit_test(rule_04_a_serial_queue_serializes_peers),
		cmocka_unit_test(rule_05_messages_arrive_in_order),
		cmocka_unit_test(rule_06_replies_match_their_requests),
		cmocka_unit_test(rule_06_both_sides_can_ask),
		cmocka_unit_test(
		    rule_06_one_reply_for_a_request_none_for_a_message),
		cmocka_unit_test(rule_06_a_dropped_request_is_told),
		cmocka_unit_test(rule_06_a_reply_sent_twice_aborts),
		cmocka_unit_test(rule_07_an_endpoint_that_is_gone_is_invalid),
		cmocka_unit_test(rule_08_the_client_goes),
		cmocka_unit_test(rule_09_cancel_ends_everything_once),
		cmocka_unit_test(rule_09_cancel_in_the_handler),
		cmocka_unit_test(
		    rule_09_a_cancelled_connection_hears_it_when_activated),
		cmocka_unit_test(rule_10_sync_in_the_own_handler_aborts),
		cmocka_unit_test(rule_10_sync_on_another_connection_is_fine),
		cmocka_unit_test(rule_11_a_message_is_copied_when_sent),
		cmocka_unit_test(rule_11_an_event_is_borrowed),
		cmocka_unit_test(rule_13_descriptors_travel),
		cmocka_unit_test(
		    rule_13_descriptors_of_dropped_messages_are_closed),
		cmocka_unit_test(rule_14_credentials_are_those_of_the_connect),
		cmocka_unit_test(rule_16_back_pressure),
		cmocka_unit_test(rule_16_a_busy_peer_reads_no_further),
		cmocka_unit_test(rule_16_barriers_run_in_their_place),
		cmocka_unit_test(rule_17_strings_need_not_be_utf8),
		cmocka_unit_test(rule_18_big_messages),
		cmocka_unit_test(rule_18_many_descriptors),
		cmocka_unit_test(rule_18_deep_and_wide_messages),
		cmocka_unit_test(endpoints_travel),
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

	bench_start();
	if (argc == 3 && strcmp(argv[1], "misuse") == 0) {
		return misuse(argv[2]);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
