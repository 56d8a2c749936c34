// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The list of clients that a client may see.
 */

#include "peer-internal.h"

#include "message.h"
#include "protocol.h"

static bool may_see(const struct peer *to, const struct peer *peer)
{
	return peer_may_change(to) || to->user == peer->user;
}

/* The networks that it holds (granted) or waits for. */
static void set_networks(
    xpc_object_t entry, const char *key, const struct peer *peer, bool granted)
{
	const struct owned_hold *owned = NULL;
	xpc_object_t names = xpc_array_create(NULL, 0);

	SLIST_FOREACH(owned, &peer->holds, entry)
	{
		if (owned->hold.network != NULL &&
		    owned->hold.granted == granted) {
			xpc_array_set_string(names, XPC_ARRAY_APPEND,
			    owned->hold.network->config->name);
		}
	}
	message_put(entry, key, names);
}

static void append_peer(xpc_object_t clients, const struct peer *peer)
{
	xpc_object_t entry = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_uint64(
	    entry, VMNET_BROKER_CLIENT_UID, peer->user->uid);
	xpc_dictionary_set_int64(entry, VMNET_BROKER_KEY_PID, peer->pid);
	xpc_dictionary_set_uint64(
	    entry, VMNET_BROKER_CLIENT_SINCE, (uint64_t)peer->since);
	set_networks(entry, VMNET_BROKER_STATUS_NETWORKS, peer, true);
	set_networks(entry, VMNET_BROKER_CLIENT_WAITING, peer, false);
	xpc_array_append_value(clients, entry);
	xpc_release(entry);
}

/* How many clients, of all users, hold or wait for each network. */
static void set_holders(xpc_object_t reply, const struct registry *registry)
{
	const struct network *network = registry_next(registry, NULL);
	xpc_object_t holders = xpc_dictionary_create(NULL, NULL, 0);

	for (; network != NULL; network = registry_next(registry, network)) {
		xpc_dictionary_set_uint64(
		    holders, network->config->name, network->hold_count);
	}
	message_put(reply, VMNET_BROKER_STATUS_HOLDERS, holders);
}

void peers_list(
    const struct peers *peers, const struct peer *to, xpc_object_t reply)
{
	const struct peer *peer = NULL;
	xpc_object_t clients = xpc_array_create(NULL, 0);
	uint64_t hidden = 0;

	TAILQ_FOREACH(peer, &peers->all, entry)
	{
		if (!peer->admitted || peer->dropped) {
			continue;
		}
		if (may_see(to, peer)) {
			append_peer(clients, peer);
		} else {
			hidden++;
		}
	}
	xpc_dictionary_set_uint64(reply, VMNET_BROKER_CLIENTS_TOTAL,
	    xpc_array_get_count(clients) + hidden);
	xpc_dictionary_set_uint64(reply, VMNET_BROKER_CLIENTS_HIDDEN, hidden);
	message_put(reply, VMNET_BROKER_KEY_CLIENTS, clients);
	set_holders(reply, peers->options.registry);
}
