// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/config.c broker/config-load.c broker/config-network.c broker/config-allow.c
// link: broker/config-lists.c broker/config-reader.c
// link: broker/trusted-file.c broker/json-position.c broker/json-syntax.c broker/subnet.c
// link: broker/subnet-plan.c broker/text.c
// libs: -l:libjansson.a

/*
 * networks.json as people write it, and as they should not: what is refused is
 * compared word by word, with its place.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>
#include <standin.h>

#include "config.h"
#include "text.h"
#include "trusted-file.h"

static char directory[] = "/tmp/broker-config-test.XXXXXX";
static char path[128];

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/networks.json", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void write_file(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

/* Loads what is at path now, and removes it. */
static enum config_result load(struct config **config)
{
	enum config_result result = CONFIG_LOADED;

	*config = config_create(0);
	assert_non_null(*config);
	result = config_load(*config, path, 0);
	assert_int_equal(remove(path), 0);
	return result;
}

/* The problems are those of the lines, each of which follows "FILE". */
static void assert_problems(const struct config *config, const char *lines)
{
	char got[4096] = "";
	size_t used = 0;

	for (size_t i = 0; i < config->problem_count; i++) {
		const char *problem = config->problems[i];

		assert_int_equal(strncmp(problem, path, strlen(path)), 0);
		assert_null(strchr(problem, '\n'));
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s",
		    i == 0 ? "" : "\n", problem + strlen(path));
	}
	assert_string_equal(got, lines);
}

/* It is refused with "FILE" and then error, and nothing of it is taken. */
static void assert_refused(const char *error)
{
	struct config *config = NULL;

	assert_int_equal(load(&config), CONFIG_REFUSED);
	assert_problems(config, error);
	assert_string_equal(config->refused, config->problems[0]);
	assert_int_equal(config->count, 2);
	config_destroy(config);
}

/* The same for a reason with the file's path in it. */
static void assert_refused_for(const char *format)
{
	char reason[512];

	snprintf(reason, sizeof(reason), ": ");
	snprintf(reason + 2, sizeof(reason) - 2, format, path);
	assert_refused(reason);
}

static struct config *load_text(const char *text)
{
	struct config *config = NULL;

	write_file(text, strlen(text));
	if (load(&config) != CONFIG_LOADED) {
		fail_msg("refused: %s", config->refused);
	}
	assert_null(config->refused);
	assert_problems(config, "");
	return config;
}

static void assert_network(const struct config *config, const char *name,
    enum config_mode mode, const char *subnet)
{
	const struct config_network *network = config_find(config, name);
	char text[SUBNET_TEXT] = "";

	assert_non_null(network);
	assert_string_equal(network->name, name);
	assert_int_equal(network->mode, mode);
	if (network->has_subnet) {
		subnet_format(&network->subnet, text);
	}
	assert_string_equal(text, subnet);
}

struct mistake {
	const char *text;
	const char *error;
};

/*
 * What is taken.
 */

/* Goal: without any file there are the built-in networks. */
static void test_builtin(void **state)
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
static void test_shipped(void **state)
{
	struct config *config = config_create(0);

	(void)state;
	assert_int_equal(config_load(config, "broker/networks.json", geteuid()),
	    CONFIG_LOADED);
	assert_int_equal(config->count, 3);
	assert_network(config, "default", CONFIG_SHARED, "");
	config_destroy(config);
}

static void test_good(void **state)
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

