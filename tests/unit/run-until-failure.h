// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * cmocka's tests, in a program that has threads, clients and connections. When an
 * assertion fails, cmocka leaves the test, but not what it has started, and goes
 * on with a tear-down that waits for it in vain. Here the program ends instead, at
 * once: with the message, the line of that test, and without the tests after it,
 * which run-tests misses and counts as one more failure. The same when a test
 * waits in vain.
 */

#ifndef RUN_UNTIL_FAILURE_H
#define RUN_UNTIL_FAILURE_H

/* What cmocka.h needs before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* As cmocka_run_group_tests(), for an array. */
#define RUN_UNTIL_FAILURE(tests, set_up, tear_down)                            \
	run_until_failure(                                                     \
	    tests, sizeof(tests) / sizeof(tests[0]), set_up, tear_down)

/* The result is for main(). Once in a process. */
int run_until_failure(const struct CMUnitTest *tests, size_t count,
    CMFixtureFunction set_up, CMFixtureFunction tear_down);

#endif
