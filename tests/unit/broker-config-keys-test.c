// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-config-fixture

/*
 * networks.json as people write it: every key, the options, the defaults, and
 * the built-in networks.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker-config-fixture.h"

/* Goal: without any file there are the built-in networks. */
static void without_a_file_there_are_the_built_in_networks(void **state)
{
	struct config *config = config_create(0);

	(void)state;
	assert_int_equal(config_load(config, path, 0), CONFIG_MISSING);
	assert_problems(config, "");
	assert_network(config, "shared", CONFIG_SHARED, "");
	assert_network(config, "host", CONFIG_HOST, "");
	assert_null(config_find(config, "default"));
	config_destroy(config);
}

/* Goal: the file as shipped is good. */
static void the_file_as_shipped_is_good(void **state)
{
	struct config *config = config_create(0);

	(void)state;
	assert_int_equal(config_load(config, "broker/networks.json", geteuid()),
	    CONFIG_LOADED);
	assert_int_equal(config->count, 3);
	assert_network(config, "default", CONFIG_SHARED, "");
	config_destroy(config);
}

static void each_network_of_the_file_is_there_with_mode_and_subnet(void **state)
{
	struct config *config = load_text(
	    "{\"web\": {\"subnet\": \"192.168.100.0/24\","
	    "\"mode\": \"shared\"}, \"db.0_x-y\": {\"mode\":\"host\"},"
	    "\"0\": {\"mode\": \"host\", \"subnet\": "
	    "\"10.255.255.248/29\"},"
	    "\"a\": {\"mode\": \"shared\", \"subnet\":\"172.16.0.0/16\"}}");

	(void)state;
	assert_int_equal(config->count, 6);
	assert_network(config, "web", CONFIG_SHARED, "192.168.100.0/24");
	assert_network(config, "db.0_x-y", CONFIG_HOST, "");
	assert_network(config, "0", CONFIG_HOST, "10.255.255.248/29");
	assert_network(config, "a", CONFIG_SHARED, "172.16.0.0/16");
	assert_network(config, "shared", CONFIG_SHARED, "");
	assert_network(config, "host", CONFIG_HOST, "");
	for (size_t i = 1; i < config->count; i++) {
		assert_true(strcmp(config->networks[i - 1].name,
				config->networks[i].name) < 0);
	}
	config_destroy(config);
}

/* Goal: lines of Windows, tabs, escapes, the quotes of a word processor inside
 * of a string, and an end without a newline are as good as anything. */
static void changes_that_editors_make_to_a_valid_file_have_no_effect(
    void **state)
{
	struct config *config = load_text(
	    "\r\n{\r\n\t\"l\\u0061b\" : {\r\n\t\t\"mode\": \"host\",\r\n"
	    "\t\t\"subnet\": \"192.168.100.1\\/24\",\r\n"
	    "\t\t\"description\": \"\xe2\x80\x9c"
	    "a\xe2\x80\x9d\"\r\n\t}\r\n}");

	(void)state;
	assert_network(config, "lab", CONFIG_HOST, "192.168.100.0/24");
	assert_string_equal(config_find(config, "lab")->description,
	    "\xe2\x80\x9c"
	    "a\xe2\x80\x9d");
	config_destroy(config);
}

static const char every_key[] =
    "{\"plain\": {\"mode\": \"host\"}, \"full\": {"
    "\"port_forwarding_rules\": [{\"internal_port\": 80, "
    "\"internal_address\": \"db\", \"external_port\": 8080, "
    "\"protocol\": \"tcp\"}, {\"internal_port\": 53, "
    "\"internal_address\": \"10.0.0.254\", \"external_port\": 8080, "
    "\"protocol\": \"udp\"}], \"dhcp_reservations\": [{\"name\": "
    "\"db\", \"mac_address\": \"52:54:00:aB:cd:0f\", \"ip_address\": "
    "\"10.0.0.2\"}], \"subnet\": \"10.0.0.0/24\", \"linger\": 0, "
    "\"mtu\": 1280, \"external_interface\": \"en0\", "
    "\"ipv6_prefix\": \"fd12:3456:789a:1::/64\", \"nat44\": true, "
    "\"nat66\": false, \"dns_proxy\": false, \"anchor\": false, "
    "\"router_advertisement\": false, \"description\": \"a \\\"b\\\"\","
    "\"mode\": \"shared\", \"subnet_policy\": \"require\"}, "
    "\"other\": {\"mode\": \"host\", \"subnet\": \"10.1.0.0/16\", "
    "\"subnet_policy\": \"prefer\", \"dhcp\": false, \"linger\": 9, "
    "\"nat44\": false, \"nat66\": false}}";

