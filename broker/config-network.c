// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A value is checked when its key is read, unless the check depends on another
 * key: keys may be in any order, so such checks come at the end.
 */

#include "config-reader.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* The minimum for IPv6, and vmnet's default: larger values are untested. */
#define MTU_MIN 1280
#define MTU_MAX 1500

/* Seconds. */
#define DAY 86400

/* The mode of a built-in network equals its name. */
static void read_mode(struct config_reader *reader, void *into, const char *at,
    const char *string)
{
	const struct config_network *network = into;
	bool builtin = strcmp(network->name, "host") == 0 ||
	    strcmp(network->name, "shared") == 0;

	if (builtin && strcmp(network->name, string) != 0) {
		config_reader_problem(reader, at,
		    "the mode of this built-in network is \"%s\"",
		    network->name);
	}
}

static void read_subnet(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	struct config_network *network = into;
	const char *reason = NULL;
	struct subnet subnet;
	char text[SUBNET_TEXT];

	if (subnet_parse(string, &subnet, &reason) != 0) {
		config_reader_wrong(
		    reader, at, string, "is not a subnet: %s", reason);
		return;
	}
	for (size_t i = 0; i < reader->config->count; i++) {
		const struct config_network *other =
		    &reader->config->networks[i];

		if (other->has_subnet &&
		    subnet_overlaps(&subnet, &other->subnet)) {
			subnet_format(&other->subnet, text);
			config_reader_wrong(reader, at, string,
			    "overlaps %s.subnet, %s", other->name, text);
			return;
		}
	}
	network->has_subnet = true;
	network->subnet = subnet;
}

/* vmnet is known to accept unique local /64 prefixes. */
static void read_prefix(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	static const uint8_t zero[8];
	struct config_network *network = into;
	struct in6_addr prefix = { 0 };
	char address[INET6_ADDRSTRLEN] = "";
	size_t length = strcspn(string, "/");

	if (length < sizeof(address)) {
		memcpy(address, string, length);
	}
	if (strcmp(string + length, "/64") != 0 ||
	    inet_pton(AF_INET6, address, &prefix) != 1 ||
	    prefix.s6_addr[0] != 0xfd ||
	    memcmp(&prefix.s6_addr[8], zero, sizeof(zero)) != 0) {
		config_reader_wrong(reader, at, string,
		    "is not a valid prefix: expected a /64 inside fd00::/8, "
		    "such as fd12:3456:789a:1::/64");
		return;
	}
	for (size_t i = 0; i < reader->config->count; i++) {
		const struct config_network *other =
		    &reader->config->networks[i];

		if (other->has_ipv6_prefix &&
		    memcmp(&other->ipv6_prefix, &prefix, sizeof(prefix)) == 0) {
			config_reader_wrong(reader, at, string,
			    "is already %s.ipv6_prefix", other->name);
			return;
		}
	}
	network->has_ipv6_prefix = true;
	network->ipv6_prefix = prefix;
}

static void read_interface(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct config_network *network = into;
	size_t length = strlen(string);

	if (length == 0 || length >= CONFIG_INTERFACE ||
	    strspn(string, allowed) != length) {
		config_reader_wrong(reader, at, string,
		    "is not the name of a network interface, such as en0");
		return;
	}
	memcpy(network->external_interface, string, length + 1);
}

static void read_description(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	struct config_network *network = into;

	(void)at;
	network->description = strdup(string);
	if (network->description == NULL) {
		reader->no_memory = true;
	}
}

#define FIELD(field) offsetof(struct config_network, field)
#define SWITCH(key, constant)                                                  \
	{                                                                      \
		.name = (key), .type = CONFIG_SWITCH, .set_by = 'f',           \
		.bit = (constant), .offset = FIELD(off)                        \
	}

enum {
	INTERFACE,
	NAT44,
	NAT66,
	DHCP,
	DNS_PROXY,
	ROUTER_ADVERTISEMENT,
	MTU,
	ANCHOR,
	ALLOW,
	DEFAULTS, /* the keys before it may be in the defaults */
	MODE = DEFAULTS,
	SUBNET,
	POLICY,
	RESERVATIONS,
	RULES,
};

