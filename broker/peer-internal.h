// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What a peer is made of, for peer.c (who it is), peer-networks.c (what it has)
 * and peer-list.c (what is shown of it).
 */

#ifndef PEER_INTERNAL_H
#define PEER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>
#include <xpc/xpc.h>

#include "log.h"
#include "peer.h"
#include "registry.h"
#include "user.h"

/* What it waits for: a hold, the release of a network, or neither: the end. */
struct request {
	xpc_object_t reply;
	struct hold *hold;
	const struct network *released;
	uint8_t mac[6]; /* of the guest that the hold is for, or all 0 */
	SLIST_ENTRY(request) entry;
};

struct owned_hold {
	struct hold hold; /* first: the registry hands it back */
	SLIST_ENTRY(owned_hold) entry;
};

/* There may be a thousand of it: it is as small as it can be. */
struct peer {
	struct peers *peers;
	struct user *user;
	xpc_connection_t connection;
	uint64_t number; /* in the log */
	pid_t pid;       /* shown, and never relied on */
	time_t since;
	bool admitted;
	bool dropped; /* cancelled; its last event will come */
	uint8_t request_count;
	uint8_t hold_count;
	SLIST_HEAD(, request) requests; /* not answered yet, oldest first */
	SLIST_HEAD(, owned_hold) holds;
	struct owned_hold first; /* most have no other; context NULL: free */
	uint64_t idle_deadline;  /* 0: it holds or waits for something */
	struct watcher *watcher; /* NULL: it does not watch */
	TAILQ_ENTRY(peer) idle_entry;
	TAILQ_ENTRY(peer) entry;
};

struct peers {
	struct peers_options options;
	TAILQ_HEAD(, peer) all;
	/* Who is first will be due first: the timeout is the same for all. */
	TAILQ_HEAD(, peer) idle;
	struct user_list users;
	size_t admitted;
	size_t refused;
	size_t waiting_release; /* requests that wait for one */
	uint64_t last_number;
	bool silent;
	uint64_t turn; /* number of the peer whose turn it is */
	unsigned in_turn;
};

void peer_log(struct peer *peer, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* It did something: its idle time begins now, or not at all. */
void peer_touch(struct peer *peer);

/* A request that waits, the last of its peer; NULL: no memory. */
struct request *peer_add_request(struct peer *peer, xpc_object_t reply);

/* The reply to it, which is the caller's now. */
xpc_object_t peer_end_request(struct peer *peer, struct request *request);

/* Counts it, and tells those who watch. */
void peer_note_refusal(struct peer *peer, const struct network *network,
    const struct failure *failure);

/* Of all that it holds, and of all that it asked for. */
void peer_let_go(struct peer *peer);

#endif