/* Goal: every key of a network is read, in any order, and has a default. */
static void test_keys(void **state)
{
	struct config *config = load_text(
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
	    "\"nat44\": false, \"nat66\": false}}");
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
static void test_options(void **state)
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
static void test_defaults(void **state)
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
static void test_allow(void **state)
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

/* Goal: a bad number costs its option; whatever else is wrong may be about who is
 * allowed, and costs all networks. */
static void test_bad_options(void **state)
{
	static const char numbers[] =
	    "{\"$options\": {\"idle\": 0, \"linger\": \"x\", "
	    "\"max_clients_per_user\": 993}}";
	static const struct mistake all[] = {
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
		    ":1:53: $options.defaults.nat66: a network of the mode "
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

static void test_empty_object(void **state)
{
	struct config *config = load_text(" {}\n");

	(void)state;
	assert_int_equal(config->count, 2);
	config_destroy(config);
}

/* Goal: an entry for a built-in network takes its place. */
static void test_builtin_subnet(void **state)
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
static void test_many(void **state)
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

/*
 * What is refused for what is in it.
 */

#define EMPTY "the file is empty: write {} to define no network"
#define TOO_EARLY "the file ends too early: write the missing closing bracket"
#define BEHIND "nothing may follow the closing bracket: delete it"
#define COMMENT "JSON has no comments: delete it"
#define NO_VALUE                                                               \
	"not a value: write a string in double quotes, or true or false"
#define CURLY "curly quote, or the like: write a straight double quote"
#define ZERO "zero byte, perhaps of UTF-16: save the file as UTF-8"
#define YAML                                                                   \
	"this is not JSON, perhaps YAML: write "                               \
	"{ \"default\": { \"mode\": \"shared\" } }"

#define NO_PREFIX                                                              \
	"is not a prefix: expected one of fd00::/8 with 64 bits, such as "     \
	"fd12:3456:789a:1::/64"
#define NO_MAC                                                                 \
	"is not the MAC address of a network interface, such as "              \
	"52:54:00:12:34:56"
#define SUBNETTED "{\"a\": {\"mode\": \"shared\", \"subnet\": \"10.0.0.0/24\", "
#define RULE(protocol, port, address)                                          \
	"{\"protocol\": \"" protocol "\", \"external_port\": " port            \
	", \"internal_address\": \"" address "\", \"internal_port\": 8080}"

static const struct mistake mistakes[] = {
	/* Syntax: what it is, and what to write. */
	{ "", ":1:1: " EMPTY },
	{ " \n", ":2:1: " EMPTY },
	{ "{\n  \"a\": {\"mode\": \"shared\"}\n  \"b\": {}\n}",
	    ":3:3: \"b\": write a comma before it" },
	{ "{\"a\": {\"mode\": \"shared\"}; \"b\": {}}",
	    ":1:25: \";\": write a comma or a closing bracket" },
	{ "{\"a\": {\"mode\": \"shared\", }}",
	    ":1:24: \",\": nothing follows the comma: delete it" },
	{ "{\"a\": {\"mode\": \"shared\"},,}",
	    ":1:26: \",\": unexpected comma: delete it" },
	{ "{\"a\": {\"mode\": \"shared\"}", ":1:25: " TOO_EARLY },
	{ "{\"a\"  \n ", ":2:2: " TOO_EARLY },
	{ "{\"a\" {}}", ":1:6: \"{\": write a colon after the key" },
	{ "{\"a\" = {}}", ":1:6: \"=\": write a colon after the key" },
	{ "{} {}", ":1:4: \"{\": " BEHIND },
	{ "{}}", ":1:3: \"}\": " BEHIND },
	{ "{}\n\x01", ":2:1: \"\\x01\": " BEHIND },
	{ "# no\n{}", ":1:1: \"#\": " COMMENT },
	{ "{} // no", ":1:4: \"//\": " COMMENT },
	{ "{\n/* no */\"a\": {}}", ":2:1: \"/*\": " COMMENT },
	{ "{\"a\": {\"mode\": shared}}", ":1:16: \"shared\": " NO_VALUE },
	{ "{\"a\": {\"dhcp\": True}}", ":1:16: \"True\": " NO_VALUE },
	{ "{\"a\": {\"mtu\": 01500}}",
	    ":1:15: \"01500\": not a number: write decimal digits without a "
	    "leading 0" },
	{ "{\"a\": {mode: \"shared\"}}",
	    ":1:8: \"mode\": write the key in double quotes" },
	{ "{'a': {}}", ":1:2: \"'\": single quote: write a double quote" },
	{ "{\"a\": {\"mode\": 'host'}}",
	    ":1:16: \"'\": single quote: write a double quote" },
	{ "{\xe2\x80\x9c"
	  "a\xe2\x80\x9d: {}}",
	    ":1:2: \"\\xe2\\x80\\x9c\": " CURLY },
	{ "{\"a\": {\"mode\": \xe2\x80\x98host\xe2\x80\x99}}",
	    ":1:16: \"\\xe2\\x80\\x98\": " CURLY },
	{ "{\n\xc2\xa0\xc2\xa0\"a\": {}}",
	    ":2:1: \"\\xc2\\xa0\": no-break space: write a space" },
	{ "\xef\xbb\xbf{}",
	    ":1:1: \"\\xef\\xbb\\xbf\": byte order mark: save the file "
	    "without it" },
	{ "default:\n  mode: shared\n", ":1:1: \"default\": " YAML },
	{ "---\ndefault:\n", ":1:1: \"---\": " YAML },
	{ "{\"a\": \"\x01\"}",
	    ":1:8: \"\\x01\": control character in a string: write it as "
	    "\\t or \\u0001" },
	{ "{\"a\": \"b\n\"}",
	    ":1:7: \"b\": the string does not end on its line: write the "
	    "closing quote" },
	{ "{\"a\": \"b",
	    ":1:7: \"b\": the string does not end: write the closing quote" },
	{ "{\"a\": \"\\d\"}",
	    ":1:7: \"\\x5cd\": invalid escape: write \\\\ for a backslash" },
	{ "{\"a\": \"\xff\"}",
	    ":1:8: \"\\xff\": not UTF-8: save the file as UTF-8" },
	{ "{\"a\": 1e999}", ":1:7: \"1e999\": the number is too large" },

	/* The whole. */
	{ "[]",
	    ":1:1: must be an object with one entry per network, not an "
	    "array" },
	{ "\n  [\"default\"]",
	    ":2:3: must be an object with one entry per "
	    "network, not an array" },
	{ "\"default\"",
	    ":1:1: \"default\": must be an object with one entry per network: "
	    "begin with {" },

};

/* Problems of entries, all of them. */
static const struct mistake problems[] = {
	/* Names. */
	{ "{\"Web\": {\"mode\": \"shared\"}}",
	    ":1:2: \"Web\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ "{\"\": {}}",
	    ":1:2: \"\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ "{\"a\":{\"mode\":\"host\"},\n\t\"../x\": {}}",
	    ":2:2: \"../x\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ "{\"\xc3\xbc\\n\": {}}",
	    ":1:2: \"\\xc3\\xbc\\x0a\" is not a network "
	    "name: [a-z0-9][a-z0-9._-]{0,62}" },

	/* Networks. */
	{ "{\"web\": null}", ":1:9: web: must be an object, not null" },
	{ "{\"web\": \"shared\"}",
	    ":1:9: web: must be an object, not a "
	    "string" },
	{ "{\"a\": {\"mode\": \"host\"}, \"b\": [1, {}], \"c\": 2}",
	    ":1:30: b: must be an object, not an array\n"
	    ":1:44: c: must be an object, not a number" },
	{ "{\"web\": {}}", ":1:9: web: the key \"mode\" is missing" },
	{ "{\n    \"web\": {\n        \"subnet\": \"10.0.0.0/16\"\n    }\n}",
	    ":2:12: web: the key \"mode\" is missing" },

	/* Keys. */
	{ "{\"web\": {\"mode\": \"shared\", \"subnett\": 1}}",
	    ":1:28: web: unknown key \"subnett\": did you mean "
	    "\"subnet\"?" },
	{ "{\"web\": {\"Mode\": \"shared\"}}",
	    ":1:10: web: unknown key \"Mode\": did you mean \"mode\"?\n"
	    ":1:9: web: the key \"mode\" is missing" },
	{ "{\"web\": {\"mode\": \"host\",\n  \"\\\"\": 1}}",
	    ":2:3: web: unknown key \"\\x22\"" },
	{ "{\"web\": {\"mode\": \"shared\", \"mode\": \"shared\"}}",
	    ":1:28: web: duplicate key \"mode\"" },
	{ "{\"web\": {\"mode\": \"shared\"},\n \"web\": {\"mode\": \"host\"}}",
	    ":2:2: duplicate key \"web\"" },
	{ "{\"web\": {\"mode\": \"shared\"},\n \"w\\u0065b\" : {}}",
	    ":2:2: duplicate key \"web\"" },

	/* Modes. */
	{ "{\"web\": {\"mode\": 1001}}",
	    ":1:18: web.mode: must be a string, "
	    "not a number" },
	{ "{\"web\": {\"mode\" : true}}",
	    ":1:19: web.mode: must be a string, "
	    "not a boolean" },
	{ "{\"web\": {\"mode\": \"bridged\"}}",
	    ":1:18: web.mode: \"bridged\" is not \"shared\" or \"host\"" },
	{ "{\"web\": {\"mode\": \"Shared\"}}",
	    ":1:18: web.mode: \"Shared\" is not \"shared\" or \"host\": did "
	    "you mean "
	    "\"shared\"?" },
	{ "{\"host\": {\"mode\": \"shared\"}}",
	    ":1:19: host.mode: the mode of this built-in network is "
	    "\"host\"" },
	{ "{\"shared\": {\"subnet\": \"10.0.0.0/16\", \"mode\": \"host\"}}",
	    ":1:46: shared.mode: the mode of this built-in network is "
	    "\"shared\"" },

	/* Subnets. */
	{ "{\"web\": {\"mode\": \"shared\", \"subnet\": 24}}",
	    ":1:38: web.subnet: must be a string, not a number" },
	{ "{\"web\": {\"mode\": \"shared\", \"subnet\": null}}",
	    ":1:38: web.subnet: must be a string, not null: leave the key "
	    "out" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.0\"}}",
	    ":1:30: a.subnet: \"192.168.1.0\" is not a subnet: expected "
	    "IPv4 CIDR notation, such as 192.168.100.0/24" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.0/33\"}}",
	    ":1:30: a.subnet: \"192.168.1.0/33\" is not a subnet: the "
	    "prefix must be /16 to /29" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.1/24\"}}",
	    ":1:30: a.subnet: \"192.168.1.1/24\" is not a subnet: the "
	    "address has host bits set; did you mean 192.168.1.0/24?" },
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"8.8.8.0/24\"}}",
	    ":1:30: a.subnet: \"8.8.8.0/24\" is not a subnet: it is not "
	    "in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16" },
	{ "{\"a\": {\"mode\": \"host\", \"subnet\": \"10.1.0.0/16\"},\n"
	  " \"b\": {\"mode\": \"host\",\n"
	  "         \"subnet\": \"10.1.7.0/24\"}}",
	    ":3:20: b.subnet: \"10.1.7.0/24\" overlaps a.subnet, "
	    "10.1.0.0/16" },
	{ "{\"a\": {\"mode\": \"host\", \"subnet\": \"10.1.0.0/16\"},\n"
	  " \"host\": {\"subnet\": \"10.1.0.0/16\"}}",
	    ":2:21: host.subnet: \"10.1.0.0/16\" overlaps a.subnet, "
	    "10.1.0.0/16\n:2:10: host: the key \"mode\" is missing" },

	/* The place survives braces, quotes and other letters in strings. */
	{ "{\"a\": {\"mode\": \"host\"}, \"b\": {\"mode\": \"}{\\\"],\"}}",
	    ":1:39: b.mode: \"}{\\x22],\" is not \"shared\" or \"host\"" },
	{ "{\"a\":\r\n{\"mode\":\t\"\xc3\xbc\xe2\x82\xac\", \"subnet\" : 1}}",
	    ":2:10: a.mode: \"\\xc3\\xbc\\xe2\\x82\\xac\" is not "
	    "\"shared\" "
	    "or \"host\"\n"
	    ":2:27: a.subnet: must be a string, not a number" },
	{ "{\"a\": {\"mode\": \"host\", \"\xc3\xbc\": 1}}",
	    ":1:24: a: unknown key \"\\xc3\\xbc\"" },

	/* Keys of other types. */
	{ "{\"a\": {\"mode\": \"host\", \"dhcp\": 0, \"mtu\": \"1500\",\n"
	  "\"dhcp_reservations\": {}, \"description\": 1, \"anchor\": null}}",
	    ":1:32: a.dhcp: must be true or false, not a number\n"
	    ":1:42: a.mtu: must be a number, not a string\n"
	    ":2:22: a.dhcp_reservations: must be an array, not an object\n"
	    ":2:41: a.description: must be a string, not a number\n"
	    ":2:54: a.anchor: must be true or false, not null: leave the key "
	    "out\n"
	    ":2:22: a.dhcp_reservations: needs a \"subnet\" with the "
	    "policy \"require\"" },
	{ "{\"a\": {\"mode\": \"host\", \"mtu\": 1279, \"linger\": -1},\n"
	  " \"b\": {\"mode\": \"host\", \"mtu\": 1501, \"linger\": 86401},\n"
	  " \"c\": {\"mode\": \"host\", \"mtu\": 1400.5}}",
	    ":1:31: a.mtu: must be a whole number from 1280 to 1500, not "
	    "1279\n"
	    ":1:47: a.linger: must be a whole number from 0 to 86400, not -1\n"
	    ":2:31: b.mtu: must be a whole number from 1280 to 1500, not "
	    "1501\n"
	    ":2:47: b.linger: must be a whole number from 0 to 86400, not "
	    "86401\n"
	    ":3:31: c.mtu: must be a whole number from 1280 to 1500, not "
	    "1400.5" },
	{ "{\"a\": {\"mode\": \"host\", \"ipv6_prefix\": \"2001:db8::/64\"},\n"
	  "\"b\": {\"mode\": \"host\", \"ipv6_prefix\": \"fd12::/48\"},\n"
	  "\"c\": {\"mode\": \"host\", \"ipv6_prefix\": \"fd12::1/64\"},\n"
	  "\"d\": {\"mode\": \"host\", \"ipv6_prefix\": \"fd12::/64\"},\n"
	  "\"e\": {\"mode\": \"host\", \"ipv6_prefix\": \"fd12:0::/64\"}}",
	    ":1:39: a.ipv6_prefix: \"2001:db8::/64\" " NO_PREFIX "\n"
	    ":2:38: b.ipv6_prefix: \"fd12::/48\" " NO_PREFIX "\n"
	    ":3:38: c.ipv6_prefix: \"fd12::1/64\" " NO_PREFIX "\n"
	    ":5:38: e.ipv6_prefix: \"fd12:0::/64\" is d.ipv6_prefix" },
	{ "{\"a\": {\"mode\": \"shared\", \"external_interface\": \"en 0\"}}",
	    ":1:48: a.external_interface: \"en 0\" is not the name of a "
	    "network interface, such as en0" },

	/* Keys that do not go together. */
	{ "{\"a\": {\"nat66\": false, \"nat44\": false, \"mode\": "
	  "\"shared\"},\n"
	  " \"b\": {\"external_interface\": \"en0\", \"mode\": \"host\",\n"
	  "  \"subnet_policy\": \"prefer\"},\n"
	  " \"c\": {\"mode\": \"host\", \"port_forwarding_rules\": []},\n"
	  " \"d\": {\"mode\": \"shared\", \"dhcp_reservations\": [],\n"
	  "  \"dhcp\": false, \"subnet\": \"10.0.0.0/24\",\n"
	  "  \"subnet_policy\": \"prefer\"}}",
	    ":1:17: a.nat66: a network of the mode \"shared\" needs nat44 or "
	    "nat66: choose the mode \"host\"\n"
	    ":3:20: b.subnet_policy: needs the key \"subnet\"\n"
	    ":2:30: b.external_interface: a network of the mode \"host\" has "
	    "no external interface\n"
	    ":4:49: c.port_forwarding_rules: a network of the mode \"host\" "
	    "forwards no ports\n"
	    ":4:49: c.port_forwarding_rules: needs a \"subnet\" with the "
	    "policy \"require\"\n"
	    ":5:47: d.dhcp_reservations: reservations need \"dhcp\"\n"
	    ":5:47: d.dhcp_reservations: needs a \"subnet\" with the "
	    "policy \"require\"" },

	/* Reservations. */
	{ SUBNETTED "\"dhcp_reservations\": [1,\n"
		    "{\"mac_address\": \"52:54:00:00:00\"},\n"
		    "{\"mac_address\": \"53:54:00:00:00:01\", "
		    "\"ip_address\": \"10.0.0.0\"},\n"
		    "{\"mac_address\": \"00:00:00:00:00:00\", "
		    "\"ip_address\": \"10.0.0.1\"},\n"
		    "{\"mac_address\": \"52-54-00-00-00-01\", "
		    "\"ip_address\": \"10.0.0.255\"},\n"
		    "{\"mac_address\": \"52:54:00:00:00:01\", "
		    "\"ip_address\": \"10.0.1.2\"},\n"
		    "{\"mac_address\": \"52:54:00:00:00:0a\", "
		    "\"ip_address\": \"10.0.0.02\", \"name\": \"A\"}]}}",
	    ":1:73: a.dhcp_reservations[0]: must be an object, not a number\n"
	    ":2:17: a.dhcp_reservations[1].mac_address: "
	    "\"52:54:00:00:00\" " NO_MAC "\n"
	    ":2:1: a.dhcp_reservations[1]: the key \"ip_address\" is missing\n"
	    ":3:17: a.dhcp_reservations[2].mac_address: "
	    "\"53:54:00:00:00:01\" " NO_MAC "\n"
	    ":3:52: a.dhcp_reservations[2].ip_address: \"10.0.0.0\" is the "
	    "network address of the network's subnet 10.0.0.0/24\n"
	    ":4:17: a.dhcp_reservations[3].mac_address: "
	    "\"00:00:00:00:00:00\" " NO_MAC "\n"
	    ":4:52: a.dhcp_reservations[3].ip_address: \"10.0.0.1\" is the "
	    "gateway of the network's subnet 10.0.0.0/24\n"
	    ":5:17: a.dhcp_reservations[4].mac_address: "
	    "\"52-54-00-00-00-01\" " NO_MAC "\n"
	    ":5:52: a.dhcp_reservations[4].ip_address: \"10.0.0.255\" is the "
	    "broadcast address of the network's subnet 10.0.0.0/24\n"
	    ":6:52: a.dhcp_reservations[5].ip_address: \"10.0.1.2\" is not in "
	    "the network's subnet 10.0.0.0/24\n"
	    ":7:52: a.dhcp_reservations[6].ip_address: \"10.0.0.02\" is not "
	    "an IPv4 address, such as 192.168.100.2\n"
	    ":7:73: a.dhcp_reservations[6].name: \"A\" is not a name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
	{ SUBNETTED "\"dhcp_reservations\": [\n"
		    "{\"mac_address\": \"52:54:00:00:00:0a\", "
		    "\"ip_address\": \"10.0.0.2\", \"name\": \"x\"},\n"
		    "{\"mac_address\": \"52:54:00:00:00:0A\", "
		    "\"ip_address\": \"10.0.0.2\", \"name\": \"x\"}]}}",
	    ":3:17: a.dhcp_reservations[1].mac_address: "
	    "\"52:54:00:00:00:0A\" has another reservation\n"
	    ":3:52: a.dhcp_reservations[1].ip_address: \"10.0.0.2\" has "
	    "another reservation\n"
	    ":3:72: a.dhcp_reservations[1].name: \"x\" is another "
	    "reservation's name" },

	/* Rules. */
	{ SUBNETTED
	    "\"port_forwarding_rules\": [\n"
	    "{\"protocol\": \"icmp\", \"external_port\": 0, "
	    "\"internal_address\": \"db\", \"internal_port\": 65536},\n" RULE(
		"tcp", "80", "10.0.1.2") ",\n" RULE("tcp", "80",
		"10.0.0.2") ",\n" RULE("udp", "80",
		"10.0.0.2") ",\n" RULE("tcp", "80",
		"10.0.0.3") "]},\n"
			    "\"b\": {\"mode\": \"shared\", \"subnet\": "
			    "\"10.0.1.0/24\", "
			    "\"port_forwarding_rules\": [\n" RULE(
				"udp", "80", "10.0.1.2") "]}}",
	    ":2:14: a.port_forwarding_rules[0].protocol: \"icmp\" is not "
	    "\"tcp\" or \"udp\"\n"
	    ":2:39: a.port_forwarding_rules[0].external_port: must be a whole "
	    "number from 1 to 65535, not 0\n"
	    ":2:62: a.port_forwarding_rules[0].internal_address: \"db\" is "
	    "neither an IPv4 address nor the name of a valid reservation of "
	    "this network\n"
	    ":2:85: a.port_forwarding_rules[0].internal_port: must be a whole "
	    "number from 1 to 65535, not 65536\n"
	    ":3:62: a.port_forwarding_rules[1].internal_address: \"10.0.1.2\" "
	    "is not in the network's subnet 10.0.0.0/24\n"
	    ":6:38: a.port_forwarding_rules[4].external_port: the tcp port 80 "
	    "is forwarded to the network a already\n"
	    ":8:38: b.port_forwarding_rules[0].external_port: the udp port 80 "
	    "is forwarded to the network a already" },

	/* Who is allowed. */
	{ "{\"a\": {\"mode\": \"host\", \"allow\": {}},\n"
	  " \"b\": {\"mode\": \"host\", \"allow\": [\"root\"]},\n"
	  " \"c\": {\"mode\": \"host\", \"allow\": {\"users\": \"root\", "
	  "\"group\": []}},\n"
	  " \"d\": {\"mode\": \"host\", \"allow\": {\n"
	  "\"users\": [\"no-such-user\", -1, 1.5, 4294967295, null],\n"
	  "\"groups\": [\"no-such\\u0007group\", [], \"0\"]}}}",
	    ":1:33: a.allow: needs the key \"users\" or \"groups\"\n"
	    ":2:33: b.allow: must be an object, not an array\n"
	    ":3:43: c.allow.users: must be an array, not a string\n"
	    ":3:51: c.allow: unknown key \"group\": did you mean \"groups\"?\n"
	    ":5:11: d.allow.users[0]: there is no user \"no-such-user\" on "
	    "this Mac\n"
	    ":5:27: d.allow.users[1]: must be a whole number from 0 to "
	    "4294967294, not -1\n"
	    ":5:31: d.allow.users[2]: must be a whole number from 0 to "
	    "4294967294, not 1.5\n"
	    ":5:36: d.allow.users[3]: must be a whole number from 0 to "
	    "4294967294, not 4294967295\n"
	    ":5:48: d.allow.users[4]: must be the name or the number of a "
	    "user, not null\n"
	    ":6:12: d.allow.groups[0]: there is no group "
	    "\"no-such\\x07group\" on this Mac\n"
	    ":6:34: d.allow.groups[1]: must be the name or the number of a "
	    "group, not an array\n"
	    ":6:38: d.allow.groups[2]: there is no group \"0\" on this Mac" },

	/* All of several. */
	{ "{\"a\": {\"x\": 1, \"mode\": 2}, \"B\": 3}",
	    ":1:8: a: unknown key \"x\"\n"
	    ":1:24: a.mode: must be a string, not a number\n"
	    ":1:28: \"B\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		write_file(mistakes[i].text, strlen(mistakes[i].text));
		assert_refused(mistakes[i].error);
	}
}

/* Goal: every problem is found, each with its place. */
static void test_problems(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		struct config *config = NULL;

		write_file(problems[i].text, strlen(problems[i].text));
		assert_int_equal(load(&config), CONFIG_LOADED);
		assert_problems(config, problems[i].error);
		config_destroy(config);
	}
}

/* Goal: a problem costs its own network, and says why to who asks for it. */
static void test_one_broken(void **state)
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

/* Goal: of a file that is no JSON, whoever asks for a network of it knows. */
static void test_refused_network(void **state)
{
	struct config *config = NULL;

	(void)state;
	write_file("{", 1);
	assert_int_equal(load(&config), CONFIG_REFUSED);
	assert_string_equal(config_find_problem(config, "lab"),
	    "networks.json:1:2: " TOO_EARLY);
	assert_null(config_find_problem(config, "shared"));
	config_destroy(config);
}

/* Goal: S7: whichever allocation fails, the file is taken whole or refused, and
 * nothing leaks. */
static void test_no_memory(void **state)
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

/* Goal: the subnet of a network does not move when another one breaks. */
static void test_broken_subnets(void **state)
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

/* Goal: columns are characters, as jansson counts them in its own. */
static void test_column_of_characters(void **state)
{
	static const char twice[] =
	    "{\"a\": {\"\xc3\xbc\": 1, \"mode\":\"host\", "
	    "\"mode\":\"host\"}}";
	static const char syntax[] = "{\"\xc3\xbc\": 1 2}";
	struct config *config = NULL;

	(void)state;
	write_file(twice, strlen(twice));
	assert_int_equal(load(&config), CONFIG_LOADED);
	assert_problems(config,
	    ":1:8: a: unknown key \"\\xc3\\xbc\"\n"
	    ":1:31: a: duplicate key \"mode\"");
	config_destroy(config);
	write_file(syntax, strlen(syntax));
	assert_refused(":1:9: \"2\": write a comma before it");
}

static void test_zero_byte(void **state)
{
	(void)state;
	write_file("{}\0{}", 5);
	assert_refused(":1:3: \"\\x00\": " ZERO);
	write_file("{\"a\\u0000\": 1}", 14);
	assert_refused(":1:2: \"a\\x5cu0000\": \\u0000 is not allowed: delete "
		       "it");
}

/* Goal: UTF-16 is recognised, with its mark and without, both ways round. */
static void test_utf16(void **state)
{
	(void)state;
	write_file("\xff\xfe{\0}\0", 6);
	assert_refused(":1:1: \"\\xff\\xfe\": the file is UTF-16: save it as "
		       "UTF-8");
	write_file("\xfe\xff\0{\0}", 6);
	assert_refused(":1:1: \"\\xfe\\xff\": the file is UTF-16: save it as "
		       "UTF-8");
	write_file("{\0}\0", 4);
	assert_refused(":1:2: \"\\x00\": " ZERO);
	write_file("\0{\0}", 4);
	assert_refused(":1:1: \"\\x00\": " ZERO);
}

/* Goal: what is deep or long ends in a line as well. */
static void test_deep(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX);

	(void)state;
	assert_non_null(text);
	memset(text, '[', CONFIG_SIZE_MAX);
	write_file(text, CONFIG_SIZE_MAX);
	assert_refused(":1:1: \"[\": must be an object with one entry per "
		       "network: begin with {");
	free(text);
}

/* Goal: a text cut at any byte is refused at a place that exists. */
static void test_cut(void **state)
{
	static const char text[] =
	    "{\n  \"web\": {\"mode\": \"shared\",\n"
	    "  \"subnet\": \"192.168.1.0/24\"}, \"\xc3\xbc\": 1}";

	(void)state;
	for (size_t length = 0; length < strlen(text); length++) {
		struct config *config = NULL;
		int line = 0;
		int column = 0;

		write_file(text, length);
		assert_int_equal(load(&config), CONFIG_REFUSED);
		assert_int_equal(sscanf(config->refused + strlen(path),
				     ":%d:%d: ", &line, &column),
		    2);
		assert_in_range(line, 1, 3);
		assert_in_range(column, 1, 40);
		config_destroy(config);
	}
}

static void assert_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		assert_in_range(*text, ' ', '~');
	}
}

/* Goal: S1: whatever byte is wrong, the reason is a line of printable text. */
static void test_any_byte(void **state)
{
	static const char good[] =
	    "{\n \"a\": {\"mode\": \"host\",\n  \"subnet\": \"10.0.0.0/24\"}}";
	char text[sizeof(good)];

	(void)state;
	for (size_t at = 0; at < strlen(good); at++) {
		for (int byte = 0; byte < 256; byte++) {
			struct config *config = NULL;

			memcpy(text, good, sizeof(good));
			text[at] = (char)byte;
			write_file(text, strlen(good));
			load(&config);
			for (size_t i = 0; i < config->problem_count; i++) {
				assert_printable(config->problems[i]);
			}
			config_destroy(config);
		}
	}
}

/*
 * What is refused for what it is.
 */

static void test_size(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX + 1);
	struct config *config = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CONFIG_SIZE_MAX + 1);
	memcpy(text, "{}", 2);
	write_file(text, CONFIG_SIZE_MAX);
	assert_int_equal(load(&config), CONFIG_LOADED);
	config_destroy(config);
	write_file(text, CONFIG_SIZE_MAX + 1);
	assert_refused(": larger than 64 KiB");
	free(text);

	/* A file of a gigabyte is not read. */
	write_file("{}", 2);
	assert_int_equal(truncate(path, (off_t)1 << 30), 0);
	assert_refused(": larger than 64 KiB");
}

