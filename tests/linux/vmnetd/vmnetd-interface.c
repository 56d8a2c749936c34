// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Interfaces: each is a tap on the bridge of a network, and the client has its
 * descriptor.
 */

#include "vmnetd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct interface *interfaces;

static void destroy(struct interface *interface)
{
	struct interface **link = &interfaces;

	while (*link != interface) {
		link = &(*link)->next;
	}
	*link = interface->next;
	bridge_tap_destroy(interface);
	if (interface->fd != -1) {
		close(interface->fd);
	}
	free(interface->rules);
	free(interface);
}

/*
 * The same interface id always gives the same address: FNV-1a over the id, as
 * any hash is good enough. It is locally administered and not a group address.
 */
static void mac_from_id(const uint8_t id[WIRE_ID_SIZE], uint8_t *mac)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (unsigned i = 0; i < WIRE_ID_SIZE; i++) {
		hash = (hash ^ id[i]) * 0x100000001b3;
	}
	for (unsigned i = 0; i < WIRE_MAC_SIZE; i++) {
		mac[i] = (uint8_t)(hash >> (8 * i));
	}
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
}

static struct interface *create(struct client *client, struct network *network,
    const struct wire_start *request)
{
	static uint32_t last_id;
	struct interface *interface = calloc(1, sizeof(*interface));

	if (interface == NULL) {
		return NULL;
	}
	interface->id = ++last_id;
	interface->tap = -1;
	interface->fd = -1;
	interface->network = network;
	interface->client = client;
	interface->sequence = request->header.sequence;
	/* On networks of the newer API the key has no effect. */
	interface->isolated =
	    network->legacy && (request->flags & WIRE_ISOLATED);
	interface->offload = (request->flags & WIRE_OFFLOAD) != 0;
	mac_from_id(request->interface_id, interface->mac);
	interface->next = interfaces;
	interfaces = interface;
	return interface;
}

static void answer(struct interface *interface)
{
	const struct wire_network *config = &interface->network->config;
	struct wire_started reply = {
		.header = { .type = WIRE_START,
		    .sequence = interface->sequence },
		.interface = interface->id,
		.mtu = config->mtu,
		.start = config->address,
		.mask = config->mask,
		.nat66 = config->prefix,
	};
	struct in_addr first;

	check_pool(interface->network, &first, &reply.end);
	snprintf(reply.name, sizeof(reply.name), "vmenet%d", interface->tap);
	memcpy(reply.mac, interface->mac, sizeof(reply.mac));
	interface->waiting = false;
	client_reply(interface->client, &reply, sizeof(reply), STATUS_SUCCESS,
	    interface->fd);
	close(interface->fd);
	interface->fd = -1;
}

static void refuse(struct client *client, uint32_t sequence, uint32_t status)
{
	struct wire_header reply = { .type = WIRE_START, .sequence = sequence };

	client_reply(client, &reply, sizeof(reply), status, -1);
}

/* Returns a status; only on success, the start has been answered or is
 * pending. */
static uint32_t attach(struct client *client, const struct wire_start *request,
    struct network *network)
{
	struct interface *interface = create(client, network, request);
	uint32_t status;

	if (interface == NULL) {
		return STATUS_MEM_FAILURE;
	}
	status = network_start(network);
	if (status == STATUS_SUCCESS && bridge_tap_create(interface) != 0) {
		status = STATUS_FAILURE;
	}
	if (status != STATUS_SUCCESS) {
		destroy(interface);
		return status;
	}
	interface->waiting = true;
	if (network->state == NETWORK_RUNNING) {
		answer(interface);
	}
	return STATUS_SUCCESS;
}

void interface_start(struct client *client, const struct wire_start *request)
{
	struct network *network = NULL;
	uint32_t status = STATUS_SUCCESS;

	if (request->flags & WIRE_LEGACY) {
		status = network_legacy(client, &request->legacy, &network);
	} else {
		network = network_find(request->network);
		if (network == NULL) {
			status = STATUS_FAILURE;
		}
	}
	if (status == STATUS_SUCCESS) {
		status = attach(client, request, network);
		if (status != STATUS_SUCCESS) {
			network_settle(network);
		}
	}
	if (status != STATUS_SUCCESS) {
		refuse(client, request->header.sequence, status);
	}
}

