// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: tests/unit/run-until-failure.c

/*
 * No test, but what run-tests-test.sh runs: the second of three tests fails,
 * and its tear-down waits for what the test did not come to do.
 */

#include <unistd.h>

#include "run-until-failure.h"

static int test_ended[2];

static void passes(void **unused)
{
	(void)unused;
}

static void fails(void **unused)
{
	(void)unused;
	assert_string_equal("found", "expected");
	assert_int_equal(write(test_ended[1], "", 1), 1);
}

static int wait_for_the_end(void **unused)
{
	char byte;

	(void)unused;
	return read(test_ended[0], &byte, 1) == 1 ? 0 : -1;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes),
		cmocka_unit_test_teardown(fails, wait_for_the_end),
		cmocka_unit_test(passes),
	};

	alarm(60);
	if (pipe(test_ended) != 0) {
		return 1;
	}
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