static const struct config_key keys[] = {
	[INTERFACE] = { .name = "external_interface",
	    .type = CONFIG_STRING,
	    .read = read_interface },
	[NAT44] = SWITCH("nat44", CONFIG_NAT44),
	[NAT66] = SWITCH("nat66", CONFIG_NAT66),
	[DHCP] = SWITCH("dhcp", CONFIG_DHCP),
	[DNS_PROXY] = SWITCH("dns_proxy", CONFIG_DNS_PROXY),
	[ROUTER_ADVERTISEMENT] =
	    SWITCH("router_advertisement", CONFIG_ROUTER_ADVERTISEMENT),
	[MTU] = { .name = "mtu",
	    .type = CONFIG_NUMBER,
	    .min = MTU_MIN,
	    .max = MTU_MAX,
	    .offset = FIELD(mtu) },
	[ANCHOR] = SWITCH("anchor", CONFIG_ANCHOR),
	[ALLOW] = { .name = "allow",
	    .type = CONFIG_OBJECT,
	    .read = config_allow_read },
	[MODE] = { .name = "mode",
	    .type = CONFIG_CHOICE,
	    .required = true,
	    .choices = { "shared", "host" },
	    .note = ": use \"shared\" for NAT; bridged networks are not "
		    "available",
	    .offset = FIELD(mode),
	    .read = read_mode },
	[SUBNET] = { .name = "subnet",
	    .type = CONFIG_STRING,
	    .read = read_subnet },
	[POLICY] = { .name = "subnet_policy",
	    .type = CONFIG_CHOICE,
	    .choices = { "require", "prefer" },
	    .offset = FIELD(subnet_policy) },
	[RESERVATIONS] = { .name = "dhcp_reservations", .type = CONFIG_LIST },
	[RULES] = { .name = "port_forwarding_rules", .type = CONFIG_LIST },
	{ .name = "description",
	    .type = CONFIG_STRING,
	    .read = read_description },
	{ .name = "persistent",
	    .type = CONFIG_SWITCH,
	    .set_by = 't',
	    .bit = 1,
	    .offset = FIELD(persistent) },
	{ .name = "ipv6_prefix", .type = CONFIG_STRING, .read = read_prefix },
	{ .name = "linger",
	    .type = CONFIG_NUMBER,
	    .max = DAY,
	    .offset = FIELD(linger) },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

_Static_assert(KEYS <= CONFIG_KEYS, "places has room for all keys");
/* A choice is stored by its number. */
_Static_assert(CONFIG_SHARED == 0 && CONFIG_HOST == 1 && CONFIG_REQUIRE == 0 &&
	CONFIG_PREFER == 1 && sizeof(enum config_mode) == sizeof(uint32_t) &&
	sizeof(enum config_policy) == sizeof(uint32_t),
    "choices have the order of their enumerations");

static void problem_of(
    struct config_reader *reader, int key, const char *at, const char *reason)
{
	size_t inside = config_reader_enter(reader, ".%s", keys[key].name);

	config_reader_problem(reader, at, "%s", reason);
	reader->where[inside] = '\0';
}

#define NAT (CONFIG_NAT44 | CONFIG_NAT66)

static const char needs_subnet[] =
    "needs a \"subnet\" whose \"subnet_policy\" is \"require\"";

static const char no_nat[] =
    "a network in mode \"shared\" needs nat44 or nat66: use mode \"host\"";

/* What is wrong with keys that are good on their own. */
static void check_together(
    struct config_reader *reader, const char *const *places)
{
	const struct config_network *network = reader->network;
	bool host = network->mode == CONFIG_HOST;
	/* 0 is also the mode that could not be read. */
	bool shared =
	    places[MODE] != NULL && strncmp(places[MODE], "\"shared\"", 8) == 0;
	bool fixed =
	    places[SUBNET] != NULL && network->subnet_policy == CONFIG_REQUIRE;
	int nat = places[NAT66] != NULL ? NAT66 : NAT44;
	const struct {
		int key;
		bool wrong;
		const char *reason;
	} checks[] = {
		{ POLICY, places[SUBNET] == NULL, "needs the key \"subnet\"" },
		{ INTERFACE, host,
		    "a network in mode \"host\" has no external interface" },
		{ RULES, host, "a network in mode \"host\" forwards no ports" },
		{ nat, shared && (network->off & NAT) == NAT, no_nat },
		{ RESERVATIONS, (network->off & CONFIG_DHCP) != 0,
		    "reservations need \"dhcp\"" },
		{ RESERVATIONS, !fixed, needs_subnet },
		{ RULES, !fixed, needs_subnet },
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int key = checks[i].key;

		if (places[key] != NULL && checks[i].wrong) {
			problem_of(reader, key, places[key], checks[i].reason);
		}
	}
}

void config_network_read(struct config_reader *reader, const char *at)
{
	const char *places[CONFIG_KEYS];
	size_t inside = 0;

	config_reader_object(reader, at, keys, KEYS, reader->network, places);
	check_together(reader, places);
	/* Rules name reservations. */
	inside = config_reader_enter(reader, ".%s", keys[RESERVATIONS].name);
	config_lists_read_reservations(reader, places[RESERVATIONS]);
	reader->where[inside] = '\0';
	config_reader_enter(reader, ".%s", keys[RULES].name);
	config_lists_read_rules(reader, places[RULES]);
	reader->where[inside] = '\0';
}

/*
 * Options of the broker.
 */

static void read_defaults(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	struct config_network *defaults = &reader->config->defaults;
	const char *places[CONFIG_KEYS];

	(void)into;
	(void)string;
	config_reader_object(reader, at, keys, DEFAULTS, defaults, places);
	if ((defaults->off & NAT) == NAT) {
		problem_of(reader, NAT66, places[NAT66],
		    "a network in mode \"shared\" needs nat44 or nat66: remove "
		    "one of them");
	}
}

#define OPTION(key, lowest, highest)                                           \
	{                                                                      \
		.name = #key, .type = CONFIG_NUMBER, .minor = true,            \
		.min = (lowest), .max = (highest),                             \
		.offset = offsetof(struct config_options, key)                 \
	}

static const struct config_key option_keys[] = {
	OPTION(idle, 1, DAY),
	OPTION(linger, 0, DAY),
	OPTION(max_clients_per_user, 1,
	    VMNET_BROKER_MAX_PEERS - VMNET_BROKER_PEERS_KEPT_FOR_ROOT),
	{ .name = "defaults", .type = CONFIG_OBJECT, .read = read_defaults },
};

void config_network_read_options(struct config_reader *reader, const char *at)
{
	const char *places[CONFIG_KEYS];

	config_reader_object(reader, at, option_keys,
	    sizeof(option_keys) / sizeof(option_keys[0]),
	    &reader->config->options, places);
}
