// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c

/*
 * XPC dictionaries and arrays: what they hold, who owns it, and that deep ones
 * need no stack.
 */

#include "xpc-fixture-standin.h"

#define DEEP 10000

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
	xpc_release(values[0]);
	xpc_release(values[1]);
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
static void deep_objects_need_no_stack(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_11_set_value_retains_and_replaces),
		cmocka_unit_test(dictionaries_find_what_they_hold),
		cmocka_unit_test(dictionaries_are_walked),
		cmocka_unit_test(arrays_hold_values),
		cmocka_unit_test(deep_objects_need_no_stack),
	};

	fixture_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