static void test_not_a_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	assert_refused(": Is a directory");

	assert_int_equal(mkfifo(path, 0644), 0);
	assert_refused(": not a regular file");

	assert_int_equal(symlink("/dev/null", path), 0);
	assert_refused(": a symbolic link: put the file itself in its place");
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_refused(": a symbolic link: put the file itself in its place");
}

static void test_device(void **state)
{
	(void)state;
	if (mknod(path, S_IFCHR | 0644, makedev(1, 5)) != 0) {
		skip(); /* only root makes devices */
	}
	assert_refused(
	    geteuid() == 0 ? ": not a regular file" : ": Permission denied");
}

static void test_modes(void **state)
{
	static const struct {
		mode_t mode;
		bool good;
	} modes[] = {
		{ 0600, true },
		{ 0640, true },
		{ 0644, true },
		{ 0444, true },
		{ 0755, true },
		{ 0664, false },
		{ 0646, false },
		{ 0666, false },
		{ 0620, false },
		{ 0602, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct config *config = NULL;

		write_file("{}", 2);
		assert_int_equal(chmod(path, modes[i].mode), 0);
		if (!modes[i].good) {
			assert_refused_for(
			    "writable by group or others: run `sudo chmod go-w "
			    "\"%s\"`");
			continue;
		}
		assert_int_equal(load(&config), CONFIG_LOADED);
		config_destroy(config);
	}
}

/* Goal: of the owners root, us and the given one, and of no other. */
static void test_owner(void **state)
{
	struct config *config = config_create(0);

	(void)state;
	if (geteuid() != 0) {
		config_destroy(config);
		skip(); /* only root gives files away */
	}
	write_file("{}", 2);
	assert_int_equal(chown(path, 4242, 0), 0);
	assert_int_equal(config_load(config, path, 4242), CONFIG_LOADED);
	config_destroy(config);
	assert_refused_for(
	    "its owner is the user 4242, not root: run `sudo chown root "
	    "\"%s\"`");
}

/* What a user who is neither us nor root would be told of the file at path. */
static void assert_judged(bool folders, const char *format)
{
	static char name[] = "carol";
	const struct passwd carol = {
		.pw_name = name,
		.pw_uid = 4242,
		.pw_gid = 4243,
	};
	const char *reason = trusted_file_judge(path, &carol, folders);
	char expected[512];

	snprintf(expected, sizeof(expected), format, path);
	assert_string_equal(reason == NULL ? "" : reason, expected);
}

/* Goal: what the daemon's user could not read is known without being it. */
static void test_judge(void **state)
{
	char folder_reason[512];

	(void)state;
	if (geteuid() != 0) {
		skip(); /* only root gives files away */
	}
	write_file("{}", 2);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_judged(true, "");
	assert_int_equal(chmod(path, 0600), 0);
	assert_judged(false,
	    "the user carol may not read it: run `sudo chmod a+r \"%s\"`");
	assert_int_equal(chown(path, 4242, 0), 0);
	assert_judged(false, ""); /* the daemon's own */
	assert_int_equal(chown(path, 0, 4243), 0);
	assert_int_equal(chmod(path, 0604), 0);
	assert_judged(false,
	    "the user carol may not read it: run `sudo chmod a+r \"%s\"`");
	assert_int_equal(chmod(path, 0640), 0);
	assert_judged(false, "");
	assert_int_equal(chmod(path, 0660), 0);
	assert_judged(
	    false, "writable by group or others: run `sudo chmod go-w \"%s\"`");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, 4244, 0), 0);
	assert_judged(false,
	    "its owner is the user 4244, not root: run `sudo chown root "
	    "\"%s\"`");

	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(directory, 0700), 0);
	assert_judged(false, "");
	snprintf(folder_reason, sizeof(folder_reason),
	    "the user carol may not enter %s: run `sudo chmod a+x \"%s\"`",
	    directory, directory);
	assert_judged(true, folder_reason);
	assert_int_equal(remove(path), 0);
	assert_judged(false, "No such file or directory");
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_judged(
	    false, "a symbolic link: put the file itself in its place");
	assert_int_equal(remove(path), 0);
}

