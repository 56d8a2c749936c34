// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The lists of a network in networks.json: DHCP reservations, and port
 * forwarding rules, which may name one.
 */

#include "config-reader.h"

#include <stdlib.h>
#include <string.h>

#include "json-position.h"
#include "text.h"

/* Grows a list by one element; NULL: out of memory. */
static void *grow(
    struct config_reader *reader, void *items, size_t count, size_t size)
{
	void *more = realloc(items, (count + 1) * size);

	if (more == NULL) {
		reader->no_memory = true;
	}
	return more;
}

/* Reads the address of a guest on the network; -1: it is invalid. */
static int read_guest(struct config_reader *reader, const char *at,
    const char *string, uint32_t *address)
{
	const struct subnet *subnet = &reader->network->subnet;
	uint32_t number = 0;
	const char *reason = NULL;
	char text[SUBNET_TEXT];

	if (subnet_parse_address(string, address) != 0) {
		config_reader_wrong(reader, at, string,
		    "is not an IPv4 address, such as 192.168.100.2");
		return -1;
	}
	if (!reader->network->has_subnet) {
		return 0; /* that has been recorded as a problem */
	}
	number = *address - subnet->address;
	subnet_format(subnet, text);
	if (number > ~subnet_mask(subnet)) {
		reason = "not in";
	} else if (number == 0) {
		reason = "the network address of";
	} else if (number == 1) {
		reason = "the gateway of";
	} else if (number == ~subnet_mask(subnet)) {
		reason = "the broadcast address of";
	} else {
		return 0;
	}
	config_reader_wrong(
	    reader, at, string, "is %s the network's subnet %s", reason, text);
	return -1;
}

/*
 * Reservations. A value that occurs in two of them is a problem of the second.
 */

static void read_mac(struct config_reader *reader, void *into, const char *at,
    const char *string)
{
	struct config_reservation *reservation = into;
	const struct config_network *network = reader->network;
	uint8_t mac[6];

	if (text_to_mac(string, mac) != 0) {
		config_reader_wrong(reader, at, string,
		    "is not the MAC address of a network interface, such as "
		    "52:54:00:12:34:56");
		return;
	}
	for (size_t i = 0; i < network->reservation_count; i++) {
		if (memcmp(network->reservations[i].mac, mac, sizeof(mac)) ==
		    0) {
			config_reader_wrong(
			    reader, at, string, "already has a reservation");
			return;
		}
	}
	memcpy(reservation->mac, mac, sizeof(mac));
}

static void read_address(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	struct config_reservation *reservation = into;
	const struct config_network *network = reader->network;
	uint32_t address = 0;

	if (read_guest(reader, at, string, &address) != 0) {
		return;
	}
	for (size_t i = 0; i < network->reservation_count; i++) {
		if (network->reservations[i].address == address) {
			config_reader_wrong(
			    reader, at, string, "already has a reservation");
			return;
		}
	}
	reservation->address = address;
}

static const struct config_reservation *find_reservation(
    const struct config_network *network, const char *name)
{
	for (size_t i = 0; i < network->reservation_count; i++) {
		if (strcmp(network->reservations[i].name, name) == 0) {
			return &network->reservations[i];
		}
	}
	return NULL;
}

static void read_name(struct config_reader *reader, void *into, const char *at,
    const char *string)
{
	struct config_reservation *reservation = into;
	uint32_t address = 0;

	if (!name_is_valid(string, strlen(string))) {
		config_reader_wrong(reader, at, string,
		    "is not a name: [a-z0-9][a-z0-9._-]{0,62}");
	} else if (subnet_parse_address(string, &address) == 0) {
		/* A rule could refer to either of them. */
		config_reader_wrong(
		    reader, at, string, "is an address, not a name");
	} else if (find_reservation(reader->network, string) != NULL) {
		config_reader_wrong(
		    reader, at, string, "is another reservation's name");
	} else {
		memcpy(reservation->name, string, strlen(string) + 1);
	}
}

static const struct config_key reservation_keys[] = {
	{ .name = "mac_address",
	    .type = CONFIG_STRING,
	    .required = true,
	    .read = read_mac },
	{ .name = "ip_address",
	    .type = CONFIG_STRING,
	    .required = true,
	    .read = read_address },
	{ .name = "name", .type = CONFIG_STRING, .read = read_name },
};

