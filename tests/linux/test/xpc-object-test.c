// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * XPC objects of every type: getters never convert, copies are deep, equality
 * is by type and value, and misuse aborts.
 */

#include "xpc-fixture-standin.h"

#include <math.h>
#include <sys/mman.h>

static void release_all(xpc_object_t *objects, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		xpc_release(objects[i]);
	}
}

static xpc_object_t shmem(void)
{
	size_t size = 4096;
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	xpc_object_t object = xpc_shmem_create(region, size);

	munmap(region, size);
	return object;
}

#define TYPES 13

/* One of each type that a message can carry. */
static void one_of_each(xpc_object_t *objects)
{
	const uuid_t uuid = { 1, 2, 3 };

	objects[0] = xpc_null_create();
	objects[1] = xpc_bool_create(true);
	objects[2] = xpc_int64_create(INT64_MIN);
	objects[3] = xpc_uint64_create(UINT64_MAX);
	objects[4] = xpc_double_create(1.5);
	objects[5] = xpc_date_create(12345);
	objects[6] = xpc_data_create("a\0b", 3);
	objects[7] = xpc_string_create("text");
	objects[8] = xpc_uuid_create(uuid);
	objects[9] = xpc_fd_create(0);
	objects[10] = shmem();
	objects[11] = xpc_array_create_empty();
	objects[12] = xpc_dictionary_create_empty();
}

static void types_have_their_names(void **state)
{
	static const char *const names[TYPES] = { "null", "bool", "int64",
		"uint64", "double", "date", "data", "string", "uuid", "fd",
		"shmem", "array", "dictionary" };
	xpc_object_t objects[TYPES];

	(void)state;
	one_of_each(objects);
	for (size_t i = 0; i < TYPES; i++) {
		assert_string_equal(
		    xpc_type_get_name(xpc_get_type(objects[i])), names[i]);
	}
	assert_ptr_equal(xpc_get_type(INVALID), XPC_TYPE_ERROR);
	assert_string_equal(xpc_type_get_name(XPC_TYPE_ERROR), "error");
	assert_string_equal(
	    xpc_type_get_name(XPC_TYPE_CONNECTION), "connection");
	release_all(objects, TYPES);
}

/* Every getter, on every type but its own. */
static void rule_12_getters_never_convert(void **state)
{
	xpc_object_t objects[TYPES], all = xpc_dictionary_create_empty();
	char key[8];
	size_t length;

	(void)state;
	one_of_each(objects);
	for (size_t i = 0; i < TYPES; i++) {
		snprintf(key, sizeof(key), "%zu", i);
		xpc_dictionary_set_value(all, key, objects[i]);
	}
	for (size_t i = 0; i <= TYPES; i++) { /* the last one is not there */
		snprintf(key, sizeof(key), "%zu", i);
		assert_int_equal(xpc_dictionary_get_bool(all, key), i == 1);
		assert_int_equal(
		    xpc_dictionary_get_int64(all, key), i == 2 ? INT64_MIN : 0);
		assert_true(xpc_dictionary_get_uint64(all, key) ==
		    (i == 3 ? UINT64_MAX : 0));
		assert_int_equal(
		    isnan(xpc_dictionary_get_double(all, key)) != 0, i != 4);
		assert_int_equal(
		    xpc_dictionary_get_date(all, key), i == 5 ? 12345 : 0);
		length = 99;
		assert_int_equal(
		    xpc_dictionary_get_data(all, key, &length) == NULL, i != 6);
		assert_int_equal(length, i == 6 ? 3 : 99);
		assert_int_equal(
		    xpc_dictionary_get_string(all, key) == NULL, i != 7);
		assert_int_equal(
		    xpc_dictionary_get_uuid(all, key) == NULL, i != 8);
		if (i != 9) {
			assert_int_equal(xpc_dictionary_dup_fd(all, key), -1);
		}
		assert_int_equal(
		    xpc_dictionary_get_array(all, key) == NULL, i != 11);
		assert_int_equal(
		    xpc_dictionary_get_dictionary(all, key) == NULL, i != 12);
		assert_null(xpc_dictionary_create_connection(all, key));
		assert_int_equal(
		    xpc_dictionary_get_value(all, key) == NULL, i == TYPES);
	}
	xpc_release(all);
	release_all(objects, TYPES);
}

static void rule_12_errors_are_constants_with_a_description(void **state)
{
	(void)state;
	assert_ptr_equal(xpc_retain(INVALID), INVALID);
	xpc_release(INVALID);
	xpc_release(INVALID); /* constants do not die */
	assert_string_equal(
	    xpc_dictionary_get_string(INVALID, XPC_ERROR_KEY_DESCRIPTION),
	    "Connection invalid");
	assert_string_equal(
	    xpc_dictionary_get_string(INTERRUPTED, XPC_ERROR_KEY_DESCRIPTION),
	    "Connection interrupted");
	assert_non_null(
	    xpc_dictionary_get_string(TERMINATION, XPC_ERROR_KEY_DESCRIPTION));
	assert_null(xpc_dictionary_get_string(INVALID, "other"));
	assert_int_equal(xpc_dictionary_get_count(INVALID), 1);
}

