// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-wire-fixture.c
// link: tests/linux/test/xpc-fixture*.c

/*
 * Values that libxpc would not send, in frames that are good.
 * After each, the peer that sent it has ended, and an honest client is served.
 */

#include "xpc-wire-fixture.h"

/* A string or key ends at its first NUL; the last of two equal keys counts. */
static void embedded_nuls_and_equal_keys(void **state)
{
	struct service service;
	xpc_object_t event;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 0, 0);
	put_tag(XWIRE_DICTIONARY);
	put_count(3);
	put_count(5);
	put("ab\0cd", 5);
	put_tag(XWIRE_STRING);
	put_count(5);
	put("xy\0zz", 5);
	put_key("same");
	put_tag(XWIRE_ARRAY);
	put_count(1);
	put_tag(XWIRE_NULL);
	put_key("same");
	put_tag(XWIRE_BOOL);
	put("\1", 1);
	fix_length(0);
	raw_send(fd, 0);
	event = mailbox_get(&service.events);
	assert_int_equal(xpc_dictionary_get_count(event), 2);
	assert_string_equal(xpc_dictionary_get_string(event, "ab"), "xy");
	assert_int_equal(
	    xpc_string_get_length(xpc_dictionary_get_value(event, "ab")), 2);
	assert_true(xpc_dictionary_get_bool(event, "same"));
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

static void put_deep(uint32_t depth)
{
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 0, 0);
	put_tag(XWIRE_DICTIONARY);
	put_count(1);
	put_key("n");
	for (uint32_t i = 1; i < depth; i++) {
		put_tag(XWIRE_ARRAY);
		put_count(1);
	}
	put_tag(XWIRE_NULL);
	fix_length(0);
}

static void depth_has_a_limit(void **state)
{
	struct service service;
	xpc_object_t event;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	put_deep(XWIRE_DEPTH_MAX);
	raw_send(fd, 0);
	event = mailbox_get(&service.events);
	assert_ptr_equal(xpc_get_type(event), XPC_TYPE_DICTIONARY);
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
	put_deep(XWIRE_DEPTH_MAX + 1);
	expect_dropped(0);
}

/* Shared memory that is shorter than it says would be a SIGBUS. */
static void shared_memory_is_not_believed(void **state)
{
	struct service service;
	xpc_object_t event;
	uint64_t length = 1 << 20;
	void *region = NULL;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 0, 1);
	put_tag(XWIRE_DICTIONARY);
	put_count(1);
	put_key("m");
	put_tag(XWIRE_SHMEM);
	put(&length, sizeof(length));
	fix_length(0);
	raw_send(fd, 1); /* the socket itself: no memory at all */
	event = mailbox_get(&service.events);
	assert_int_equal(
	    xpc_shmem_map(xpc_dictionary_get_value(event, "m"), &region), 0);
	assert_null(region);
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

/* Frames with single bytes changed: some are good, none does harm. */
static void every_byte_of_a_message_flipped(void **state)
{
	struct service service;
	struct raw *good = malloc(sizeof(*good));
	int fd;

	(void)state;
	assert_non_null(good);
	service_open(&service);
	raw.length = 0;
	put_header(XWIRE_REQUEST, 9, 0, 0);
	put_tag(XWIRE_DICTIONARY);
	put_count(2);
	put_key("command");
	put_tag(XWIRE_STRING);
	put_key("acquire");
	put_key("list");
	put_tag(XWIRE_ARRAY);
	put_count(2);
	put_tag(XWIRE_NULL);
	put_tag(XWIRE_BOOL);
	put("\1", 1);
	fix_length(0);
	*good = raw;
	for (size_t i = 0; i < good->length * 8; i++) {
		raw = *good;
		raw.bytes[i / 8] ^= (unsigned char)(1 << (i % 8));
		fd = raw_connect();
		raw_send(fd, 0);
		close(fd);
	}
	settle();
	mailbox_free(&service.events);
	wait_alive("connection", 1);
	mailbox_free(&service.events);
	service_check(&service);
	service_close(&service);
	free(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(embedded_nuls_and_equal_keys),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(shared_memory_is_not_believed),
		cmocka_unit_test(every_byte_of_a_message_flipped),
	};

	fixture_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
