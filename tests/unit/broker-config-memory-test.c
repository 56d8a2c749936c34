// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// fixture: broker-config-fixture

/*
 * What becomes of networks.json when memory runs out.
 */

#include <stdio.h>
#include <string.h>

#include <standin.h>

#include "broker-config-fixture.h"

/* Goal: S7: whichever allocation fails, the file is taken whole or refused, and
 * nothing leaks. */
static void without_memory_a_file_is_refused(void **state)
{
	static const char text[] =
	    "{\"a\": {\"mode\": \"none\"}, \"b\": {\"mode\": \"host\"}}";
	enum config_result result = CONFIG_REFUSED;
	char plan[32];

	(void)state;
	for (int i = 1; result != CONFIG_LOADED; i++) {
		struct config *config = config_create(0);

		assert_in_range(i, 1, 500);
		write_file(text, strlen(text));
		snprintf(plan, sizeof(plan), "malloc:%d", i);
		standin_fail(plan);
		result = config_load(config, path, 0);
		standin_fail(NULL);
		assert_int_equal(remove(path), 0);
		if (result == CONFIG_REFUSED) {
			/* jansson does not always know the reason. */
			assert_non_null(config_find_problem(config, "b"));
			assert_int_equal(config->count, 2);
		} else {
			assert_int_equal(config->problem_count, 1);
			assert_int_equal(config->count, 4);
		}
		config_destroy(config);
	}
	/* Not even a reason. */
	struct config *config = config_create(0);

	write_file(text, strlen(text));
	standin_fail("malloc:1+");
	result = config_load(config, path, 0);
	standin_fail(NULL);
	assert_int_equal(remove(path), 0);
	assert_int_equal(result, CONFIG_REFUSED);
	assert_string_equal(config_find_problem(config, "b"), "out of memory");
	config_destroy(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_a_file_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
