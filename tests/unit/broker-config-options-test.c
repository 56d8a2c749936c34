// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-config-fixture

/*
 * Options of networks that have problems, alone or together: what is refused is
 * compared word by word, with its place.
 */

#include "broker-config-fixture.h"

#define NO_PREFIX                                                              \
	"is not a valid prefix: expected a /64 inside fd00::/8, such as "      \
	"fd12:3456:789a:1::/64"
#define NO_MAC                                                                 \
	"is not the MAC address of a network interface, such as "              \
	"52:54:00:12:34:56"
#define SUBNETTED "{\"a\": {\"mode\": \"shared\", \"subnet\": \"10.0.0.0/24\", "
#define RULE(protocol, port, address)                                          \
	"{\"protocol\": \"" protocol "\", \"external_port\": " port            \
	", \"internal_address\": \"" address "\", \"internal_port\": 8080}"

static const struct bad_text problems[] = {
	/* Keys of other types. */
	{ "{\"a\": {\"mode\": \"host\", \"dhcp\": 0, \"mtu\": \"1500\",\n"
	  "\"dhcp_reservations\": {}, \"description\": 1, \"anchor\": null}}",
	    ":1:32: a.dhcp: must be true or false, not a number\n"
	    ":1:42: a.mtu: must be a number, not a string\n"
	    ":2:22: a.dhcp_reservations: must be an array, not an object\n"
	    ":2:41: a.description: must be a string, not a number\n"
	    ":2:54: a.anchor: must be true or false, not null: leave the key "
	    "out\n"
	    ":2:22: a.dhcp_reservations: needs a \"subnet\" whose "
	    "\"subnet_policy\" is \"require\"" },
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
	    ":5:38: e.ipv6_prefix: \"fd12:0::/64\" is already d.ipv6_prefix" },
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
	    ":1:17: a.nat66: a network in mode \"shared\" needs nat44 or "
	    "nat66: use mode \"host\"\n"
	    ":3:20: b.subnet_policy: needs the key \"subnet\"\n"
	    ":2:30: b.external_interface: a network in mode \"host\" has no "
	    "external interface\n"
	    ":4:49: c.port_forwarding_rules: a network in mode \"host\" "
	    "forwards no ports\n"
	    ":4:49: c.port_forwarding_rules: needs a \"subnet\" whose "
	    "\"subnet_policy\" is \"require\"\n"
	    ":5:47: d.dhcp_reservations: reservations need \"dhcp\"\n"
	    ":5:47: d.dhcp_reservations: needs a \"subnet\" whose "
	    "\"subnet_policy\" is \"require\"" },

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
	    ":3:17: a.dhcp_reservations[1].mac_address: \"52:54:00:00:00:0A\" "
	    "already has a reservation\n"
	    ":3:52: a.dhcp_reservations[1].ip_address: \"10.0.0.2\" already "
	    "has a reservation\n"
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
	    "is already forwarded to the network a\n"
	    ":8:38: b.port_forwarding_rules[0].external_port: the udp port 80 "
	    "is already forwarded to the network a" },

	/* The rules of access. */
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
	    ":5:48: d.allow.users[4]: must be the name or numeric ID of a "
	    "user, not null\n"
	    ":6:12: d.allow.groups[0]: there is no group \"no-such\\x07group\" "
	    "on this Mac\n"
	    ":6:34: d.allow.groups[1]: must be the name or numeric ID of a "
	    "group, not an array\n"
	    ":6:38: d.allow.groups[2]: there is no group \"0\" on this Mac" },
};

/* Goal: every problem is found, each with its place. */
static void each_problem_of_an_option_has_its_place_and_remedy(void **state)
{
	(void)state;
	assert_texts_have_problems(
	    problems, sizeof(problems) / sizeof(problems[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_problem_of_an_option_has_its_place_and_remedy),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