static void test_unreadable(void **state)
{
	struct config *config = config_create(0);
	enum config_result result = CONFIG_LOADED;
	char line[256];

	(void)state;
	write_file("{}", 2);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	/* Root may read everything. */
	if (geteuid() == 0) {
		assert_int_equal(seteuid(4242), 0);
	}
	result = config_load(config, path, 0);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(result, CONFIG_REFUSED);
	snprintf(line, sizeof(line), "%s: Permission denied", path);
	assert_string_equal(config->refused, line);
	assert_int_equal(remove(path), 0);
	config_destroy(config);
}

/* Goal: S14: of all short texts and many long ones, exactly the names. */
static void test_names(void **state)
{
	char text[80];

	(void)state;
	for (int a = 0; a < 256; a++) {
		bool first = (a >= 'a' && a <= 'z') || (a >= '0' && a <= '9');

		text[0] = (char)a;
		assert_int_equal(name_is_valid(text, 1), first);
		for (int b = 0; b < 256; b++) {
			bool more = (b >= 'a' && b <= 'z') ||
			    (b >= '0' && b <= '9') || b == '.' || b == '_' ||
			    b == '-';

			text[1] = (char)b;
			assert_int_equal(name_is_valid(text, 2), first && more);
		}
	}
	assert_false(name_is_valid("", 0));
	memset(text, 'a', sizeof(text));
	for (size_t length = 1; length < sizeof(text); length++) {
		assert_int_equal(name_is_valid(text, length), length <= 63);
	}
	for (size_t i = 0; i < 63; i++) {
		text[i] = '/';
		assert_false(name_is_valid(text, 63));
		text[i] = 'a';
	}
}

