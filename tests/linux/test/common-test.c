// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: tests/linux/common/spawn.c tests/linux/common/idmap.c

/*
 * The helpers of the stand-in's servers: programs that they start, and the IDs
 * of a user namespace.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../common/idmap.h"
#include "../common/spawn.h"

/* Goal: status, signal, and a program that is not there. */
static void run_returns_the_status_of_the_program(void **state)
{
	static const char *const seven[] = { "sh", "-c", "exit 7", NULL };
	static const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
	static const char *const nothing[] = { "/nonexistent", NULL };

	(void)state;
	assert_int_equal(spawn_run(seven), 7);
	assert_int_equal(spawn_run(killed), 128 + 9);
	assert_int_equal(spawn_run(nothing), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Goal: the child has its stdio, no descriptor of ours, a session of its own
 * and no blocked signal. */
static void a_spawned_program_has_its_own_stdio_session_and_signals(
    void **state)
{
	static const char *const argv[] = { "sh", "-c",
		/* A pipe would be there as well, and fork() blocks signals. */
		"ls /proc/$$/fd;"
		"cut -d' ' -f1,6 /proc/$$/stat;"
		"exec sed -n 's/^SigBlk:.0*//p' /proc/$$/status",
		NULL };
	struct spawn spawn = {
		.argv = argv,
		.stdio = { SPAWN_NULL, -1, SPAWN_INHERIT },
		.netns = -1,
		.session = true,
	};
	char text[256] = "";
	char wanted[256];
	size_t length = 0;
	ssize_t got;
	sigset_t set;
	int inherited = dup(0);
	int pipes[2];
	int status;
	pid_t pid;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(pipe(pipes), 0);
	spawn.stdio[1] = pipes[1];
	pid = spawn_start(&spawn);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	assert_true(pid > 0);
	close(pipes[1]);
	do {
		got = read(pipes[0], text + length, sizeof(text) - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(spawn_status(status), 0);
	snprintf(
	    wanted, sizeof(wanted), "0\n1\n2\n%d %d\n\n", (int)pid, (int)pid);
	assert_string_equal(text, wanted);
	close(pipes[0]);
	close(inherited);
}

static void the_ids_of_this_process_are_in_its_namespace(void **state)
{
	(void)state;
	assert_true(idmap_has_user(geteuid()));
	assert_true(idmap_has_group(getegid()));
	/* No namespace has the id that means "none". */
	assert_false(idmap_has_user((uid_t)-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_returns_the_status_of_the_program),
		cmocka_unit_test(
		    a_spawned_program_has_its_own_stdio_session_and_signals),
		cmocka_unit_test(the_ids_of_this_process_are_in_its_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
