// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The table of networks, and their life cycles (vmnetd.h lists the states).
 */

#include "vmnetd.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct network *networks;

static void destroy(struct network *network)
{
	struct network **link = &networks;

	while (*link != NULL && *link != network) {
		link = &(*link)->next;
	}
	if (*link != NULL) {
		*link = network->next;
	}
	free(network->reservations);
	free(network->rules);
	free(network);
}

/* Appended, so that the list is in order of creation. */
static void append(struct network *network)
{
	struct network **link = &networks;

	while (*link != NULL) {
		link = &(*link)->next;
	}
	*link = network;
}

static void *copy(const void *items, size_t size)
{
	void *result = malloc(size + 1);

	if (result != NULL) {
		memcpy(result, items, size);
	}
	return result;
}

static struct network *allocate(struct client *client)
{
	struct network *network = calloc(1, sizeof(*network));

	if (network == NULL) {
		return NULL;
	}
	network->state = NETWORK_IDLE;
	network->bridge = -1;
	network->owner_pid = client->pid;
	network->owner_uid = client->uid;
	return network;
}

uint32_t network_create(struct client *owner, const struct wire_create *request,
    struct network **result)
{
	const struct wire_reservation *reservations =
	    (const struct wire_reservation *)(request + 1);
	const struct wire_rule *rules =
	    (const struct wire_rule *)(reservations + request->reservations);
	struct network *network = allocate(owner);
	uint32_t status = STATUS_MEM_FAILURE;

	if (network == NULL) {
		return STATUS_MEM_FAILURE;
	}
	network->owner = owner;
	network->config = request->network;
	network->config.flags &= ~(uint32_t)WIRE_NO_HOST;
	network->reservation_count = request->reservations;
	network->rule_count = request->rules;
	network->reservations =
	    copy(reservations, request->reservations * sizeof(*reservations));
	network->rules = copy(rules, request->rules * sizeof(*rules));
	if (network->reservations == NULL || network->rules == NULL ||
	    getrandom(network->config.id, WIRE_ID_SIZE, 0) != WIRE_ID_SIZE) {
		goto out;
	}
	status = check_network(&network->config, owner->uid);
	if (status == STATUS_SUCCESS) {
		status = check_items(network->reservations,
		    network->reservation_count, network->rules,
		    network->rule_count);
	}
	if (status == STATUS_SUCCESS) {
		append(network);
		*result = network;
		network = NULL;
	}
out:
	if (network != NULL) {
		destroy(network);
	}
	return status;
}

/* Converts a request of the older API to a configuration. */
static void legacy_config(
    const struct wire_legacy *legacy, struct wire_network *config)
{
	config->mode = legacy->mode;
	if (legacy->flags & WIRE_HAS_NAT66) {
		config->flags |= WIRE_HAS_PREFIX;
		config->prefix = legacy->nat66;
		config->prefix_length = 64;
	}
	if (legacy->flags & (WIRE_HAS_RANGE | WIRE_HAS_HOST)) {
		config->flags |= WIRE_HAS_SUBNET;
		config->address = legacy->start;
		config->mask = legacy->mask;
	}
	if (legacy->flags & WIRE_HAS_GROUP) {
		/* A network of one group: no DHCP; an address of the host only
		 * on request. */
		config->flags |= WIRE_NO_DHCP | WIRE_NO_DNS | WIRE_NO_RA;
		if (!(legacy->flags & WIRE_HAS_HOST)) {
			config->flags |= WIRE_NO_HOST;
		}
	}
}

/* The identifier selects the group, which has the settings of its first
 * member. */
static bool same_legacy(
    const struct wire_legacy *a, const struct wire_legacy *b)
{
	if ((a->flags & WIRE_HAS_GROUP) && (b->flags & WIRE_HAS_GROUP)) {
		return memcmp(a->group, b->group, WIRE_ID_SIZE) == 0;
	}
	return memcmp(a, b, sizeof(*a)) == 0;
}