/* Goal: every key of a network is read, in any order, and has a default. */
static void every_key_of_a_network_is_read_and_has_a_default(void **state)
{
	struct config *config = load_text(every_key);
	const struct config_network *full = config_find(config, "full");
	const struct config_network *plain = config_find(config, "plain");
	const struct config_network *other = config_find(config, "other");
	static const uint8_t mac[] = { 0x52, 0x54, 0, 0xab, 0xcd, 0x0f };
	static const uint8_t prefix[16] = { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a,
		0, 1 };

	(void)state;
	assert_int_equal(full->subnet_policy, CONFIG_REQUIRE);
	assert_int_equal(full->off,
	    CONFIG_NAT66 | CONFIG_DNS_PROXY | CONFIG_ROUTER_ADVERTISEMENT |
		CONFIG_ANCHOR);
	assert_true(full->has_ipv6_prefix);
	assert_memory_equal(&full->ipv6_prefix, prefix, sizeof(prefix));
	assert_string_equal(full->external_interface, "en0");
	assert_int_equal(full->mtu, 1280);
	assert_int_equal(full->linger, 0);
	assert_int_equal(full->reservation_count, 1);
	assert_string_equal(full->reservations[0].name, "db");
	assert_memory_equal(full->reservations[0].mac, mac, sizeof(mac));
	assert_int_equal(full->reservations[0].address, 0x0a000002);
	assert_int_equal(full->rule_count, 2);
	assert_int_equal(full->rules[0].protocol, CONFIG_TCP);
	assert_int_equal(full->rules[0].external_port, 8080);
	assert_int_equal(full->rules[0].internal_address, 0x0a000002);
	assert_int_equal(full->rules[0].internal_port, 80);
	assert_int_equal(full->rules[1].protocol, CONFIG_UDP);
	assert_int_equal(full->rules[1].internal_address, 0x0a0000fe);

	assert_int_equal(other->subnet_policy, CONFIG_PREFER);
	assert_int_equal(other->off, CONFIG_DHCP | CONFIG_NAT44 | CONFIG_NAT66);
	assert_int_equal(other->linger, 9);

	assert_int_equal(plain->off, 0);
	assert_false(plain->has_ipv6_prefix);
	assert_int_equal(plain->linger, 5);
	assert_null(plain->allow);
	assert_int_equal(plain->mtu, 0);
	assert_string_equal(plain->external_interface, "");
	assert_int_equal(plain->reservation_count + plain->rule_count, 0);
	config_destroy(config);
}

/* Goal: the broker's own options have defaults, and may come last. */
static void the_options_of_the_broker_have_defaults_and_may_come_last(
    void **state)
{
	struct config *config = load_text("{}");

	(void)state;
	assert_int_equal(config->options.idle, 120);
	assert_int_equal(config->options.linger, 5);
	assert_int_equal(config->options.max_clients_per_user, 256);
	assert_int_equal(config_find(config, "shared")->linger, 5);
	config_destroy(config);

	config = load_text(
	    "{\"a\": {\"mode\": \"host\", \"linger\": 7}, \"$options\": {"
	    "\"max_clients_per_user\": 992, \"linger\": 0, \"idle\": 86400, "
	    "\"defaults\": {}}}");
	assert_int_equal(config->count, 3);
	assert_int_equal(config->options.idle, 86400);
	assert_int_equal(config->options.linger, 0);
	assert_int_equal(config->options.max_clients_per_user, 992);
	assert_int_equal(config_find(config, "shared")->linger, 0);
	assert_int_equal(config_find(config, "a")->linger, 7);
	config_destroy(config);
}

/* Goal: defaults are those of all networks, also of the built-in ones, and each
 * network may say otherwise. */
