// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-config-fixture

/*
 * Problems of networks.json: which networks and options each one affects.
 */

#include <stdio.h>
#include <string.h>

#include "broker-config-fixture.h"

/* Goal: an invalid number disables only its option; any other error may concern
 * access, so all networks are refused. */
static void a_bad_number_disables_its_option_and_other_errors_all_networks(
    void **state)
{
	static const char numbers[] =
	    "{\"$options\": {\"idle\": 0, \"linger\": \"x\", "
	    "\"max_clients_per_user\": 993}}";
	static const struct bad_text all[] = {
		{ "{\"$options\": 1}",
		    ":1:14: $options: must be an object, not a number" },
		{ "{\"$options\": {}, \"$options\": {}}",
		    ":1:18: duplicate key \"$options\"" },
		{ "{\"$option\": {}}",
		    ":1:2: unknown key \"$option\": did you mean "
		    "\"$options\"?" },
		{ "{\"$options\": {\"defalts\": {}}}",
		    ":1:15: $options: unknown key \"defalts\": did you mean "
		    "\"defaults\"?" },
		{ "{\"$options\": {\"defaults\": {\"alow\": {}}}}",
		    ":1:28: $options.defaults: unknown key \"alow\": did you "
		    "mean \"allow\"?" },
		{ "{\"$options\": {\"defaults\": {\"mtu\": 1}}}",
		    ":1:35: $options.defaults.mtu: must be a whole number from "
		    "1280 to 1500, not 1" },
		{ "{\"$options\": {\"defaults\": {\"nat44\": false, "
		  "\"nat66\": false}}}",
		    ":1:53: $options.defaults.nat66: a network in mode "
		    "\"shared\" needs nat44 or nat66: remove one of them" },
	};
	struct config *config = NULL;

	(void)state;
	write_file(numbers, strlen(numbers));
	assert_int_equal(load(&config), CONFIG_LOADED);
	assert_problems(config,
	    ":1:23: $options.idle: must be a whole number from 1 to 86400, "
	    "not 0\n"
	    ":1:36: $options.linger: must be a number, not a string\n"
	    ":1:65: $options.max_clients_per_user: must be a whole number from "
	    "1 to 992, not 993");
	assert_int_equal(config_count_good(config), 2);
	assert_int_equal(config->options.idle, 120);
	config_destroy(config);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		write_file(all[i].text, strlen(all[i].text));
		assert_int_equal(load(&config), CONFIG_LOADED);
		assert_problems(config, all[i].error);
		assert_int_equal(config_count_good(config), 0);
		assert_non_null(config_find_problem(config, "shared"));
		config_destroy(config);
	}
}

/* Goal: a problem affects only its own network, whose requests are refused with
 * the reason. */
static void a_problem_affects_only_its_own_network(void **state)
{
	struct config *config = NULL;
	static const char text[] =
	    "{\"a\": {\"mode\": \"host\", \"subnet\": \"10.1.0.0/16\"},\n"
	    " \"b\": {\"mode\": \"hst\", \"subent\": 1},\n"
	    " \"shared\": {\"mode\": \"shared\", \"subnet\": \"x\"},\n"
	    " \"c\": {\"mode\": \"shared\"}, \"b\": {}}";

	(void)state;
	write_file(text, strlen(text));
	assert_int_equal(load(&config), CONFIG_LOADED);
	assert_int_equal(config->problem_count, 4);
	assert_int_equal(config->count, 5);
	assert_int_equal(config_count_good(config), 3);
	assert_network(config, "a", CONFIG_HOST, "10.1.0.0/16");
	assert_network(config, "c", CONFIG_SHARED, "");
	assert_null(config_find_problem(config, "a"));
	assert_null(config_find_problem(config, "c"));
	assert_null(config_find_problem(config, "host"));
	assert_null(config_find_problem(config, "d"));
	assert_string_equal(config_find_problem(config, "b"),
	    "networks.json:2:16: b.mode: \"hst\" is not \"shared\" or "
	    "\"host\": did you mean \"host\"?");
	assert_string_equal(config_find_problem(config, "shared"),
	    "networks.json:3:41: shared.subnet: \"x\" is not a subnet: "
	    "expected IPv4 CIDR notation, such as 192.168.100.0/24");
	config_destroy(config);
}

/* Goal: the subnet of a network does not move when another one breaks. */
static void subnets_of_invalid_entries_are_kept_free(void **state)
{
	struct config *good = load_text("{\"a\": {\"mode\": \"host\"},"
					"\"b\": {\"mode\": \"host\"}}");
	struct config *config = NULL;
	static const char text[] =
	    "{\"a\": {\"mode\": \"none\"}, \"b\": {\"mode\": \"host\"}}";

	(void)state;
	write_file(text, strlen(text));
	assert_int_equal(load(&config), CONFIG_LOADED);
	for (size_t i = 0; i < good->count; i++) {
		assert_string_equal(
		    good->networks[i].name, config->networks[i].name);
		assert_int_equal(good->networks[i].subnet.address,
		    config->networks[i].subnet.address);
	}
	config_destroy(config);
	config_destroy(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_bad_number_disables_its_option_and_other_errors_all_networks),
		cmocka_unit_test(a_problem_affects_only_its_own_network),
		cmocka_unit_test(subnets_of_invalid_entries_are_kept_free),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