/* Goal: S1, S14: of a million generated strings just those are names that the
 * grammar makes, and each is escaped into printable text that fits. */
static void test_generated_strings(void **state)
{
	static const char allowed[] = "abcxyz0189._-";
	unsigned int names = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 1000000; i++) {
		char text[70];
		char out[TEXT_ESCAPED];
		size_t length = (size_t)random() % sizeof(text);
		bool name = length > 0 && length <= 63;

		for (size_t at = 0; at < length; at++) {
			text[at] = random() % 40 == 0
			    ? (char)random()
			    : allowed[(size_t)random() % (sizeof(allowed) - 1)];
			name = name &&
			    (islower((unsigned char)text[at]) ||
				isdigit((unsigned char)text[at]) ||
				(at > 0 && text[at] != '\0' &&
				    strchr("._-", text[at]) != NULL));
		}
		assert_int_equal(name_is_valid(text, length), name);
		names += name;
		text_escape(out, text, length);
		assert_true(strlen(out) < TEXT_ESCAPED);
		for (const char *at = out; *at != '\0'; at++) {
			assert_true(*at >= ' ' && *at <= '~' && *at != '"');
		}
	}
	/* Both kinds were there. */
	assert_true(names > 10000 && names < 990000);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1",
		"1e1", "1.0", "101", "4", "18446744073709551616",
		"99999999999999999999999", "ten", "1\n" };
	unsigned long number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(text_to_number(bad[i], 5, 100, &number), -1);
		assert_int_equal(number, 7);
	}
	assert_int_equal(text_to_number("5", 5, 100, &number), 0);
	assert_int_equal(number, 5);
	assert_int_equal(text_to_number("0100", 5, 100, &number), 0);
	assert_int_equal(number, 100);
	assert_int_equal(text_to_number("9", 0, 8, &number), -1);
	assert_int_equal(
	    text_to_number("18446744073709551615", 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
}

static void test_escape(void **state)
{
	char out[TEXT_ESCAPED];
	char text[100];

	(void)state;
	text_escape(out, "a \"b\"\\\n\x7f\xff%n", 11);
	assert_string_equal(out, "a \\x22b\\x22\\x5c\\x0a\\x7f\\xff%n");
	text_escape(out, "", 0);
	assert_string_equal(out, "");
	memset(text, 'x', sizeof(text));
	text_escape(out, text, 64);
	assert_int_equal(strlen(out), 64);
	assert_string_equal(out + 61, "xxx");
	text_escape(out, text, 65);
	assert_int_equal(strlen(out), 64);
	assert_string_equal(out + 60, "x...");
	/* An escape is not cut in two. */
	text[59] = '\n';
	text_escape(out, text, 100);
	assert_string_equal(out + 58, "x...");
	memset(text, 0xff, sizeof(text));
	for (size_t length = 0; length <= sizeof(text); length++) {
		text_escape(out, text, length);
		assert_int_equal(strlen(out), length <= 16 ? length * 4 : 63);
	}
}

static void test_subnets(void **state)
{
	static const char *const bad[] = { "", "/", "10.0.0.0", "10.0.0.0/",
		"10.0.0.0/24 ", " 10.0.0.0/24", "10.0.0/24", "10.0.0.0.0/24",
		"010.0.0.0/24", "10.0.0.00/24", "10.0.0.256/24", "10.0.0.0/024",
		"10.0.0.0/-1", "10.0.0.0/8", "10.0.0.0/15", "10.0.0.0/30",
		"10.0.0.0/32", "10.0.0.0/4294967312", "0xa.0.0.0/24",
		"172.15.0.0/16", "172.32.0.0/16", "192.169.0.0/16",
		"127.0.0.0/16", "0.0.0.0/16", "10.0.0.4/29", "fd00::/64" };
	struct subnet subnet = { 0 };
	const char *reason = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reason = NULL;
		if (subnet_parse(bad[i], &subnet, &reason) == 0) {
			fail_msg("taken: \"%s\"", bad[i]);
		}
		assert_non_null(reason);
	}
	assert_int_equal(
	    subnet_parse("172.31.255.248/29", &subnet, &reason), 0);
	assert_int_equal(subnet.address, 0xac1ffff8);
	assert_int_equal(subnet_mask(&subnet), 0xfffffff8);
	assert_int_equal(subnet_of(0xc0a84001, 0xffffff00, &subnet), 0);
	assert_int_equal(subnet.address, 0xc0a84000);
	assert_int_equal(subnet.length, 24);
	assert_int_equal(subnet_of(1, 0xff00ff00, &subnet), -1);
	assert_int_equal(subnet_of(1, 0xffffffff, &subnet), 0);
	assert_int_equal(subnet.length, 32);
	assert_int_equal(subnet_of(1, 0, &subnet), 0);
	assert_int_equal(subnet.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_empty_object),
		cmocka_unit_test(test_builtin_subnet),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_one_broken),
		cmocka_unit_test(test_refused_network),
		cmocka_unit_test(test_broken_subnets),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_column_of_characters),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_any_byte),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_generated_strings),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_subnets),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
