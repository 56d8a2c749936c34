// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan plain
// flags: -Wno-unused-parameter

/*
 * The faults that the stand-in can cause: failures and calls that do not
 * return.
 */

#include <dispatch/dispatch.h>
#include <standin.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "death.h"

static int no_faults(void **state)
{
	standin_fail(NULL);
	standin_unhang();
	return 0;
}

/* So that the compiler does not see through it. */
static void *volatile kept;

static bool can_allocate(void)
{
	kept = malloc(10);
	free(kept);
	return kept != NULL;
}

/* Goal: the nth allocation of the program fails, and only that. */
static void the_nth_allocation_fails_and_only_that(void **state)
{
	standin_fail("malloc:2,malloc:4");
	assert_true(can_allocate());
	assert_false(can_allocate());
	assert_int_equal(errno, ENOMEM);
	assert_true(can_allocate());
	assert_false(can_allocate());
	assert_true(can_allocate());
	assert_int_equal(standin_fail_count("malloc"), 5);
}

/* Goal: with "+" all from the nth on fail, whatever the function. */
static void all_allocations_from_the_nth_on_fail(void **state)
{
	char before[] = "before";
	char *text = before;
	char *copy = strdup("text");
	char *larger;

	standin_fail("malloc:1+");
	kept = calloc(2, 8);
	assert_null(kept);
	kept = strdup("x");
	assert_null(kept);
	kept = strndup("x", 1);
	assert_null(kept);
	assert_int_equal(asprintf(&text, "%d", 1), -1);
	assert_null(text);
	larger = realloc(copy, 100);
	assert_null(larger);
	assert_int_equal(posix_memalign((void **)&text, 16, 16), ENOMEM);
	standin_fail(NULL);
	assert_string_equal(copy, "text");
	free(copy);
	assert_true(can_allocate());
}

/* Goal: allocations of the libraries do not fail with the program's. */
static void allocations_of_the_libraries_do_not_fail(void **state)
{
	dispatch_queue_t queue;

	standin_fail("malloc:1+");
	queue = dispatch_queue_create("queue", NULL);
	assert_int_equal(standin_fail_count("malloc"), 0);
	standin_fail(NULL);
	assert_int_equal(standin_objects_alive("dispatch_queue"), 1);
	dispatch_release(queue);
	assert_int_equal(standin_objects_alive("dispatch_queue"), 0);
}

/* Goal: every way to get a descriptor can fail, and others do not. */
static void every_way_to_get_a_descriptor_can_fail(void **state)
{
	int fds[2];
	int fd = open("/dev/null", O_RDONLY);

	standin_fail("fd:1+");
	assert_int_equal(open("/dev/null", O_RDONLY), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(openat(AT_FDCWD, "/dev/null", O_RDONLY), -1);
	assert_int_equal(dup(fd), -1);
	assert_int_equal(fcntl(fd, F_DUPFD, 0), -1);
	assert_int_equal(fcntl(fd, F_DUPFD_CLOEXEC, 0), -1);
	assert_int_equal(socket(AF_UNIX, SOCK_STREAM, 0), -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), -1);
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EMFILE);
	assert_int_equal(pipe(fds), -1);
	assert_int_equal(standin_fail_count("fd"), 9);
	assert_int_equal(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	standin_fail(NULL);
	close(fd);
}

/* Goal: a function fails with the status of the plan, or the usual one. */
static void a_function_fails_with_the_status_of_the_plan(void **state)
{
	int status = 0;

	standin_fail("first:2=7,second:1,third=9");
	assert_false(standin_fault_status("first", &status));
	assert_int_equal(status, 0);
	assert_true(standin_fault_status("first", &status));
	assert_int_equal(status, 7);
	assert_false(standin_fault_status("first", &status));
	assert_true(standin_fault_status("second", &status));
	assert_int_equal(status, 1001);
	assert_true(standin_fault_status("third", &status));
	assert_true(standin_fault_status("third", &status));
	assert_int_equal(status, 9);
	assert_false(standin_fault_status("fourth", &status));
}

static void *hang(void *done)
{
	standin_fault_hang("function");
	dispatch_semaphore_signal(done);
	standin_fault_hang("function");
	dispatch_semaphore_signal(done);
	return NULL;
}

/* Goal: a hanging call returns when it is released, and not before. */
static void a_hanging_call_returns_when_it_is_released(void **state)
{
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	pthread_t thread;

	standin_hang("function:2");
	pthread_create(&thread, NULL, hang, done);
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	assert_int_not_equal(
	    dispatch_semaphore_wait(done, DISPATCH_TIME_NOW), 0);
	standin_unhang();
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	pthread_join(thread, NULL);
	dispatch_release(done);
}

/* Goal: the environment sets the plan of an unmodified program. */
static void use_memory(void)
{
	kept = malloc(1);
	exit(kept == NULL ? 42 : 1);
}

static void the_environment_can_contain_the_plan(void **state)
{
	char text[1024];
	int status;

	setenv("STANDIN_FAIL", "malloc:1", 1);
	status = death_run("memory", text, sizeof(text));
	unsetenv("STANDIN_FAIL");
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* Goal: a plan that cannot be read is an error. */
static void bad_plan(void)
{
	standin_fail("malloc:x");
}

static void a_plan_that_cannot_be_read_is_an_error(void **state)
{
	char text[4096];
	int status = death_run("bad-plan", text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(text, "cannot read \"malloc:x\""));
}

int main(int argc, char **argv)
{
	static const struct death cases[] = {
		{ "memory", use_memory },
		{ "bad-plan", bad_plan },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    the_nth_allocation_fails_and_only_that, no_faults),
		cmocka_unit_test_teardown(
		    all_allocations_from_the_nth_on_fail, no_faults),
		cmocka_unit_test_teardown(
		    allocations_of_the_libraries_do_not_fail, no_faults),
		cmocka_unit_test_teardown(
		    every_way_to_get_a_descriptor_can_fail, no_faults),
		cmocka_unit_test_teardown(
		    a_function_fails_with_the_status_of_the_plan, no_faults),
		cmocka_unit_test_teardown(
		    a_hanging_call_returns_when_it_is_released, no_faults),
		cmocka_unit_test(the_environment_can_contain_the_plan),
		cmocka_unit_test(a_plan_that_cannot_be_read_is_an_error),
	};

	death_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
	alarm(120);
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