static void copies_are_deep(void **state)
{
	xpc_object_t objects[TYPES], all, copy;

	(void)state;
	one_of_each(objects);
	xpc_dictionary_set_string(objects[12], "inner", "old");
	all = xpc_array_create(objects, TYPES);
	copy = xpc_copy(all);
	assert_true(xpc_equal(all, copy));
	assert_true(xpc_hash(all) == xpc_hash(copy));
	for (size_t i = 0; i < TYPES; i++) {
		assert_true(xpc_hash(objects[i]) ==
		    xpc_hash(xpc_array_get_value(copy, i)));
	}
	xpc_dictionary_set_string(objects[12], "inner", "new");
	assert_string_equal(
	    xpc_dictionary_get_string(xpc_array_get_value(copy, 12), "inner"),
	    "old");
	assert_false(xpc_equal(all, copy));
	release_all(objects, TYPES);
	xpc_release(all);
	xpc_release(copy);
}

static void equality_is_by_type_and_value(void **state)
{
	xpc_object_t pairs[][2] = {
		{ xpc_int64_create(1), xpc_uint64_create(1) },
		{ xpc_int64_create(1), xpc_date_create(1) },
		{ xpc_string_create("a"), xpc_data_create("a", 1) },
		{ xpc_string_create("a"), xpc_string_create("b") },
		{ xpc_double_create(NAN), xpc_double_create(NAN) },
		{ xpc_array_create_empty(), xpc_dictionary_create_empty() },
		{ xpc_bool_create(true), xpc_bool_create(false) },
	};
	xpc_object_t zero = xpc_double_create(0),
		     negative = xpc_double_create(-0.0);

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		assert_false(xpc_equal(pairs[i][0], pairs[i][1]));
		assert_true(xpc_equal(pairs[i][0], pairs[i][0]));
		release_all(pairs[i], 2);
	}
	assert_true(xpc_equal(zero, negative));
	assert_true(xpc_hash(zero) == xpc_hash(negative));
	xpc_release(zero);
	xpc_release(negative);
}

static void descriptions_name_everything(void **state)
{
	xpc_object_t objects[TYPES], all;
	char *text, type[32];

	(void)state;
	one_of_each(objects);
	xpc_dictionary_set_value(objects[12], "list", objects[11]);
	all = xpc_array_create(objects, TYPES);
	text = xpc_copy_description(all);
	for (size_t i = 0; i < TYPES; i++) {
		snprintf(type, sizeof(type),
		    "<%s: ", xpc_type_get_name(xpc_get_type(objects[i])));
		assert_non_null(strstr(text, type));
	}
	assert_non_null(strstr(text, "\"list\" => <array"));
	assert_non_null(strstr(text, "contents = \"text\""));
	free(text);
	text = xpc_copy_description(INVALID);
	assert_non_null(strstr(text, "Connection invalid"));
	free(text);
	xpc_release(all);
	release_all(objects, TYPES);
}

static void objects_are_shared_between_threads(void **state)
{
	xpc_object_t text = xpc_string_create("shared");
	dispatch_queue_t queue = dispatch_get_global_queue(0, 0);

	(void)state;
	dispatch_apply(64, queue, ^(size_t i) {
		xpc_object_t list = xpc_array_create(&text, 1);

		(void)i;
		assert_true(xpc_equal(xpc_array_get_value(list, 0), text));
		xpc_release(list);
	});
	xpc_release(text);
	assert_int_equal(standin_objects_alive("string"), 0);
}

static void misuse_aborts_and_says_why(void **state)
{
	(void)state;
	expect_misuse("getter-on-string", "not of required type");
	expect_misuse("set-on-error", "not of required type");
	expect_misuse("index-out-of-range", "index 3 of an array of 0");
	expect_misuse("main", "xpc_main");
	expect_misuse("shmem-from-malloc", "must come from mmap");
}

static void accept_nobody(xpc_connection_t connection)
{
	(void)connection;
}

static int misuse(const char *name)
{
	xpc_object_t object;

	if (strcmp(name, "getter-on-string") == 0) {
		object = xpc_string_create("text");
		return xpc_dictionary_get_bool(object, "key");
	}
	if (strcmp(name, "set-on-error") == 0) {
		xpc_dictionary_set_bool(INVALID, "key", true);
	}
	if (strcmp(name, "index-out-of-range") == 0) {
		object = xpc_array_create_empty();
		return xpc_array_get_bool(object, 3);
	}
	if (strcmp(name, "main") == 0) {
		xpc_main(accept_nobody);
	}
	if (strcmp(name, "shmem-from-malloc") == 0) {
		object = xpc_shmem_create((char *)malloc(8192) + 1, 4096);
		xpc_release(object);
	}
	return 2;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_their_names),
		cmocka_unit_test(rule_12_getters_never_convert),
		cmocka_unit_test(
		    rule_12_errors_are_constants_with_a_description),
		cmocka_unit_test(copies_are_deep),
		cmocka_unit_test(equality_is_by_type_and_value),
		cmocka_unit_test(descriptions_name_everything),
		cmocka_unit_test(objects_are_shared_between_threads),
		cmocka_unit_test(misuse_aborts_and_says_why),
	};

	if (argc == 3 && strcmp(argv[1], "misuse") == 0) {
		return misuse(argv[2]);
	}
	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