struct interface *interface_find(struct client *client, uint32_t id)
{
	struct interface *interface = interfaces;

	while (interface != NULL &&
	    (interface->id != id || interface->client != client)) {
		interface = interface->next;
	}
	return interface;
}

static void leave(struct interface *interface)
{
	struct network *network = interface->network;
	bool ruled = interface->rule_count > 0;

	destroy(interface);
	if (ruled) {
		nft_update();
	}
	network_settle(network);
}

void interface_stop(struct client *client, uint32_t id)
{
	struct interface *interface = interface_find(client, id);

	if (interface != NULL) {
		leave(interface);
	}
}

unsigned interface_count(const struct network *network)
{
	unsigned count = 0;

	for (struct interface *interface = interfaces; interface != NULL;
	     interface = interface->next) {
		count += interface->network == network;
	}
	return count;
}

bool interface_tso(const struct network *network)
{
	for (struct interface *interface = interfaces; interface != NULL;
	     interface = interface->next) {
		if (interface->network == network && !interface->offload) {
			return false;
		}
	}
	return true;
}

void interface_network_started(struct network *network, uint32_t status)
{
	struct interface *interface = interfaces;

	while (interface != NULL) {
		struct interface *next = interface->next;

		if (interface->network == network && interface->waiting) {
			if (status == STATUS_SUCCESS) {
				answer(interface);
			} else {
				refuse(interface->client, interface->sequence,
				    status);
				destroy(interface);
			}
		}
		interface = next;
	}
}

void interface_network_gone(struct network *network)
{
	struct interface *interface;

	interface_network_started(network, STATUS_FAILURE);
	interface = interfaces;
	while (interface != NULL) {
		struct interface *next = interface->next;

		if (interface->network == network) {
			destroy(interface);
		}
		interface = next;
	}
}

void interface_client_gone(struct client *client)
{
	struct interface *interface = interfaces;

	while (interface != NULL) {
		struct interface *next = interface->next;

		if (interface->client == client) {
			leave(interface);
		}
		interface = next;
	}
}

static bool same_port(const struct wire_rule *a, const struct wire_rule *b)
{
	return a->protocol == b->protocol && a->family == b->family &&
	    a->external_port == b->external_port;
}

uint32_t interface_rule_add(
    struct interface *interface, const struct wire_rule *rule)
{
	void *rules;

	if (!interface->network->legacy ||
	    interface->network->config.mode != MODE_SHARED) {
		return STATUS_FAILURE;
	}
	if (!check_rule(rule)) {
		return STATUS_INVALID_ARGUMENT;
	}
	for (uint32_t i = 0; i < interface->rule_count; i++) {
		if (same_port(&interface->rules[i], rule)) {
			return STATUS_FAILURE;
		}
	}
	if (interface->rule_count >= WIRE_ITEMS_MAX) {
		return STATUS_FAILURE;
	}
	rules = reallocarray(interface->rules, interface->rule_count + 1,
	    sizeof(*interface->rules));
	if (rules == NULL) {
		return STATUS_MEM_FAILURE;
	}
	interface->rules = rules;
	interface->rules[interface->rule_count++] = *rule;
	return nft_update() == 0 ? STATUS_SUCCESS : STATUS_FAILURE;
}

uint32_t interface_rule_remove(
    struct interface *interface, const struct wire_rule *rule)
{
	for (uint32_t i = 0; i < interface->rule_count; i++) {
		if (same_port(&interface->rules[i], rule)) {
			interface->rules[i] =
			    interface->rules[--interface->rule_count];
			return nft_update() == 0 ? STATUS_SUCCESS
						 : STATUS_FAILURE;
		}
	}
	return STATUS_FAILURE;
}
