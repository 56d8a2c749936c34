// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The state, for tests and people: one line for each network and interface,
 * words of the form name=value.
 */

#include "vmnetd.h"

#include <arpa/inet.h>

static const char *state_name(enum network_state state)
{
	switch (state) {
	case NETWORK_IDLE:
		return "idle";
	case NETWORK_STARTING:
		return "starting";
	case NETWORK_RUNNING:
		return "running";
	case NETWORK_ORPHANED:
		return "orphaned";
	}
	return "unknown";
}

static void dump_id(FILE *out, const uint8_t id[WIRE_ID_SIZE])
{
	for (unsigned i = 0; i < WIRE_ID_SIZE; i++) {
		fprintf(out, "%02x", id[i]);
	}
}

static void dump_network(FILE *out, const struct network *network)
{
	const struct wire_network *config = &network->config;
	char address[INET_ADDRSTRLEN], prefix[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &config->address, address, sizeof(address));
	inet_ntop(AF_INET6, &config->prefix, prefix, sizeof(prefix));
	fprintf(out, "network id=");
	dump_id(out, config->id);
	fprintf(out,
	    " mode=%s state=%s pid=%d uid=%u api=%s subnet=%s/%d "
	    "prefix=%s/%u mtu=%u flags=%x external=%s reservations=%u "
	    "rules=%u interfaces=%u",
	    config->mode == MODE_SHARED ? "shared" : "host",
	    state_name(network->state), (int)network->owner_pid,
	    (unsigned)network->owner_uid,
	    network->legacy ? "interface" : "network", address,
	    __builtin_popcount(config->mask.s_addr), prefix,
	    config->prefix_length, config->mtu, config->flags,
	    config->external[0] == '\0' ? "-" : config->external,
	    network->reservation_count, network->rule_count,
	    interface_count(network));
	if (network->bridge != -1) {
		fprintf(out, " bridge=bridge%d tso=%s", network->bridge,
		    interface_tso(network) ? "on" : "off");
	}
	fputc('\n', out);
}

static void dump_interface(FILE *out, const struct interface *interface)
{
	const uint8_t *mac = interface->mac;

	fprintf(out,
	    "interface name=vmenet%d bridge=bridge%d pid=%d uid=%u "
	    "mac=%02x:%02x:%02x:%02x:%02x:%02x isolated=%d offload=%d "
	    "rules=%u network=",
	    interface->tap, interface->network->bridge,
	    (int)interface->client->pid, (unsigned)interface->client->uid,
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], interface->isolated,
	    interface->offload, interface->rule_count);
	dump_id(out, interface->network->config.id);
	fputc('\n', out);
}

void dump_networks(FILE *out)
{
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		dump_network(out, network);
	}
	for (const struct interface *interface = interfaces; interface != NULL;
	     interface = interface->next) {
		dump_interface(out, interface);
	}
}
