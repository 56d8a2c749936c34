// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// link: broker/subnet.c broker/text.c

/*
 * Names and subnets, as people and clients write them, and how text is
 * escaped for the log.
 */

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "subnet.h"
#include "text.h"

/* Goal: S14: of all short texts and many long ones, exactly the names. */
static void exactly_the_names_are_valid(void **state)
{
	char text[80];

	(void)state;
	for (int a = 0; a < 256; a++) {
		bool first = (a >= 'a' && a <= 'z') || (a >= '0' && a <= '9');

		text[0] = (char)a;
		assert_int_equal(name_is_valid(text, 1), first);
		for (int b = 0; b < 256; b++) {
			bool more = (b >= 'a' && b <= 'z') ||
			    (b >= '0' && b <= '9') || b == '.' || b == '_' ||
			    b == '-';

			text[1] = (char)b;
			assert_int_equal(name_is_valid(text, 2), first && more);
		}
	}
	assert_false(name_is_valid("", 0));
	memset(text, 'a', sizeof(text));
	for (size_t length = 1; length < sizeof(text); length++) {
		assert_int_equal(name_is_valid(text, length), length <= 63);
	}
	for (size_t i = 0; i < 63; i++) {
		text[i] = '/';
		assert_false(name_is_valid(text, 63));
		text[i] = 'a';
	}
}

/* Goal: S1, S14: of a million generated strings just those are names that the
 * grammar makes, and each is escaped into printable text that fits. */
static void generated_strings_are_names_or_not_and_are_escaped(void **state)
{
	static const char allowed[] = "abcxyz0189._-";
	unsigned int names = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 1000000; i++) {
		char text[70];
		char out[TEXT_ESCAPED];
		size_t length = (size_t)random() % sizeof(text);
		bool name = length > 0 && length <= 63;

		for (size_t at = 0; at < length; at++) {
			text[at] = random() % 40 == 0
			    ? (char)random()
			    : allowed[(size_t)random() % (sizeof(allowed) - 1)];
			name = name &&
			    (islower((unsigned char)text[at]) ||
				isdigit((unsigned char)text[at]) ||
				(at > 0 && text[at] != '\0' &&
				    strchr("._-", text[at]) != NULL));
		}
		assert_int_equal(name_is_valid(text, length), name);
		names += name;
		text_escape(out, text, length);
		assert_true(strlen(out) < TEXT_ESCAPED);
		for (const char *at = out; *at != '\0'; at++) {
			assert_true(*at >= ' ' && *at <= '~' && *at != '"');
		}
	}
	/* Both kinds were there. */
	assert_true(names > 10000 && names < 990000);
}

static void text_is_escaped_and_cut(void **state)
{
	char out[TEXT_ESCAPED];
	char text[100];

	(void)state;
	text_escape(out, "a \"b\"\\\n\x7f\xff%n", 11);
	assert_string_equal(out, "a \\x22b\\x22\\x5c\\x0a\\x7f\\xff%n");
	text_escape(out, "", 0);
	assert_string_equal(out, "");
	memset(text, 'x', sizeof(text));
	text_escape(out, text, 64);
	assert_int_equal(strlen(out), 64);
	assert_string_equal(out + 61, "xxx");
	text_escape(out, text, 65);
	assert_int_equal(strlen(out), 64);
	assert_string_equal(out + 60, "x...");
	/* An escape is not cut in two. */
	text[59] = '\n';
	text_escape(out, text, 100);
	assert_string_equal(out + 58, "x...");
	memset(text, 0xff, sizeof(text));
	for (size_t length = 0; length <= sizeof(text); length++) {
		text_escape(out, text, length);
		assert_int_equal(strlen(out), length <= 16 ? length * 4 : 63);
	}
}

static void only_private_subnets_in_cidr_notation_are_parsed(void **state)
{
	static const char *const bad[] = { "", "/", "10.0.0.0", "10.0.0.0/",
		"10.0.0.0/24 ", " 10.0.0.0/24", "10.0.0/24", "10.0.0.0.0/24",
		"010.0.0.0/24", "10.0.0.00/24", "10.0.0.256/24", "10.0.0.0/024",
		"10.0.0.0/-1", "10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/30",
		"10.0.0.0/32", "10.0.0.0/4294967312", "0xa.0.0.0/24",
		"172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16",
		"127.0.0.0/16", "0.0.0.0/16", "10.0.0.2/29", "10.0.0.4/29",
		"10.0.0.7/29", "10.0.1.1/16", "172.32.0.1/16", "10.0.0.1/30",
		"10.0.0.1/15", "fd00::/64" };
	struct subnet subnet = { 0 };
	const char *reason = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		if (subnet_parse(bad[i], &subnet, &reason) == 0) {
			fail_msg("taken: \"%s\"", bad[i]);
		}
		assert_non_null(reason);
	}
	assert_int_equal(
	    subnet_parse("172.31.255.248/29", &subnet, &reason), 0);
	assert_int_equal(subnet.address, 0xac1ffff8);
	assert_int_equal(subnet_mask(&subnet), 0xfffffff8);
	/* The gateway's address stands for the network's. */
	assert_int_equal(
	    subnet_parse("192.168.255.249/29", &subnet, &reason), 0);
	assert_int_equal(subnet.address, 0xc0a8fff8);
	assert_int_equal(subnet.length, 29);
	assert_int_equal(subnet_parse("10.255.0.1/16", &subnet, &reason), 0);
	assert_int_equal(subnet.address, 0x0aff0000);
	assert_int_equal(subnet_of(0xc0a84001, 0xffffff00, &subnet), 0);
	assert_int_equal(subnet.address, 0xc0a84000);
	assert_int_equal(subnet.length, 24);
	assert_int_equal(subnet_of(1, 0xff00ff00, &subnet), -1);
	assert_int_equal(subnet_of(1, 0xffffffff, &subnet), 0);
	assert_int_equal(subnet.length, 32);
	assert_int_equal(subnet_of(1, 0, &subnet), 0);
	assert_int_equal(subnet.length, 0);
}

/* Goal: one of a thing is not named as if it were many. */
static void only_one_has_no_plural(void **state)
{
	(void)state;
	assert_string_equal(text_plural(0), "s");
	assert_string_equal(text_plural(1), "");
	assert_string_equal(text_plural(2), "s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_names_are_valid),
		cmocka_unit_test(
		    generated_strings_are_names_or_not_and_are_escaped),
		cmocka_unit_test(text_is_escaped_and_cut),
		cmocka_unit_test(
		    only_private_subnets_in_cidr_notation_are_parsed),
		cmocka_unit_test(only_one_has_no_plural),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
