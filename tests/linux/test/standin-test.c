// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan plain
// flags: -Wno-unused-parameter
//
// What the stand-in can do and macOS cannot: faults, object counts, the clock
// that processes share; and os_log.

#include <dispatch/dispatch.h>
#include <os/log.h>
#include <standin.h>

#include <TargetConditionals.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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
static void test_malloc_nth(void **state)
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
static void test_malloc_all(void **state)
{
	char *text = &directory[0];
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

/* Goal: the libraries are not hit when the program's allocations fail. */
static void test_malloc_not_libraries(void **state)
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
static void test_fd(void **state)
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

/* Goal: a file that the wrapped open() makes has the mode that was asked. */
static void test_open_mode(void **state)
{
	struct stat status;
	int fd = open(in_directory("count"), O_CREAT | O_WRONLY, 0640);

	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	close(fd);
	unlink(in_directory("count"));
}

/* Goal: a function fails with the status of the plan, or the usual one. */
static void test_status(void **state)
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
static void test_hang(void **state)
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

/* Goal: the objects that exist at exit are reported by type. */
static void leave_objects(void)
{
	static void *objects[3];

	objects[0] = dispatch_queue_create("q", NULL);
	objects[1] = dispatch_queue_create("q", NULL);
	objects[2] = dispatch_group_create();
	dispatch_release(dispatch_semaphore_create(0));
}

static void test_count(void **state)
{
	char text[1024];

	setenv("STANDIN_COUNT", in_directory("count"), 1);
	assert_int_equal(death_run("objects", text, sizeof(text)), 0);
	unsetenv("STANDIN_COUNT");
	read_file("count", text, sizeof(text));
	assert_string_equal(text, "dispatch_queue 2\ndispatch_group 1\n");
}

/* Goal: the environment makes the plan of a program that knows nothing. */
static void use_memory(void)
{
	kept = malloc(1);
	exit(kept == NULL ? 42 : 1);
}

static void test_environment(void **state)
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

static void test_bad_plan(void **state)
{
	char text[4096];
	int status = death_run("bad-plan", text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_non_null(strstr(text, "cannot read \"malloc:x\""));
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

static void test_shared_clock(void **state)
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
static void test_log(void **state)
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
static void test_log_long(void **state)
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

/* Goal: what programs for macOS ask the compiler compiles, and is true. */
static void test_available(void **state)
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
		{ "memory", use_memory },
		{ "bad-plan", bad_plan },
		{ "clock", share_clock },
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_malloc_nth, no_faults),
		cmocka_unit_test_teardown(test_malloc_all, no_faults),
		cmocka_unit_test_teardown(test_malloc_not_libraries, no_faults),
		cmocka_unit_test_teardown(test_fd, no_faults),
		cmocka_unit_test(test_open_mode),
		cmocka_unit_test_teardown(test_status, no_faults),
		cmocka_unit_test_teardown(test_hang, no_faults),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_bad_plan),
		cmocka_unit_test(test_shared_clock),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_long),
		cmocka_unit_test(test_available),
	};

	death_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
	alarm(120);
	return cmocka_run_group_tests_name("stand-in", tests, setup, teardown);
}
