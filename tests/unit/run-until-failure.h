// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Runs cmocka tests in a program that has threads, clients and connections.
 * When an assertion fails, cmocka leaves the test without stopping what it has
 * started, and the tear-down then waits for ever. Here the program exits at
 * once instead, after the message and the line of that test. run-tests notices
 * that the tests after it are missing, and counts that as one more failure. The
 * same happens when a test waits too long.
 */

#ifndef RUN_UNTIL_FAILURE_H
#define RUN_UNTIL_FAILURE_H

/* cmocka.h requires these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* As cmocka_run_group_tests(), for an array. */
#define RUN_UNTIL_FAILURE(tests, set_up, tear_down)                            \
	run_until_failure(                                                     \
	    tests, sizeof(tests) / sizeof(tests[0]), set_up, tear_down)

/* Returns the result of main(). Call it once in a process. */
int run_until_failure(const struct CMUnitTest *tests, size_t count,
    CMFixtureFunction set_up, CMFixtureFunction tear_down);

#endif
