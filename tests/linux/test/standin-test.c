// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan plain
// flags: -Wno-unused-parameter

/*
 * Features of the stand-in that macOS does not have: object counts, and the
 * clock that processes share; and os_log.
 */

#include <dispatch/dispatch.h>
#include <os/log.h>
#include <standin.h>

#include <TargetConditionals.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "death.h"

#define SECOND ((int64_t)NSEC_PER_SEC)

static char directory[] = "/tmp/standin-test.XXXXXX";

static const char *in_directory(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void read_file(const char *name, char *text, size_t size)
{
	int fd = open(in_directory(name), O_RDONLY);
	ssize_t got = read(fd, text, size - 1);

	assert_true(got != -1);
	text[got] = '\0';
	close(fd);
}

static int setup(void **state)
{
	int fd;

	if (mkdtemp(directory) == NULL) {
		return -1;
	}
	setenv("STANDIN_DIR", directory, 1);
	fd = open(in_directory("log"), O_WRONLY | O_CREAT, 0600);
	return close(fd);
}

static int teardown(void **state)
{
	unlink(in_directory("log"));
	unlink(in_directory("count"));
	unlink(in_directory("clock"));
	return rmdir(directory);
}

/* Goal: a file that the wrapped open() makes has the mode that was asked. */
static void open_creates_a_file_with_the_mode_that_was_asked_for(void **state)
{
	struct stat status;
	int fd = open(in_directory("count"), O_CREAT | O_WRONLY, 0640);

	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	close(fd);
	unlink(in_directory("count"));
}

/* Goal: the objects that exist at exit are reported by type. */
static void leave_objects(void)
{
	static void *objects[3];

	objects[0] = dispatch_queue_create("q", NULL);
	objects[1] = dispatch_queue_create("q", NULL);
	objects[2] = dispatch_group_create();
	dispatch_release(dispatch_semaphore_create(0));
}

static void the_objects_at_exit_are_reported_by_type(void **state)
{
	char text[1024];

	setenv("STANDIN_COUNT", in_directory("count"), 1);
	assert_int_equal(death_run("objects", text, sizeof(text)), 0);
	unsetenv("STANDIN_COUNT");
	read_file("count", text, sizeof(text));
	assert_string_equal(text, "dispatch_queue 2\ndispatch_group 1\n");
}

#define CLOCK_TOOL "build/linux/plain/bin/standin-clock"

/* Goal: a clock in a file wakes the processes that share it. */
static void share_clock(void)
{
	dispatch_semaphore_t never = dispatch_semaphore_create(0);
	uint64_t before = standin_clock_now();
	char command[512];

	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, 3600 * SECOND),
	    dispatch_get_global_queue(0, 0), ^{
		    exit(standin_clock_now() - before == 3600 * NSEC_PER_SEC
			    ? 42
			    : 1);
	    });
	snprintf(command, sizeof(command), "unset STANDIN_CLOCK; %s '%s' 1h",
	    CLOCK_TOOL, getenv("STANDIN_CLOCK"));
	if (system(command) != 0) {
		exit(2);
	}
	dispatch_semaphore_wait(never, DISPATCH_TIME_FOREVER);
}

static void a_clock_in_a_file_wakes_all_processes_that_share_it(void **state)
{
	char text[4096];
	int status;

	snprintf(text, sizeof(text), "%s '%s' create", CLOCK_TOOL,
	    in_directory("clock"));
	assert_int_equal(system(text), 0);
	setenv("STANDIN_CLOCK", in_directory("clock"), 1);
	status = death_run("clock", text, sizeof(text));
	unsetenv("STANDIN_CLOCK");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 42) {
		print_error("status %#x, text: %s\n", status, text);
		fail();
	}
}

/* Goal: a line of os_log is what the log of macOS would show. */
static void a_line_of_os_log_is_as_in_the_log_of_macos(void **state)
{
	os_log_t log = os_log_create("com.example", "test");
	const char *name = "dynamic";
	char text[8192];
	char wanted[512];

	assert_ptr_equal(log, os_log_create("com.example", "test"));
	errno = ENOENT;
	os_log_error(log, "%s %{public}s %{public, mask.none}s %{private}d %m",
	    name, name, name, 5);
	os_log(log, "%5.2f %-4d| %x %lld %zu %c %% %{errno}d %{bool}d %.*s",
	    1.5, 7, 255u, 1ll << 40, (size_t)3, 'c', EPERM, 1, 2, name);
	os_log_debug(log, "never seen");
	os_log_with_type(OS_LOG_DEFAULT, OS_LOG_TYPE_FAULT, "two\nlines");
	snprintf(wanted, sizeof(wanted),
	    "%s[%d] error com.example:test: <private> dynamic dynamic "
	    "<private> No such file or directory\n"
	    "%s[%d] default com.example:test:  1.50 7   | ff 1099511627776 "
	    "3 c %% [1: Operation not permitted] true <private>\n"
	    "%s[%d] fault :: two lines\n",
	    getprogname(), getpid(), getprogname(), getpid(), getprogname(),
	    getpid());
	read_file("log", text, sizeof(text));
	assert_string_equal(text, wanted);
	assert_int_equal(truncate(in_directory("log"), 0), 0);
}

/* Goal: a long message is cut, not lost, and its line still ends. */
static void a_long_log_message_is_truncated_and_its_line_ends(void **state)
{
	char text[8192];
	char name[3000];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	os_log(OS_LOG_DEFAULT, "%{public}s", name);
	read_file("log", text, sizeof(text));
	assert_int_equal(strspn(strchr(text, 'x'), "x"), 1023);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(truncate(in_directory("log"), 0), 0);
}

/* Goal: the compile-time checks of programs for macOS compile and are true. */
static void builtin_available_compiles_and_is_true(void **state)
{
	bool available = false;

	if (__builtin_available(macOS 26.0, *)) {
		available = true;
	}
	assert_true(available);
	assert_true(TARGET_OS_OSX);
}

int main(int argc, char **argv)
{
	static const struct death cases[] = {
		{ "objects", leave_objects },
		{ "clock", share_clock },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    open_creates_a_file_with_the_mode_that_was_asked_for),
		cmocka_unit_test(the_objects_at_exit_are_reported_by_type),
		cmocka_unit_test(
		    a_clock_in_a_file_wakes_all_processes_that_share_it),
		cmocka_unit_test(a_line_of_os_log_is_as_in_the_log_of_macos),
		cmocka_unit_test(
		    a_long_log_message_is_truncated_and_its_line_ends),
		cmocka_unit_test(builtin_available_compiles_and_is_true),
	};

	death_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
	alarm(120);
	return cmocka_run_group_tests_name("stand-in", tests, setup, teardown);
}
