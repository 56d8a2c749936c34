// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Holds and waiting requests of peers.
 */

#include "peer-internal.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "protocol.h"

static void hold_destroy(struct peer *peer, struct owned_hold *owned)
{
	SLIST_REMOVE(&peer->holds, owned, owned_hold, entry);
	peer->hold_count--;
	if (owned == &peer->first) {
		peer->first = (struct owned_hold){ 0 };
	} else {
		free(owned);
	}
}

void peer_release_all(struct peer *peer)
{
	struct owned_hold *owned = SLIST_FIRST(&peer->holds);
	struct request *request = NULL;

	while (owned != NULL) {
		struct owned_hold *next = SLIST_NEXT(owned, entry);

		if (owned->hold.network != NULL) {
			registry_release(&owned->hold);
		}
		hold_destroy(peer, owned);
		owned = next;
	}
	request = SLIST_FIRST(&peer->requests);
	while (request != NULL) {
		struct request *next = SLIST_NEXT(request, entry);

		xpc_release(peer_end_request(peer, request));
		request = next;
	}
}

static struct hold *find_hold(struct peer *peer, const struct network *network)
{
	struct owned_hold *owned = NULL;

	SLIST_FOREACH(owned, &peer->holds, entry)
	{
		if (owned->hold.network == network) {
			return &owned->hold;
		}
	}
	return NULL;
}

bool peer_holds(struct peer *peer, const struct network *network)
{
	const struct hold *hold = find_hold(peer, network);

	return hold != NULL && hold->granted;
}

static void answer_acquire(xpc_object_t reply, struct hold *hold,
    const uint8_t mac[6], const struct failure *failure)
{
	struct peer *peer = hold->context;

	if (failure != NULL) {
		message_set_failure(reply, failure);
	} else {
		message_set_network(reply, hold->network, mac);
	}
	peer_answer(peer, reply);
}

void peer_answer_hold(struct hold *hold, const struct failure *failure)
{
	struct peer *peer = hold->context;
	struct request *request = SLIST_FIRST(&peer->requests);

	peer_log(peer, failure == NULL ? LOG_LEVEL_INFO : LOG_LEVEL_NOTICE,
	    "acquire %s: %s", hold->network->config->name,
	    failure == NULL ? "granted" : failure->message);
	if (failure != NULL) {
		peer_note_refusal(peer, hold->network, failure);
	}
	while (request != NULL) {
		struct request *next = SLIST_NEXT(request, entry);

		if (request->hold == hold) {
			struct request copy = *request;

			answer_acquire(peer_end_request(peer, request), hold,
			    copy.mac, failure);
		}
		request = next;
	}
	if (failure != NULL) {
		hold_destroy(peer, (struct owned_hold *)hold);
	}
	peer_restart_idle_timeout(peer);
}

/* A hold that is not requested yet, or NULL: out of memory. Ends the idle
 * timeout in any case. */
static struct hold *create_hold(struct peer *peer)
{
	struct owned_hold *owned = &peer->first;

	peer_end_idle(peer);
	if (owned->hold.context != NULL) {
		owned = calloc(1, sizeof(*owned));
	}
	if (owned == NULL) {
		return NULL;
	}
	owned->hold.context = peer;
	SLIST_INSERT_HEAD(&peer->holds, owned, entry);
	peer->hold_count++;
	return &owned->hold;
}

static void refuse_memory(
    struct peer *peer, xpc_object_t reply, const char *what)
{
	struct failure failure;

	failure_set(&failure, FAILURE_INTERNAL, "out of memory");
	peer_refuse(peer, reply, what, &failure);
}

static bool wait_hold(struct peer *peer, xpc_object_t reply, struct hold *hold,
    const uint8_t mac[6])
{
	struct request *request = peer_add_request(peer, reply);

	if (request == NULL) {
		return false;
	}
	request->hold = hold;
	memcpy(request->mac, mac, sizeof(request->mac));
	return true;
}

/* This peer's first request for the network. */
static void acquire_new(struct peer *peer, xpc_object_t reply,
    struct network *network, const uint8_t mac[6])
{
	struct hold *hold = NULL;
	struct failure failure;

	if (peer->hold_count == VMNET_BROKER_MAX_NETWORKS_PER_PEER) {
		failure_set(&failure, FAILURE_BUSY,
		    "this client has %d networks, which is the limit",
		    VMNET_BROKER_MAX_NETWORKS_PER_PEER);
		peer_refuse(peer, reply, "acquire", &failure);
		return;
	}
	hold = create_hold(peer);
	if (hold == NULL || !wait_hold(peer, reply, hold, mac)) {
		refuse_memory(peer, reply, "acquire");
		if (hold != NULL) {
			hold_destroy(peer, (struct owned_hold *)hold);
		}
		peer_restart_idle_timeout(peer);
		return;
	}
	registry_acquire(network, hold);
}

void peer_acquire(struct peer *peer, xpc_object_t reply,
    struct network *network, const uint8_t mac[6])
{
	struct hold *hold = find_hold(peer, network);

	if (hold == NULL) {
		acquire_new(peer, reply, network, mac);
	} else if (hold->granted) {
		answer_acquire(reply, hold, mac, NULL);
	} else if (!wait_hold(peer, reply, hold, mac)) {
		refuse_memory(peer, reply, "acquire");
	}
}

/*
 * Recreate.
 */

size_t peers_drop_holders(
    struct peers *peers, const struct network *network, const char *reason)
{
	struct peer *peer = NULL;
	size_t count = 0;

	TAILQ_FOREACH(peer, &peers->all, entry)
	{
		if (peer_holds(peer, network)) {
			peer_drop(peer, reason);
			peer_release_all(peer);
			count++;
		}
	}
	return count;
}

void peer_wait_release(
    struct peer *peer, xpc_object_t reply, const struct network *network)
{
	struct request *request = peer_add_request(peer, reply);

	if (request == NULL) {
		refuse_memory(peer, reply, "recreate");
		return;
	}
	request->released = network;
	peer->peers->waiting_release++;
	peer_restart_idle_timeout(peer);
}

static void answer_release(struct peer *peer, const struct network *network,
    const struct failure *failure)
{
	struct request *request = SLIST_FIRST(&peer->requests);

	while (request != NULL) {
		struct request *next = SLIST_NEXT(request, entry);

		if (request->released == network) {
			xpc_object_t reply = peer_end_request(peer, request);

			if (failure != NULL) {
				xpc_dictionary_set_value(
				    reply, VMNET_BROKER_STATUS_HOLDERS, NULL);
				peer_refuse(peer, reply, "recreate", failure);
			} else {
				peer_answer(peer, reply);
			}
			peer_restart_idle_timeout(peer);
		}
		request = next;
	}
}

void peers_answer_release(struct peers *peers, const struct network *network,
    const struct failure *failure)
{
	struct peer *peer = TAILQ_FIRST(&peers->all);

	while (peer != NULL && peers->waiting_release > 0) {
		answer_release(peer, network, failure);
		peer = TAILQ_NEXT(peer, entry);
	}
}
