// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-wire-fixture.c
// link: tests/linux/test/xpc-fixture*.c

/*
 * Frames that libxpc would not send: headers, lengths, bodies, descriptors.
 * After each, the peer that sent it has ended, and an honest client is served.
 */

#include "xpc-wire-fixture.h"

#include <poll.h>

static void headers_are_checked(void **state)
{
	const struct xwire_header headers[] = {
		{ 0x12345678, XWIRE_MESSAGE, 0, SMALL, 0 },
		{ XWIRE_MAGIC, 0, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_DROPPED + 1, 1, SMALL, 0 },
		{ XWIRE_MAGIC, 0xffffffff, 1, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 1, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_REQUEST, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_REPLY, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_DROPPED, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, XWIRE_LENGTH_MAX + 1, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, UINT32_MAX, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, UINT32_MAX - 20, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, SMALL, UINT32_MAX },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, SMALL, SMALL + 1 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		raw.length = 0;
		put(&headers[i], sizeof(headers[i]));
		put_small(1);
		expect_dropped(0);
	}
}

/* Every prefix of a message, then the end. */
static void a_message_that_stops_anywhere(void **state)
{
	struct service service;
	int fd;

	(void)state;
	service_open(&service);
	for (size_t length = 0; length < sizeof(struct xwire_header) + SMALL;
	     length++) {
		fd = raw_connect();
		raw.length = 0;
		put_good(XWIRE_MESSAGE, 0, 1);
		raw.length = length;
		raw_send(fd, 0);
		close(fd);
	}
	mailbox_expect_nothing(&service.events); /* they said nothing */
	service_check(&service);
	service_close(&service);
}

/* One byte at a time; and many messages at once. */
static void messages_come_in_pieces_and_in_heaps(void **state)
{
	struct service service;
	unsigned char whole[2 * (sizeof(struct xwire_header) + SMALL)];
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 1);
	put_good(XWIRE_MESSAGE, 0, 2);
	assert_int_equal(raw.length, sizeof(whole));
	memcpy(whole, raw.bytes, sizeof(whole));
	for (size_t i = 0; i < sizeof(whole); i++) {
		raw.length = 0;
		put(whole + i, 1);
		raw_send(fd, 0);
	}
	mailbox_expect_number(&service.events, 1);
	mailbox_expect_number(&service.events, 2);
	for (size_t i = 0; i < 5000; i++) {
		put_good(XWIRE_MESSAGE, 0, (int64_t)i);
	}
	raw_send(fd, 0);
	for (size_t i = 0; i < 5000; i++) {
		mailbox_expect_number(&service.events, (int64_t)i);
	}
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

/* Bodies that are not dictionaries, or only the beginning of one. */
static const struct {
	const char *what, *bytes;
	size_t length;
} bodies[] = {
	{ "no dictionary", "\x01", 1 },
	{ "unknown tag", "\x63", 1 },
	{ "tag 0", "\x00", 1 },
	{ "no count", "\x0e", 1 },
	{ "short count", "\x0e\x01\x00", 3 },
	{ "an entry less than said", "\x0e\x01\x00\x00\x00", 5 },
	{ "4 G entries", "\x0e\xff\xff\xff\xff", 5 },
	{ "key beyond the end",
	    "\x0e\x01\x00\x00\x00\xff\xff\xff\xff"
	    "a\x01",
	    11 },
	{ "key without a value",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a",
	    10 },
	{ "bool 2",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x02\x02",
	    12 },
	{ "short number",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x03\x00\x00",
	    13 },
	{ "string beyond the end",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x08\xff\xff\xff\x7f"
	    "b",
	    16 },
	{ "data beyond the end",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x07\x02\x00\x00\x00"
	    "b",
	    16 },
	{ "short uuid",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x09"
	    "0123456789",
	    21 },
	{ "array of nothing",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x0d\x05\x00\x00\x00",
	    15 },
	{ "more than one value", "\x0e\x00\x00\x00\x00\x01", 6 },
	{ "descriptor that is not there",
	    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
	    "a\x0a",
	    11 },
};

static void bodies_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		raw.length = 0;
		put_header(XWIRE_MESSAGE, 0, bodies[i].length, 0);
		put(bodies[i].bytes, bodies[i].length);
		expect_dropped(0);
	}
}

static void descriptors_are_counted(void **state)
{
	(void)state;
	/* The message mentions one, and has none. */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, SMALL, 1);
	put_small(1);
	expect_dropped(0);
	/* A descriptor that the message does not mention. */
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 1);
	expect_dropped_after(true, 1);
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 1);
	expect_dropped_after(true, 253);
	/* Mentioned and there, but no value names it. */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, SMALL, 1);
	put_small(1);
	expect_dropped(1);
	/* In a message that does not decode: they are closed all the same. */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, SMALL, 7);
	raw.bytes[raw.length] = 0x63;
	raw.length += SMALL;
	expect_dropped(7);
	/* Before the message is complete, more than a whole message will say.
	 */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 2 * SMALL, 1);
	put_small(1);
	expect_dropped(2);
}

/* Gets an event; returns whether it is the message with the number. */
static bool mailbox_get_number(struct mailbox *box, int64_t number)
{
	xpc_object_t object = mailbox_get(box);
	bool found = xpc_get_type(object) == XPC_TYPE_DICTIONARY &&
	    xpc_dictionary_get_int64(object, "n") == number;

	xpc_release(object);
	return found;
}

/* Descriptors of a message that are not claimed are closed. */
static void descriptors_of_hostile_messages_are_closed(void **state)
{
	struct service service;
	struct mailbox client_events = MAILBOX;
	xpc_connection_t client;
	int fd, ends[2];

	(void)state;
	service_open(&service);
	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i < 50; i++) {
		fd = raw_connect();
		raw.length = 0;
		put_header(XWIRE_MESSAGE, 0, SMALL, (uint32_t)(i % 3));
		put_small(1);
		raw.length -= (size_t)(i % 2); /* complete or not */
		raw_send_with(fd, ends[0], 1 + i % 4);
		close(fd);
	}
	/* They have all been accepted when a later connection has. */
	client = client_to(SERVICE, &client_events);
	send_number(client, 2);
	while (!mailbox_get_number(&service.events, 2)) {
	}
	client_close(client, &client_events);
	/* Those that are complete come one by one. */
	for (int i = 0; i < 2000 && standin_objects_alive("connection") > 1;
	     i++) {
		mailbox_free(&service.events);
		poll(NULL, 0, 5);
	}
	wait_alive("connection", 1);
	wait_descriptors(ends[1], 2);
	close(ends[0]);
	close(ends[1]);
	service_close(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(a_message_that_stops_anywhere),
		cmocka_unit_test(messages_come_in_pieces_and_in_heaps),
		cmocka_unit_test(bodies_are_checked),
		cmocka_unit_test(descriptors_are_counted),
		cmocka_unit_test(descriptors_of_hostile_messages_are_closed),
	};

	fixture_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