static void defaults_are_those_of_all_networks_unless_one_says_otherwise(
    void **state)
{
	struct config *config = load_text(
	    "{\"a\": {\"mode\": \"shared\", \"dhcp\": true, \"anchor\": true, "
	    "\"nat66\": true, \"nat44\": false, \"mtu\": 1500, "
	    "\"external_interface\": \"en1\", "
	    "\"allow\": {\"groups\": []}}, "
	    "\"b\": {\"mode\": \"host\"}, "
	    "\"$options\": {\"defaults\": {\"dhcp\": false, \"anchor\": false, "
	    "\"nat66\": false, \"dns_proxy\": false, \"mtu\": 1400, "
	    "\"router_advertisement\": false, \"nat44\": true, "
	    "\"external_interface\": \"en0\", "
	    "\"allow\": {\"users\": [\"daemon\"]}}}}");
	const struct config_network *a = config_find(config, "a");
	const struct config_network *shared = config_find(config, "shared");

	(void)state;
	assert_int_equal(shared->off,
	    CONFIG_DHCP | CONFIG_ANCHOR | CONFIG_NAT66 | CONFIG_DNS_PROXY |
		CONFIG_ROUTER_ADVERTISEMENT);
	assert_int_equal(shared->mtu, 1400);
	assert_string_equal(shared->external_interface, "en0");
	assert_int_equal(shared->allow->user_count, 1);
	assert_int_equal(a->off,
	    CONFIG_NAT44 | CONFIG_DNS_PROXY | CONFIG_ROUTER_ADVERTISEMENT);
	assert_int_equal(a->mtu, 1500);
	assert_string_equal(a->external_interface, "en1");
	assert_int_equal(a->allow->user_count, 0);
	assert_string_equal(config_find(config, "b")->external_interface, "");
	assert_int_equal(config_find(config, "host")->mtu, 1400);
	config_destroy(config);
}

/* Goal: users and groups are named or numbered. */
static void users_and_groups_are_named_or_numbered(void **state)
{
	struct config *config =
	    load_text("{\"a\": {\"mode\": \"host\", \"allow\": {\"users\": "
		      "[\"root\", 501, "
		      "4294967294], \"groups\": [\"root\", 20]}}}");
	const struct config_allow *allow = config_find(config, "a")->allow;

	(void)state;
	assert_int_equal(allow->user_count, 3);
	assert_int_equal(allow->users[0], 0);
	assert_int_equal(allow->users[1], 501);
	assert_int_equal(allow->users[2], 4294967294);
	assert_int_equal(allow->group_count, 2);
	assert_int_equal(allow->groups[0], 0);
	assert_int_equal(allow->groups[1], 20);
	config_destroy(config);
}

static void an_empty_object_is_good(void **state)
{
	struct config *config = load_text(" {}\n");

	(void)state;
	assert_int_equal(config->count, 2);
	config_destroy(config);
}

/* Goal: an entry for a built-in network takes its place. */
static void an_entry_for_a_built_in_network_takes_its_place(void **state)
{
	struct config *config = load_text(
	    "{\"host\": {\"mode\": \"host\", \"subnet\":"
	    " \"192.168.9.0/24\"}, \"shared\": {\"mode\": \"shared\"}}");

	(void)state;
	assert_int_equal(config->count, 2);
	assert_network(config, "host", CONFIG_HOST, "192.168.9.0/24");
	assert_network(config, "shared", CONFIG_SHARED, "");
	config_destroy(config);
}

/* Goal: many networks, all found again. */
static void two_thousand_networks_are_all_found(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX);
	size_t used = 0;
	struct config *config = NULL;
	char name[16];

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 2000; i++) {
		used += (size_t)snprintf(text + used, CONFIG_SIZE_MAX - used,
		    "%c\"n%d\":{\"mode\":\"%s\"}", i == 0 ? '{' : ',',
		    i * 7919 % 2000, i % 2 == 0 ? "host" : "shared");
	}
	snprintf(text + used, CONFIG_SIZE_MAX - used, "}");
	config = load_text(text);
	assert_int_equal(config->count, 2002);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%d", i * 7919 % 2000);
		assert_network(
		    config, name, i % 2 == 0 ? CONFIG_HOST : CONFIG_SHARED, "");
	}
	config_destroy(config);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    without_a_file_there_are_the_built_in_networks),
		cmocka_unit_test(the_file_as_shipped_is_good),
		cmocka_unit_test(
		    each_network_of_the_file_is_there_with_mode_and_subnet),
		cmocka_unit_test(
		    changes_that_editors_make_to_a_valid_file_have_no_effect),
		cmocka_unit_test(
		    every_key_of_a_network_is_read_and_has_a_default),
		cmocka_unit_test(
		    the_options_of_the_broker_have_defaults_and_may_come_last),
		cmocka_unit_test(
		    defaults_are_those_of_all_networks_unless_one_says_otherwise),
		cmocka_unit_test(users_and_groups_are_named_or_numbered),
		cmocka_unit_test(an_empty_object_is_good),
		cmocka_unit_test(
		    an_entry_for_a_built_in_network_takes_its_place),
		cmocka_unit_test(two_thousand_networks_are_all_found),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
