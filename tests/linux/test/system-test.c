// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// flags: -Wno-unused-parameter

/*
 * Features of macOS's C library and kernel that Linux does not have, except
 * those of sockets.
 */

#include <sys/sysctl.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkern/OSByteOrder.h>
#include <libproc.h>
#include <mach-o/dyld.h>
#include <netinet/in.h>
#include <os/lock.h>
#include <os/signpost.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "death.h"

static char directory[] = "/tmp/system-test-XXXXXX";

static int setup(void **state)
{
	return mkdtemp(directory) == NULL;
}

static int teardown(void **state)
{
	return rmdir(directory);
}

static void in_directory(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", directory, name);
}

/* Goal: open() locks, before it cuts, and the second cannot. */
static void open_locks_the_file_before_it_truncates_it(void **state)
{
	char path[64];
	char text[2];
	int first;

	in_directory(path, sizeof(path), "lock");
	first = open(path, O_RDWR | O_CREAT | O_EXLOCK | O_TRUNC, 0600);
	assert_true(first != -1);
	assert_int_equal(write(first, "7", 1), 1);
	assert_int_equal(
	    open(path, O_WRONLY | O_EXLOCK | O_TRUNC | O_NONBLOCK), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(open(path, O_RDONLY | O_SHLOCK | O_NONBLOCK), -1);
	assert_int_equal(pread(first, text, sizeof(text), 0), 1);
	close(first);
	first = open(path, O_RDONLY | O_SHLOCK | O_NONBLOCK);
	assert_true(first != -1);
	close(first);
	assert_int_equal(unlink(path), 0);
}

/* Goal: a descriptor knows its path. */
static void a_descriptor_knows_its_path(void **state)
{
	char path[MAXPATHLEN];
	int fd = open("/", O_RDONLY);

	assert_int_equal(fcntl(fd, F_GETPATH, path), 0);
	assert_string_equal(path, "/");
	close(fd);
	assert_int_equal(fcntl(fd, F_GETPATH, path), -1);
	assert_int_equal(errno, EBADF);
}

/* Goal: sysctl describes the Mac. */
static void sysctl_describes_the_mac(void **state)
{
	int release[] = { CTL_KERN, KERN_OSRELEASE };
	char text[64];
	size_t size = 0;
	uint64_t memory = 0;
	int cpus = 0;

	setenv("STANDIN_MACOS", "26.1", 1);
	assert_int_equal(
	    sysctlbyname("kern.osproductversion", NULL, &size, NULL, 0), 0);
	assert_int_equal(size, sizeof("26.1"));
	size = sizeof(text);
	assert_int_equal(
	    sysctlbyname("kern.osproductversion", text, &size, NULL, 0), 0);
	assert_string_equal(text, "26.1");
	size = sizeof(text);
	assert_int_equal(sysctl(release, 2, text, &size, NULL, 0), 0);
	assert_string_equal(text, "25.1.0");
	unsetenv("STANDIN_MACOS");
	size = 2;
	assert_int_equal(sysctlbyname("kern.ostype", text, &size, NULL, 0), -1);
	assert_int_equal(errno, ENOMEM);
	size = sizeof(cpus);
	assert_int_equal(sysctlbyname("hw.ncpu", &cpus, &size, NULL, 0), 0);
	assert_true(cpus > 0);
	size = sizeof(memory);
	assert_int_equal(
	    sysctlbyname("hw.memsize", &memory, &size, NULL, 0), 0);
	assert_true(memory > 0);
	assert_int_equal(sysctlbyname("kern.none", NULL, NULL, NULL, 0), -1);
	assert_int_equal(errno, ENOENT);
}

/* Goal: a program finds itself. */
static void a_program_finds_its_own_path_and_name(void **state)
{
	char first[MAXPATHLEN];
	char second[PROC_PIDPATHINFO_MAXSIZE];
	char name[64];
	uint32_t size = 1;

	assert_int_equal(_NSGetExecutablePath(first, &size), -1);
	assert_in_range(size, 2, sizeof(first));
	assert_int_equal(_NSGetExecutablePath(first, &size), 0);
	assert_int_equal(
	    proc_pidpath(getpid(), second, sizeof(second)), strlen(first));
	assert_string_equal(first, second);
	assert_true(proc_name(getpid(), name, sizeof(name)) > 0);
	assert_int_equal(strncmp(name, "system-test", strlen(name)), 0);
	assert_int_equal(proc_pidpath(0x7fffffff, second, sizeof(second)), 0);
	assert_int_equal(errno, ESRCH);
}

static os_unfair_lock lock = OS_UNFAIR_LOCK_INIT;
static int counter;

static void *count(void *unused)
{
	for (int i = 0; i < 10000; i++) {
		os_unfair_lock_lock(&lock);
		counter++;
		os_unfair_lock_unlock(&lock);
	}
	return NULL;
}

static void *try_lock(void *unused)
{
	return os_unfair_lock_trylock(&lock) ? &lock : NULL;
}

/* Goal: one at a time. */
static void an_unfair_lock_has_one_owner_at_a_time(void **state)
{
	pthread_t threads[4];
	void *result;

	os_unfair_lock_assert_not_owner(&lock);
	for (int i = 0; i < 4; i++) {
		pthread_create(&threads[i], NULL, count, NULL);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(counter, 40000);
	assert_true(os_unfair_lock_trylock(&lock));
	os_unfair_lock_assert_owner(&lock);
	pthread_create(&threads[0], NULL, try_lock, NULL);
	pthread_join(threads[0], &result);
	assert_null(result);
	os_unfair_lock_unlock(&lock);
}

static void lock_twice(void)
{
	os_unfair_lock_lock(&lock);
	os_unfair_lock_lock(&lock);
}

static void unlock_unlocked(void)
{
	os_unfair_lock_unlock(&lock);
}

static void assert_abort(const char *name, const char *why)
{
	char text[8192];
	int status = death_run(name, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, why));
}

static const struct death cases[] = {
	{ "twice", lock_twice },
	{ "unlocked", unlock_unlocked },
};

/* Goal: misuse ends the process with a message. */
static void misuse_of_an_unfair_lock_aborts_and_says_why(void **state)
{
	assert_abort("twice", "recursively lock");
	assert_abort("unlocked", "not owned");
}

/* Goal: only existing QoS classes are accepted. */
static void only_the_known_qos_classes_are_accepted(void **state)
{
	assert_int_equal(
	    pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0), 0);
	assert_int_equal(
	    pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 1), EINVAL);
	assert_int_equal(
	    pthread_set_qos_class_self_np((qos_class_t)1, 0), EINVAL);
}

