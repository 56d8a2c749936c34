// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Checks network configurations and fills in defaults. macOS checks everything
 * when the network is created, and returns VMNET_FAILURE for nearly all errors.
 */

#include "vmnetd.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/random.h>

/* The daemon of macOS counts networks of all processes and modes. */
#define NETWORKS_MAX 255

#define MTU_DEFAULT 1500
#define MTU_MIN 576
#define MTU_MAX 65521 /* A tap takes frames of 65535 bytes. */

/* 192.168.FIRST.1/24 to 192.168.LAST.1/24, for callers of one kind. */
struct range {
	unsigned first;
	unsigned last;
};

static const struct range range_root = { 2, 63 };
static const struct range range_shared = { 64, 127 };
static const struct range range_host = { 128, 191 };

static bool inside(
    uint32_t address, uint32_t mask, const char *base, uint32_t base_mask)
{
	return (address & base_mask) == ntohl(inet_addr(base)) &&
	    (mask & base_mask) == base_mask;
}

static bool subnet_valid(const struct wire_network *config)
{
	uint32_t address = ntohl(config->address.s_addr);
	uint32_t mask = ntohl(config->mask.s_addr);
	uint32_t hosts = ~mask;

	if ((hosts & (hosts + 1)) != 0 || hosts < 3) {
		return false; /* not contiguous, or smaller than a /30 */
	}
	/* The base itself passes here and fails at the interface. */
	if ((address & hosts) == hosts) {
		return false;
	}
	return inside(address, mask, "10.0.0.0", 0xff000000) ||
	    inside(address, mask, "172.16.0.0", 0xfff00000) ||
	    inside(address, mask, "192.168.0.0", 0xffff0000);
}

/* Only networks of vmnet count, not other interfaces of the host. */
static bool subnet_free(struct in_addr address, struct in_addr mask)
{
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		uint32_t common = network->config.mask.s_addr & mask.s_addr;

		if (network->config.flags & WIRE_NO_HOST) {
			continue;
		}
		if ((network->config.address.s_addr & common) ==
		    (address.s_addr & common)) {
			return false;
		}
	}
	return true;
}

static bool subnet_choose(struct wire_network *config, uid_t caller)
{
	const struct range *range = &range_host;

	if (caller == 0) {
		range = &range_root;
	} else if (config->mode == MODE_SHARED) {
		range = &range_shared;
	}
	config->mask.s_addr = htonl(0xffffff00);
	for (unsigned third = range->first; third <= range->last; third++) {
		config->address.s_addr = htonl(0xc0a80001 | third << 8);
		if (subnet_free(config->address, config->mask)) {
			return true;
		}
	}
	return false;
}

static bool prefix_free(const struct in6_addr *prefix)
{
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		if (memcmp(&network->config.prefix, prefix, 8) == 0) {
			return false;
		}
	}
	return true;
}

static bool prefix_settle(struct wire_network *config)
{
	if (config->flags & WIRE_HAS_PREFIX) {
		memset(&config->prefix.s6_addr[8], 0, 8);
		return config->prefix.s6_addr[0] == 0xfd &&
		    config->prefix_length == 64 && prefix_free(&config->prefix);
	}
	memset(&config->prefix, 0, sizeof(config->prefix));
	config->prefix_length = 64;
	do {
		if (getrandom(&config->prefix, 8, 0) != 8) {
			return false;
		}
		config->prefix.s6_addr[0] = 0xfd;
	} while (!prefix_free(&config->prefix));
	return true;
}

static bool external_settle(struct wire_network *config)
{
	config->external[IF_NAMESIZE - 1] = '\0';
	if (config->mode != MODE_SHARED) {
		config->external[0] = '\0';
		return true;
	}
	if (config->external[0] == '\0') {
		route_default(config->external);
		return true;
	}
	return if_nametoindex(config->external) != 0;
}

static bool mtu_settle(struct wire_network *config)
{
	if (!(config->flags & WIRE_HAS_MTU)) {
		config->mtu = MTU_DEFAULT;
	}
	return config->mtu >= MTU_MIN && config->mtu <= MTU_MAX;
}

uint32_t check_network(struct wire_network *config, uid_t caller)
{
	unsigned count = 0;

	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		count++;
	}
	if (count >= NETWORKS_MAX) {
		return STATUS_FAILURE;
	}
	if (config->mode != MODE_SHARED && config->mode != MODE_HOST) {
		return STATUS_INVALID_ARGUMENT;
	}
	if (config->mode == MODE_SHARED && (config->flags & WIRE_NO_NAT44) &&
	    (config->flags & WIRE_NO_NAT66)) {
		return STATUS_FAILURE;
	}
	if (!mtu_settle(config) || !external_settle(config) ||
	    !prefix_settle(config)) {
		return STATUS_FAILURE;
	}
	if (config->flags & WIRE_NO_HOST) {
		return STATUS_SUCCESS;
	}
	if (!(config->flags & WIRE_HAS_SUBNET)) {
		return subnet_choose(config, caller) ? STATUS_SUCCESS
						     : STATUS_FAILURE;
	}
	if (!subnet_valid(config) ||
	    !subnet_free(config->address, config->mask)) {
		return STATUS_FAILURE;
	}
	return STATUS_SUCCESS;
}

static bool reservation_valid(const struct wire_reservation *reservation)
{
	static const uint8_t zero[WIRE_MAC_SIZE];

	/* The group bit: multicast and broadcast. */
	return memcmp(reservation->mac, zero, sizeof(zero)) != 0 &&
	    (reservation->mac[0] & 1) == 0 &&
	    reservation->address.s_addr != INADDR_ANY &&
	    reservation->address.s_addr != INADDR_BROADCAST;
}

bool check_rule(const struct wire_rule *rule)
{
	return (rule->protocol == IPPROTO_TCP ||
		   rule->protocol == IPPROTO_UDP) &&
	    (rule->family == AF_INET || rule->family == AF_INET6) &&
	    rule->internal_port != 0 && rule->external_port != 0;
}

uint32_t check_items(const struct wire_reservation *reservations,
    uint32_t reservation_count, const struct wire_rule *rules,
    uint32_t rule_count)
{
	for (uint32_t i = 0; i < reservation_count; i++) {
		if (!reservation_valid(&reservations[i])) {
			return STATUS_FAILURE;
		}
	}
	for (uint32_t i = 0; i < rule_count; i++) {
		if (!check_rule(&rules[i])) {
			return STATUS_INVALID_ARGUMENT;
		}
	}
	return STATUS_SUCCESS;
}

bool check_pool(
    const struct network *network, struct in_addr *first, struct in_addr *last)
{
	uint32_t mask = ntohl(network->config.mask.s_addr);
	uint32_t base = ntohl(network->config.address.s_addr) & mask;
	uint32_t from = base + 2;
	uint32_t to = (base | ~mask) - 1;

	if (network->pool_end.s_addr != 0) {
		from = ntohl(network->config.address.s_addr) + 1;
		to = ntohl(network->pool_end.s_addr);
	}
	first->s_addr = htonl(from);
	last->s_addr = htonl(to);
	return from <= to;
}
