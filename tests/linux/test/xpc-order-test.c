// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// platforms: linux macos
// link: tests/linux/test/xpc-fixture.c tests/linux/test/xpc-fixture-mailbox.c

/*
 * When handlers run: their queues, the order of messages and how many can wait.
 * The numbers are those of the list in tests/linux/xpc/README.md.
 */

#include "xpc-fixture.h"

#include <sched.h>
#include <stdatomic.h>

static void rule_04_handler_is_serial(void **state)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("many", DISPATCH_QUEUE_CONCURRENT);
	__block atomic_int inside = 0, seen = 0;
	struct flag *done = &(struct flag)FLAG;
	struct pair pair;

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
	for (int i = 0; i < MANY; i++) {
		send_number(pair.client, i);
	}
	flag_wait(done, 1);
	pair_close(&pair);
	dispatch_release(queue);
}

/* Two peers, each of which waits in its handler until the other is in its. */
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

	(void)state;
	pair_open(&one);
	pair_open(&other);
	xpc_connection_set_target_queue(one.server, queue);
	xpc_connection_set_target_queue(other.server, queue);
	xpc_connection_set_event_handler(one.server, work);
	xpc_connection_set_event_handler(other.server, work);
	for (int i = 0; i < MANY; i++) {
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

	(void)state;
	pair_open(&pair);
	for (int i = 0; i < MANY; i++) {
		send_number(pair.client, i);
		send_number(pair.server, i);
	}
	for (int i = 0; i < MANY; i++) {
		mailbox_expect_number(&pair.server_events, i);
		mailbox_expect_number(&pair.client_events, i);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_04_handler_is_serial),
		cmocka_unit_test(rule_04_peers_run_concurrently),
		cmocka_unit_test(rule_04_peers_do_not_inherit_the_queue),
		cmocka_unit_test(rule_04_a_serial_queue_serializes_peers),
		cmocka_unit_test(rule_05_messages_arrive_in_order),
		cmocka_unit_test(rule_16_barriers_run_in_their_place),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