static int never(void)
{
	fail();
	return 0;
}

/* Goal: signposts compile, cost no evaluation, and are off. */
static void signposts_are_off_and_evaluate_nothing(void **state)
{
	os_log_t log = os_log_create("test", "signpost");

	assert_false(os_signpost_enabled(log));
	os_signpost_interval_begin(log, OS_SIGNPOST_ID_EXCLUSIVE, "name");
	os_signpost_event_emit(
	    log, OS_SIGNPOST_ID_EXCLUSIVE, "name", "%d frames", never());
	os_signpost_interval_end(
	    log, OS_SIGNPOST_ID_EXCLUSIVE, "name", "%d frames", 1);
	os_release(log);
}

/* Goal: a format that is right on macOS is right here, and the other way. */
static void formats_that_are_right_on_macos_are_right_here(void **state)
{
	char text[64];
	uint64_t number = UINT64_MAX;
	int64_t signed_number = INT64_MIN;

	snprintf(text, sizeof(text), "%llu", number);
	assert_string_equal(text, "18446744073709551615");
	snprintf(text, sizeof(text), "%lld", signed_number);
	assert_string_equal(text, "-9223372036854775808");
	snprintf(text, sizeof(text), "%" PRIx64, UINT64_C(0xabc));
	assert_string_equal(text, "abc");
}

/* Goal: bytes are swapped, or not. */
static void bytes_are_swapped_to_the_named_order(void **state)
{
	uint8_t bytes[4];

	assert_int_equal(OSSwapHostToBigInt16(0x1234), htons(0x1234));
	assert_int_equal(OSSwapLittleToHostInt32(0x12345678), 0x12345678);
	OSWriteBigInt32(bytes, 0, 0x01020304);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(OSReadBigInt32(bytes, 0), 0x01020304);
	assert_int_equal(OSReadLittleInt16(bytes, 2), 0x0403);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_locks_the_file_before_it_truncates_it),
		cmocka_unit_test(a_descriptor_knows_its_path),
		cmocka_unit_test(sysctl_describes_the_mac),
		cmocka_unit_test(a_program_finds_its_own_path_and_name),
		cmocka_unit_test(an_unfair_lock_has_one_owner_at_a_time),
		cmocka_unit_test(misuse_of_an_unfair_lock_aborts_and_says_why),
		cmocka_unit_test(only_the_known_qos_classes_are_accepted),
		cmocka_unit_test(signposts_are_off_and_evaluate_nothing),
		cmocka_unit_test(
		    formats_that_are_right_on_macos_are_right_here),
		cmocka_unit_test(bytes_are_swapped_to_the_named_order),
	};

	death_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
	return cmocka_run_group_tests(tests, setup, teardown);
}
