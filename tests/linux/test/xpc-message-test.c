// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * What a message carries: copies, descriptors, credentials, any bytes, any
 * size. The numbers are those of the list in tests/linux/xpc/README.md.
 */

#include "xpc-fixture-standin.h"

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
	int ends[2], fd;
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
	for (int i = 0; i < MANY; i++) { /* these are not claimed */
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
	int ends[2];

	(void)state;
	pair_open(&pair);
	assert_int_equal(pipe(ends), 0);
	xpc_dictionary_set_fd(message, "fd", ends[0]);
	close(ends[0]);
	xpc_connection_suspend(pair.server);
	for (int i = 0; i < MANY; i++) {
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

/* All bytes but NUL, in a value and in a key. */
static void rule_17_strings_need_not_be_utf8(void **state)
{
	char bytes[256];
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), event;

	(void)state;
	for (int i = 0; i < 255; i++) {
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
	assert_true(fd != -1);
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

	(void)state;
	for (int i = 0; i < 10000; i++) {
		outer = xpc_dictionary_create_empty();
		xpc_dictionary_set_value(outer, "deeper", inner);
		xpc_release(inner);
		inner = outer;
	}
	for (int i = 0; i < 100000; i++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_11_a_message_is_copied_when_sent),
		cmocka_unit_test(rule_11_an_event_is_borrowed),
		cmocka_unit_test(rule_13_descriptors_travel),
		cmocka_unit_test(
		    rule_13_descriptors_of_dropped_messages_are_closed),
		cmocka_unit_test(rule_14_credentials_are_those_of_the_connect),
		cmocka_unit_test(rule_17_strings_need_not_be_utf8),
		cmocka_unit_test(rule_18_big_messages),
		cmocka_unit_test(rule_18_many_descriptors),
		cmocka_unit_test(rule_18_deep_and_wide_messages),
		cmocka_unit_test(endpoints_travel),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