void config_lists_read_reservations(
    struct config_reader *reader, const char *at)
{
	struct config_network *network = reader->network;
	struct json_member element = { 0 };
	const char *places[CONFIG_KEYS];

	for (int i = 0;
	     at != NULL && *at == '[' && json_position_next(at, &element);
	     i++) {
		struct config_reservation reservation = { 0 };
		size_t inside = config_reader_enter(reader, "[%d]", i);
		bool good = config_reader_object(reader, element.value,
		    reservation_keys,
		    sizeof(reservation_keys) / sizeof(reservation_keys[0]),
		    &reservation, places);
		void *items = good
		    ? grow(reader, network->reservations,
			  network->reservation_count, sizeof(reservation))
		    : NULL;

		if (items != NULL) {
			network->reservations = items;
			network->reservations[network->reservation_count] =
			    reservation;
			network->reservation_count++;
		}
		reader->where[inside] = '\0';
	}
}

/*
 * Rules.
 */

/* An address in the subnet, or the name of a reservation. */
static void read_internal(struct config_reader *reader, void *into,
    const char *at, const char *string)
{
	struct config_rule *rule = into;
	const struct config_reservation *reservation = string[0] == '\0'
	    ? NULL
	    : find_reservation(reader->network, string);

	if (reservation != NULL) {
		rule->internal_address = reservation->address;
	} else if (string[strspn(string, "0123456789.")] == '\0') {
		read_guest(reader, at, string, &rule->internal_address);
	} else {
		config_reader_wrong(reader, at, string,
		    "is neither an IPv4 address nor the name of a valid "
		    "reservation of this network");
	}
}

static const struct config_key rule_keys[] = {
	{ .name = "protocol",
	    .type = CONFIG_CHOICE,
	    .required = true,
	    .choices = { "tcp", "udp" },
	    .offset = offsetof(struct config_rule, protocol) },
	{ .name = "external_port",
	    .type = CONFIG_NUMBER,
	    .required = true,
	    .min = 1,
	    .max = UINT16_MAX,
	    .offset = offsetof(struct config_rule, external_port) },
	{ .name = "internal_address",
	    .type = CONFIG_STRING,
	    .required = true,
	    .read = read_internal },
	{ .name = "internal_port",
	    .type = CONFIG_NUMBER,
	    .required = true,
	    .min = 1,
	    .max = UINT16_MAX,
	    .offset = offsetof(struct config_rule, internal_port) },
};

#define EXTERNAL_PORT 1

_Static_assert(CONFIG_TCP == 0 && CONFIG_UDP == 1 &&
	sizeof(enum config_protocol) == sizeof(uint32_t),
    "choices have the order of their enumerations");

/* The network, including this one, that already has the rule's external port;
 * or NULL. */
static const struct config_network *find_port(
    const struct config *config, const struct config_rule *rule)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_network *network = &config->networks[i];

		for (size_t j = 0; j < network->rule_count; j++) {
			if (network->rules[j].protocol == rule->protocol &&
			    network->rules[j].external_port ==
				rule->external_port) {
				return network;
			}
		}
	}
	return NULL;
}

static void add_rule(struct config_reader *reader,
    const struct config_rule *rule, const char *port)
{
	struct config_network *network = reader->network;
	const struct config_network *other = find_port(reader->config, rule);
	void *items = NULL;

	if (other != NULL) {
		config_reader_enter(reader, ".external_port");
		config_reader_problem(reader, port,
		    "the %s port %u is already forwarded to the network %s",
		    rule_keys[0].choices[rule->protocol], rule->external_port,
		    other->name);
		return;
	}
	items =
	    grow(reader, network->rules, network->rule_count, sizeof(*rule));
	if (items != NULL) {
		network->rules = items;
		network->rules[network->rule_count] = *rule;
		network->rule_count++;
	}
}

void config_lists_read_rules(struct config_reader *reader, const char *at)
{
	struct json_member element = { 0 };
	const char *places[CONFIG_KEYS];

	for (int i = 0;
	     at != NULL && *at == '[' && json_position_next(at, &element);
	     i++) {
		struct config_rule rule = { 0 };
		size_t inside = config_reader_enter(reader, "[%d]", i);

		if (config_reader_object(reader, element.value, rule_keys,
			sizeof(rule_keys) / sizeof(rule_keys[0]), &rule,
			places)) {
			add_rule(reader, &rule, places[EXTERNAL_PORT]);
		}
		reader->where[inside] = '\0';
	}
}
