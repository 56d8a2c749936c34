// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture.c tests/linux/test/xpc-fixture-launchd.c
// link: tests/linux/test/xpc-fixture-standin.c

/*
 * XPC objects: their contents, their ownership, and that neither their size nor
 * their depth nor their bytes do harm.
 */

#include "xpc-fixture-standin.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DEEP 10000

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

static void rule_11_set_value_retains_and_replaces(void **state)
{
	xpc_object_t all = xpc_dictionary_create_empty();
	xpc_object_t one = xpc_string_create("one");
	char key[] = "key";

	(void)state;
	xpc_dictionary_set_value(all, key, one);
	key[0] = 'X'; /* keys are copied */
	assert_ptr_equal(xpc_dictionary_get_value(all, "key"), one);
	xpc_release(one);
	assert_int_equal(standin_objects_alive("string"), 1);
	xpc_dictionary_set_string(all, "key", "two");
	assert_int_equal(standin_objects_alive("string"), 1);
	assert_string_equal(xpc_dictionary_get_string(all, "key"), "two");
	/* The value that is there already, once more. */
	xpc_dictionary_set_value(
	    all, "key", xpc_dictionary_get_value(all, "key"));
	assert_string_equal(xpc_dictionary_get_string(all, "key"), "two");
	xpc_dictionary_set_value(all, "key", NULL);
	assert_int_equal(standin_objects_alive("string"), 0);
	assert_int_equal(xpc_dictionary_get_count(all), 0);
	xpc_dictionary_set_value(all, "key", NULL);
	xpc_release(all);
	assert_int_equal(standin_objects_alive("dictionary"), 0);
}

/* Many keys, added and removed in another order. */
static void dictionaries_find_what_they_hold(void **state)
{
	xpc_object_t all = xpc_dictionary_create_empty();
	char key[32];
	int i, n = 5000;

	(void)state;
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		xpc_dictionary_set_int64(all, key, i);
	}
	for (i = 0; i < n; i += 3) {
		snprintf(key, sizeof(key), "key %d", (i * 7) % n);
		xpc_dictionary_set_value(all, key, NULL);
		xpc_dictionary_set_int64(all, key, (i * 7) % n);
	}
	assert_int_equal(xpc_dictionary_get_count(all), n);
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		assert_int_equal(xpc_dictionary_get_int64(all, key), i);
		xpc_dictionary_set_value(all, key, NULL);
		assert_null(xpc_dictionary_get_value(all, key));
	}
	assert_int_equal(xpc_dictionary_get_count(all), 0);
	xpc_release(all);
}

static void dictionaries_are_walked(void **state)
{
	const char *const keys[] = { "a", "b", "c" };
	xpc_object_t values[] = { xpc_int64_create(1), xpc_int64_create(2),
		NULL };
	xpc_object_t all = xpc_dictionary_create(keys, values, 3);
	__block int64_t sum = 0;
	bool complete;

	(void)state;
	assert_int_equal(xpc_dictionary_get_count(all), 2);
	complete = xpc_dictionary_apply(
	    all, ^bool(const char *key, xpc_object_t value) {
		    sum += xpc_int64_get_value(value) * (key[0] - 'a' + 1);
		    return true;
	    });
	assert_true(complete);
	assert_int_equal(sum, 5);
	complete = xpc_dictionary_apply(
	    all, ^bool(const char *key, xpc_object_t value) {
		    (void)key;
		    (void)value;
		    return false;
	    });
	assert_false(complete);
	xpc_release(all);
	release_all(values, 2);
}

static void arrays_hold_values(void **state)
{
	xpc_object_t one = xpc_int64_create(1);
	xpc_object_t all = xpc_array_create(&one, 1);
	__block size_t seen = 0;

	(void)state;
	xpc_release(one);
	xpc_array_append_value(all, (xpc_object_t)XPC_BOOL_TRUE);
	xpc_array_set_string(all, XPC_ARRAY_APPEND, "three");
	xpc_array_set_uint64(all, 0, 9);
	assert_int_equal(standin_objects_alive("int64"), 0);
	assert_int_equal(xpc_array_get_count(all), 3);
	assert_int_equal(xpc_array_get_uint64(all, 0), 9);
	assert_int_equal(xpc_array_get_int64(all, 0), 0);
	assert_true(xpc_array_get_bool(all, 1));
	assert_string_equal(xpc_array_get_string(all, 2), "three");
	assert_null(xpc_array_get_data(all, 2, NULL));
	assert_int_equal(xpc_array_dup_fd(all, 2), -1);
	assert_true(xpc_array_apply(all, ^bool(size_t i, xpc_object_t value) {
		seen += i + (value != NULL);
		return true;
	}));
	assert_int_equal(seen, 6);
	xpc_release(all);
}

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

/* {"a": {"a": ... [[[ 1 ]]] ...}} */
static xpc_object_t deep_object(int depth)
{
	xpc_object_t inner = xpc_int64_create(1), outer;

	for (; depth > 0; depth--) {
		if (depth % 2 == 0) {
			outer = xpc_array_create(&inner, 1);
		} else {
			outer = xpc_dictionary_create_empty();
			xpc_dictionary_set_value(outer, "a", inner);
		}
		xpc_release(inner);
		inner = outer;
	}
	return inner;
}

static void *walk_deep(void *unused)
{
	xpc_object_t one = deep_object(DEEP), other = deep_object(DEEP);
	xpc_object_t copy = xpc_copy(one);
	char *text = xpc_copy_description(one);

	(void)unused;
	assert_true(xpc_equal(one, other));
	assert_true(xpc_equal(one, copy));
	assert_ptr_not_equal(one, copy);
	assert_true(xpc_hash(one) == xpc_hash(copy));
	free(text);
	xpc_release(one);
	xpc_release(other);
	xpc_release(copy);
	return NULL;
}

/* On a stack that any recursion would overflow. */
static void depth_costs_no_stack(void **state)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)state;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	assert_int_equal(
	    pthread_create(&thread, &attributes, walk_deep, NULL), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	assert_int_equal(standin_objects_alive("dictionary"), 0);
	assert_int_equal(standin_objects_alive("array"), 0);
	assert_int_equal(standin_objects_alive("int64"), 0);
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
		cmocka_unit_test(rule_11_set_value_retains_and_replaces),
		cmocka_unit_test(dictionaries_find_what_they_hold),
		cmocka_unit_test(dictionaries_are_walked),
		cmocka_unit_test(arrays_hold_values),
		cmocka_unit_test(data_is_copied),
		cmocka_unit_test(strings_are_formatted),
		cmocka_unit_test(rule_13_descriptors_are_duplicated),
		cmocka_unit_test(shared_memory_is_shared),
		cmocka_unit_test(depth_costs_no_stack),
		cmocka_unit_test(copies_are_deep),
		cmocka_unit_test(equality_is_by_type_and_value),
		cmocka_unit_test(descriptions_name_everything),
		cmocka_unit_test(uuids_are_parsed_and_printed),
		cmocka_unit_test(objects_are_shared_between_threads),
		cmocka_unit_test(misuse_aborts_and_says_why),
	};

	if (argc == 3 && strcmp(argv[1], "misuse") == 0) {
		return misuse(argv[2]);
	}
	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
