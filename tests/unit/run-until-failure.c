// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "run-until-failure.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing waits for time: what takes minutes hangs. */
#define SECONDS 200

static const struct CMUnitTest *all;
static struct CMUnitTest *wrapped;
static size_t started;
static pid_t process;

/* Each test has this as its set-up, so that it is known which one runs. */
static int begin(void **state)
{
	const struct CMUnitTest *test = &all[started++];

	return test->setup_func == NULL ? 0 : test->setup_func(state);
}

/* SIGABRT: cmocka has printed the message. A child that a test forked is not
 * the one that reports. */
static void on_signal(int number)
{
	char line[256];

	if (getpid() == process && started > 0) {
		int length = snprintf(line, sizeof(line),
		    "\nnot ok %zu - %s%s\n", started, all[started - 1].name,
		    number == SIGALRM ? ": it hangs" : "");

		if (write(STDOUT_FILENO, line, (size_t)length) == length) {
			_exit(1);
		}
	}
	signal(number, SIG_DFL);
	raise(number);
}

int run_until_failure(const struct CMUnitTest *tests, size_t count,
    CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
	int failed = 0;

	all = tests;
	process = getpid();
	wrapped = calloc(count, sizeof(*wrapped));
	if (wrapped == NULL || setenv("CMOCKA_TEST_ABORT", "1", 1) != 0) {
		perror("run_until_failure");
		return 1;
	}
	memcpy(wrapped, tests, count * sizeof(*wrapped));
	for (size_t i = 0; i < count; i++) {
		wrapped[i].setup_func = begin;
	}
	signal(SIGABRT, on_signal);
	signal(SIGALRM, on_signal);
	alarm(SECONDS);
	failed =
	    _cmocka_run_group_tests("tests", wrapped, count, set_up, tear_down);
	free(wrapped);
	wrapped = NULL;
	return failed;
}
