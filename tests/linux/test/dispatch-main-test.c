// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
//
// The dispatch stand-in: dispatch_main(), and the signals that end a program as on
// macOS.

#include <dispatch/dispatch.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "death.h"

/* As on macOS, watching a signal does not keep it from killing. */
static void signal_default(void)
{
	dispatch_source_t source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0, NULL);

	dispatch_source_set_event_handler(source,
	    ^{
	    });
	dispatch_activate(source);
	raise(SIGTERM);
}

/* After dispatch_main() no thread is the main queue's own. */
static void main_runs(void)
{
	pthread_t self = pthread_self();
	__block bool before = false;

	dispatch_suspend(dispatch_get_main_queue());
	dispatch_async(dispatch_get_main_queue(), ^{
		before = !pthread_equal(self, pthread_self());
	});
	dispatch_resume(dispatch_get_main_queue());
	dispatch_async(dispatch_get_global_queue(0, 0), ^{
		pthread_t worker = pthread_self();

		dispatch_sync(dispatch_get_main_queue(), ^{
			dispatch_assert_queue(dispatch_get_main_queue());
			exit(before && pthread_equal(worker, pthread_self())
				? 42
				: 1);
		});
	});
	dispatch_main();
}

/* A worker that writes to a closed pipe ends the program, as on macOS. */
static void worker_pipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	dispatch_async(dispatch_get_global_queue(0, 0), ^{
		int fds[2];

		if (pipe(fds) == -1) {
			exit(1);
		}
		close(fds[0]);
		exit(write(fds[1], "x", 1) == -1 ? 2 : 3);
	});
	dispatch_main();
}

static const struct death cases[] = {
	{ "signal-default", signal_default },
	{ "main-runs", main_runs },
	{ "worker-pipe", worker_pipe },
};

/* Goal: a watched signal that is not ignored kills, as on macOS. */
static void a_watched_signal_that_is_not_ignored_kills(void **state)
{
	char text[8192];
	int status = death_run("signal-default", text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* Goal: SIGPIPE is not blocked in a worker. */
static void a_worker_that_writes_to_a_closed_pipe_is_killed(void **state)
{
	char text[8192];
	int status = death_run("worker-pipe", text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPIPE);
}

/* Goal: dispatch_main() serves the main queue, on the pool's threads. */
static void dispatch_main_serves_the_main_queue(void **state)
{
	char text[8192];
	int status = death_run("main-runs", text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watched_signal_that_is_not_ignored_kills),
		cmocka_unit_test(dispatch_main_serves_the_main_queue),
		cmocka_unit_test(
		    a_worker_that_writes_to_a_closed_pipe_is_killed),
	};

	death_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
	alarm(120);
	return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
