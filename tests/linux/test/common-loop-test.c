// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan
// link: tests/linux/common/loop.c tests/linux/common/log.c
// link: tests/linux/common/spawn.c

/*
 * tests/linux/common/loop.h: what vmnetd and launchd wait with.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../common/loop.h"
#include "../common/spawn.h"

static struct watch watches[2];
static unsigned called;
static unsigned rounds;

/* Removes both, as a handler does that ends a client and its interface. */
static void remove_both(struct watch *watch)
{
	(void)watch;
	called++;
	for (int i = 0; i < 2; i++) {
		loop_remove(&watches[i]);
		close(watches[i].fd);
	}
}

static bool goes_on_twice(void)
{
	rounds++;
	return rounds < 2;
}

/* Makes the next round have an event, whatever else there is. */
static void wake(struct watch *watch)
{
	loop_remove(watch);
	close(watch->fd);
}

/* Goal: a handler may remove a watch that is ready at the same time, and its
 * handler is not called any more. */
static void a_removed_watch_gets_no_event(void **state)
{
	struct watch later = { .ready = wake };
	int pipes[3][2];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		watches[i].fd = pipes[i][0];
		watches[i].ready = remove_both;
		close(pipes[i][1]); /* at its end, so ready */
		loop_add(&watches[i]);
	}
	later.fd = pipes[2][0];
	close(pipes[2][1]);
	loop_add(&later);
	loop_run(goes_on_twice);
	assert_int_equal(rounds, 2);
	assert_int_equal(called, 1);
}

static pid_t reaped_pid;
static int reaped_status;
static bool stopped;

static void reaped(pid_t pid, int status)
{
	reaped_pid = pid;
	reaped_status = status;
	kill(getpid(), SIGTERM);
}

static void stop(void)
{
	stopped = true;
}

static bool not_stopped(void)
{
	return !stopped;
}

/* Goal: a child that ends and a SIGTERM are events, in the order in which they
 * happen. */
static void children_and_signals_are_events(void **state)
{
	static const char *const seven[] = { "sh", "-c", "exit 7", NULL };
	struct spawn spawn = {
		.argv = seven,
		.stdio = { SPAWN_NULL, SPAWN_INHERIT, SPAWN_INHERIT },
		.netns = -1,
	};
	pid_t pid;

	(void)state;
	loop_signals(reaped, stop);
	pid = spawn_start(&spawn);
	assert_int_not_equal(pid, -1);
	loop_run(not_stopped);
	assert_int_equal(reaped_pid, pid);
	assert_int_equal(spawn_status(reaped_status), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removed_watch_gets_no_event),
		cmocka_unit_test(children_and_signals_are_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
