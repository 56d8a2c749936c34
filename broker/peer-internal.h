// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The internals of a peer, shared by peer.c (identity and limits),
 * peer-networks.c (holds) and peer-list.c (the list of clients).
 */

#ifndef PEER_INTERNAL_H
#define PEER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>
#include <xpc/xpc.h>

#include "peer.h"
#include "registry.h"
#include "user.h"

/* A request waits for a hold, for the release of a network, or, if neither is
 * set, for the broker to exit or for peer_resume(). */
struct request {
	xpc_object_t reply;
	struct hold *hold;
	const struct network *released;
	uint8_t mac[6]; /* of the guest for which the hold is, or all 0 */
	SLIST_ENTRY(request) entry;
};

struct owned_hold {
	struct hold hold; /* first member: the registry passes it back */
	SLIST_ENTRY(owned_hold) entry;
};

/* There may be a thousand peers, so this is as small as possible. */
struct peer {
	struct peers *peers;
	struct user *user;
	xpc_connection_t connection;
	uint64_t number; /* in the log */
	time_t since;
	pid_t pid; /* for information only, never relied on */
	bool admitted : 1;
	bool dropped : 1; /* cancelled; its last event is still to come */
	bool watches : 1;
	bool idle : 1; /* in the list of idle peers */
	uint8_t request_count;
	uint8_t hold_count;
	SLIST_HEAD(, request) requests; /* unanswered */
	SLIST_HEAD(, owned_hold) holds;
	TAILQ_ENTRY(peer) entry;
	union { /* an idle peer has no holds */
		/* Often the only one; context NULL: unused. */
		struct owned_hold first;
		struct {
			uint64_t deadline;
			TAILQ_ENTRY(peer) entry;
		} when_idle;
	};
};

struct peers {
	struct peers_options options;
	TAILQ_HEAD(, peer) all;
	/* Ordered by deadline, because the timeout is the same for all. */
	TAILQ_HEAD(, peer) idle;
	struct user_list users;
	size_t admitted;
	size_t refused;
	size_t waiting_release; /* requests that wait for a release */
	uint64_t last_number;
	bool silent;
	uint64_t turn; /* number of the peer that has its turn */
	unsigned in_turn;
};

/* Restarts the idle timer of an active peer, or stops it while the peer has
 * holds or requests. */
void peer_restart_idle_timeout(struct peer *peer);

/* Ends that: the peer is about to get a hold, or to leave. */
void peer_end_idle(struct peer *peer);

/* Adds a waiting request; NULL: out of memory. */
struct request *peer_add_request(struct peer *peer, xpc_object_t reply);

/* Ends a request; returns its reply, which the caller then owns. */
xpc_object_t peer_end_request(struct peer *peer, struct request *request);

/* Counts a refusal, and sends an event to the watchers. */
void peer_note_refusal(struct peer *peer, const struct network *network,
    const struct failure *failure);

/* Releases all its holds, and drops all its requests. */
void peer_release_all(struct peer *peer);

#endif
