// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-config-fixture

/*
 * Entries of networks.json that have problems, in their names, modes, subnets
 * and keys: what is refused is compared word by word, with its place.
 */

#include "broker-config-fixture.h"

static const struct bad_text problems[] = {
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
	    ":1:18: web.mode: \"bridged\" is not \"shared\" or \"host\": "
	    "use \"shared\" for NAT; bridged networks are not available" },
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
	{ "{\"a\":{\"mode\":\"host\",\"subnet\":\"192.168.1.2/24\"}}",
	    ":1:30: a.subnet: \"192.168.1.2/24\" is not a subnet: the "
	    "address is neither the network's nor the gateway's; did you mean "
	    "192.168.1.0/24?" },
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
	    ":1:39: b.mode: \"}{\\x22],\" is not \"shared\" or \"host\": "
	    "use \"shared\" for NAT; bridged networks are not available" },
	{ "{\"a\":\r\n{\"mode\":\t\"\xc3\xbc\xe2\x82\xac\", \"subnet\" : 1}}",
	    ":2:10: a.mode: \"\\xc3\\xbc\\xe2\\x82\\xac\" is not "
	    "\"shared\" "
	    "or \"host\": use \"shared\" for NAT; bridged networks are not "
	    "available\n"
	    ":2:27: a.subnet: must be a string, not a number" },
	{ "{\"a\": {\"mode\": \"host\", \"\xc3\xbc\": 1}}",
	    ":1:24: a: unknown key \"\\xc3\\xbc\"" },

	/* All of several. */
	{ "{\"a\": {\"x\": 1, \"mode\": 2}, \"B\": 3}",
	    ":1:8: a: unknown key \"x\"\n"
	    ":1:24: a.mode: must be a string, not a number\n"
	    ":1:28: \"B\" is not a network name: "
	    "[a-z0-9][a-z0-9._-]{0,62}" },
};

/* Goal: every problem is found, each with its place. */
static void each_problem_of_an_entry_has_its_place_and_remedy(void **state)
{
	(void)state;
	assert_texts_have_problems(
	    problems, sizeof(problems) / sizeof(problems[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_problem_of_an_entry_has_its_place_and_remedy),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