uint32_t network_legacy(struct client *client, const struct wire_legacy *legacy,
    struct network **result)
{
	struct network *network;
	uint32_t status;

	for (network = networks; network != NULL; network = network->next) {
		if (network->legacy &&
		    same_legacy(&network->legacy_key, legacy)) {
			*result = network;
			return STATUS_SUCCESS;
		}
	}
	network = allocate(client);
	if (network == NULL) {
		return STATUS_MEM_FAILURE;
	}
	network->legacy = true;
	network->legacy_key = *legacy;
	if (legacy->flags & WIRE_HAS_RANGE) {
		network->pool_end = legacy->end;
	}
	legacy_config(legacy, &network->config);
	status = check_network(&network->config, client->uid);
	if (status != STATUS_SUCCESS ||
	    getrandom(network->config.id, WIRE_ID_SIZE, 0) != WIRE_ID_SIZE) {
		destroy(network);
		return status;
	}
	append(network);
	*result = network;
	return STATUS_SUCCESS;
}

struct network *network_find(const uint8_t id[WIRE_ID_SIZE])
{
	for (struct network *network = networks; network != NULL;
	     network = network->next) {
		if (network->state != NETWORK_ORPHANED &&
		    memcmp(network->config.id, id, WIRE_ID_SIZE) == 0) {
			return network;
		}
	}
	return NULL;
}

/* Back to idle: removes everything from the kernel. */
static void stop(struct network *network)
{
	if (network->state == NETWORK_IDLE) {
		return;
	}
	network->state = NETWORK_IDLE;
	dhcp_stop(network);
	nft_update();
	bridge_destroy(network);
	if (options.lapse_reservations) {
		network->reservation_count = 0;
		network->rule_count = 0;
	}
}

uint32_t network_start(struct network *network)
{
	int result;

	if (network->state != NETWORK_IDLE) {
		return STATUS_SUCCESS;
	}
	if (!(network->config.flags & WIRE_NO_HOST) &&
	    (network->config.address.s_addr & ~network->config.mask.s_addr) ==
		0) {
		/* As on macOS 27: created, but can never run. */
		log_error("can't have the gateway at the subnet address");
		return STATUS_FAILURE;
	}
	network->state = NETWORK_STARTING;
	if (bridge_create(network) != 0 || nft_update() != 0) {
		stop(network);
		return STATUS_FAILURE;
	}
	result = dhcp_start(network);
	if (result == -1) {
		stop(network);
		return STATUS_FAILURE;
	}
	if (result > 0) {
		network->state = NETWORK_RUNNING;
	}
	return STATUS_SUCCESS;
}

void network_dhcp_ready(struct network *network)
{
	network->state = NETWORK_RUNNING;
	interface_network_started(network, STATUS_SUCCESS);
}

void network_dhcp_failed(struct network *network)
{
	if (network->state == NETWORK_STARTING) {
		interface_network_started(network, STATUS_FAILURE);
		network_settle(network);
	}
}

void network_settle(struct network *network)
{
	if (interface_count(network) > 0) {
		return;
	}
	stop(network);
	if (network->legacy) {
		destroy(network);
	}
}

void network_remove(struct network *network)
{
	interface_network_gone(network);
	stop(network);
	destroy(network);
}

void network_client_gone(struct client *client, bool killed)
{
	struct network *network = networks;

	while (network != NULL) {
		struct network *next = network->next;

		if (network->owner == client && killed &&
		    options.orphan_subnets) {
			interface_network_gone(network);
			stop(network);
			network->owner = NULL;
			network->state = NETWORK_ORPHANED;
		} else if (network->owner == client) {
			network_remove(network);
		}
		network = next;
	}
}

void network_close_all(void)
{
	while (networks != NULL) {
		struct network *network = networks;

		if (network->state == NETWORK_ORPHANED) {
			destroy(network);
		} else {
			network_remove(network);
		}
	}
}
