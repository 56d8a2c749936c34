// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// link: broker/log.c

/*
 * The log: what is written where, and how much a client may cause.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

#define SECOND UINT64_C(1000000000)

/* Goal: ten lines a second are written, and the rest is counted. */
static void ten_lines_a_second_are_written_and_the_rest_is_counted(void **state)
{
	struct log_limit limit = { .lines = 10 };
	uint64_t suppressed = 0;
	uint64_t now = 5 * SECOND;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(log_limit_allow(&limit, now, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	for (int i = 0; i < 1000; i++) {
		now += SECOND / 1001;
		assert_false(log_limit_allow(&limit, now, &suppressed));
	}
	now = 6 * SECOND;
	assert_true(log_limit_allow(&limit, now, &suppressed));
	assert_int_equal(suppressed, 1000);
	assert_true(log_limit_allow(&limit, now, &suppressed));
	assert_int_equal(suppressed, 0);
}

/* Goal: in no second are there more than two windows' worth of lines. */
static void no_second_has_more_lines_than_two_windows(void **state)
{
	struct log_limit limit = { .lines = 10 };
	uint64_t suppressed = 0;
	uint64_t told = 0;
	uint64_t written = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000000; i++) {
		/* 100 s in a million steps. */
		if (log_limit_allow(&limit, i * SECOND / 10000, &suppressed)) {
			written++;
			told += suppressed;
		}
	}
	assert_int_equal(written, 1000);
	assert_int_equal(written + told + limit.suppressed, 1000000);
}

static void a_line_a_second_is_never_suppressed(void **state)
{
	struct log_limit limit = { .lines = 1 };
	uint64_t suppressed = 7;

	(void)state;
	for (uint64_t i = 1; i < 100; i++) {
		assert_true(log_limit_allow(&limit, i * SECOND, &suppressed));
		assert_int_equal(suppressed, 0);
	}
}

/* Runs write with stderr going to a pipe, and returns what came out. */
static size_t capture(void (*write_lines)(void), char *text, size_t size)
{
	int ends[2];
	int saved = dup(STDERR_FILENO);
	ssize_t length = 0;

	assert_int_equal(pipe(ends), 0);
	fflush(stderr);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	write_lines();
	fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	length = read(ends[0], text, size - 1);
	close(ends[0]);
	assert_true(length >= 0);
	text[length] = '\0';
	return (size_t)length;
}

static void write_all_levels(void)
{
	log_error("network %s: gone", "web");
	log_notice("two");
	log_info("three");
	log_debug("four");
}

/* The line without its time. */
static const char *behind_time(const char *line)
{
	assert_true(strlen(line) > 13);
	assert_int_equal(line[2], ':');
	assert_int_equal(line[8], '.');
	assert_int_equal(line[12], ' ');
	return line + 13;
}

static void in_the_foreground_lines_have_their_time(void **state)
{
	char text[1024];
	char *line = NULL;
	char *rest = text;

	(void)state;
	log_start(true, false);
	capture(write_all_levels, text, sizeof(text));
	line = strsep(&rest, "\n");
	assert_string_equal(behind_time(line), "network web: gone");
	line = strsep(&rest, "\n");
	assert_string_equal(behind_time(line), "two");
	line = strsep(&rest, "\n");
	assert_string_equal(behind_time(line), "three");
	assert_string_equal(rest, "");
}

static void debug_messages_are_written_when_asked_for(void **state)
{
	char text[1024];

	(void)state;
	log_start(true, true);
	capture(write_all_levels, text, sizeof(text));
	assert_non_null(strstr(text, " four\n"));
}

static void in_the_background_standard_error_stays_empty(void **state)
{
	char text[1024];

	(void)state;
	log_start(false, true);
	assert_int_equal(capture(write_all_levels, text, sizeof(text)), 0);
}

static void write_long(void)
{
	char line[5000];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	log_notice("%s", line);
}

/* Goal: a line that is too long is cut, and still one line. */
static void a_line_that_is_too_long_is_cut(void **state)
{
	char text[8192];
	size_t length = 0;

	(void)state;
	log_start(true, false);
	length = capture(write_long, text, sizeof(text));
	assert_in_range(length, 1000, 1100);
	assert_ptr_equal(strchr(text, '\n'), text + length - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    ten_lines_a_second_are_written_and_the_rest_is_counted),
		cmocka_unit_test(no_second_has_more_lines_than_two_windows),
		cmocka_unit_test(a_line_a_second_is_never_suppressed),
		cmocka_unit_test(in_the_foreground_lines_have_their_time),
		cmocka_unit_test(debug_messages_are_written_when_asked_for),
		cmocka_unit_test(in_the_background_standard_error_stays_empty),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
