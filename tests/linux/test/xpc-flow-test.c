// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * How much of what is sent waits where: that of XPC's rules that depends on the
 * sizes of the stand-in's buffers. The numbers are those of the list in
 * tests/linux/xpc/README.md.
 */

#include "xpc-fixture-standin.h"

/* 64 MiB in messages that are not read: the sender is not delayed. */
static void rule_16_back_pressure(void **state)
{
	static char bytes[1 << 20];
	struct flag *drained = &(struct flag)FLAG;
	struct pair pair;
	xpc_object_t message = xpc_dictionary_create_empty(), event;

	(void)state;
	pair_open(&pair);
	xpc_dictionary_set_data(message, "bytes", bytes, sizeof(bytes));
	xpc_connection_suspend(pair.server);
	for (int i = 0; i < 64; i++) {
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
	for (int i = 0; i < 64; i++) {
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

	(void)state;
	pair_open(&pair);
	xpc_connection_set_event_handler(pair.server, ^(xpc_object_t event) {
		(void)event;
		flag_add(inside);
		flag_wait(leave, 1);
	});
	for (int i = 0; i < 5000; i++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_16_back_pressure),
		cmocka_unit_test(rule_16_a_busy_peer_reads_no_further),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
