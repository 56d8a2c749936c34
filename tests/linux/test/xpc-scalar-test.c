// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * XPC data, strings, descriptors and shared memory, and the UUIDs of macOS:
 * whose memory they use.
 */

#include "xpc-fixture-standin.h"

#include <sys/mman.h>
#include <sys/stat.h>

static void data_is_copied(void **state)
{
	char bytes[] = "abc";
	xpc_object_t data = xpc_data_create(bytes, 3);
	char part[8] = "";

	(void)state;
	bytes[0] = 'X';
	assert_memory_equal(xpc_data_get_bytes_ptr(data), "abc", 3);
	assert_int_equal(xpc_data_get_bytes(data, part, 1, 8), 2);
	assert_string_equal(part, "bc");
	assert_int_equal(xpc_data_get_bytes(data, part, 3, 1), 0);
	assert_int_equal(xpc_data_get_bytes(data, part, SIZE_MAX, 1), 0);
	xpc_release(data);
	data = xpc_data_create(NULL, 0);
	assert_int_equal(xpc_data_get_length(data), 0);
	xpc_release(data);
}

static void strings_are_formatted(void **state)
{
	xpc_object_t text = xpc_string_create_with_format("%d %s", 7, "dwarfs");

	(void)state;
	assert_string_equal(xpc_string_get_string_ptr(text), "7 dwarfs");
	assert_int_equal(xpc_string_get_length(text), 8);
	xpc_release(text);
}

static void rule_13_descriptors_are_duplicated(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), out;
	size_t before = descriptors_to(fd);
	struct stat in_status, out_status;
	xpc_object_t object = xpc_fd_create(fd);

	(void)state;
	fstat(fd, &in_status);
	close(fd);
	out = xpc_fd_dup(object);
	assert_int_equal(fstat(out, &out_status), 0);
	assert_true(in_status.st_rdev == out_status.st_rdev);
	assert_int_equal(fcntl(out, F_GETFD), FD_CLOEXEC);
	xpc_release(object);
	assert_int_equal(fstat(out, &out_status), 0); /* it is the caller's */
	assert_int_equal(descriptors_to(out), before);
	close(out);
	assert_null(xpc_fd_create(-1));
	assert_null(xpc_fd_create(987654));
}

static void shared_memory_is_shared(void **state)
{
	size_t size = 2 * 4096;
	char *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	xpc_object_t object;
	void *other = NULL;

	(void)state;
	strcpy(region, "before");
	object = xpc_shmem_create(region, size);
	assert_int_equal(xpc_shmem_map(object, &other), size);
	assert_string_equal(other, "before");
	strcpy(region, "after");
	assert_string_equal(other, "after");
	xpc_release(object);
	munmap(other, size);
	munmap(region, size);
}

static void uuids_are_parsed_and_printed(void **state)
{
	const char *text = "01234567-89AB-CDEF-0123-456789abcdef";
	uuid_string_t out;
	uuid_t one, other;

	(void)state;
	assert_int_equal(uuid_parse(text, one), 0);
	uuid_unparse_lower(one, out);
	assert_string_equal(out, "01234567-89ab-cdef-0123-456789abcdef");
	uuid_unparse(one, out);
	assert_string_equal(out, "01234567-89AB-CDEF-0123-456789ABCDEF");
	assert_int_equal(uuid_parse("01234567", other), -1);
	assert_int_equal(
	    uuid_parse("01234567x89AB-CDEF-0123-456789abcdef", other), -1);
	assert_int_equal(
	    uuid_parse("0123456z-89AB-CDEF-0123-456789abcdef", other), -1);
	uuid_generate(other);
	assert_int_not_equal(uuid_compare(one, other), 0);
	uuid_clear(other);
	assert_true(uuid_is_null(other));
	uuid_copy(other, one);
	assert_int_equal(uuid_compare(one, other), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_copied),
		cmocka_unit_test(strings_are_formatted),
		cmocka_unit_test(rule_13_descriptors_are_duplicated),
		cmocka_unit_test(shared_memory_is_shared),
		cmocka_unit_test(uuids_are_parsed_and_printed),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
