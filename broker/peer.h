// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Clients: who they are, what they hold, and their limits.
 *
 * A peer lives as long as its connection. It is known by what the connection
 * vouches for, its user; the pid is only logged. What it holds goes with it.
 *
 * Limits, so that no client costs more than it should:
 *	- so many peers, some of them kept for root, and so many of one user:
 *	  one more is refused whenever it asks, until there is room
 *	- so many networks a peer, and so many unanswered requests: one more is
 *	  refused
 *	- a peer that holds nothing and asks for nothing is dropped
 *	- a peer that sends many messages at once yields to the others
 *	- so many lines in the log for each user
 *
 * All on the serial queue.
 */

#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

#include "failure.h"
#include "registry.h"

struct peer;
struct peers;

struct peers_options {
	struct registry *registry;
	void *queue;                    /* the serial dispatch_queue_t */
	uint64_t (*now)(void *context); /* monotonic, ns */
	void *context;
};

/* NULL: no memory. */
struct peers *peers_create(const struct peers_options *options);

/* When all have left. */
void peers_destroy(struct peers *peers);

/* Those that are connected and were not refused. */
size_t peers_count(const struct peers *peers);

/* When peers_expire() is due. UINT64_MAX: never. */
uint64_t peers_deadline(const struct peers *peers);
void peers_expire(struct peers *peers);

/*
 * From now on nobody is answered: the process is about to end, and who asks is
 * told by that, and answered by the next.
 */
void peers_silence(struct peers *peers);

/*
 * The peer at the other end of connection, which was not activated yet: becomes
 * its context, and is freed with it. NULL: no memory, or too many at once.
 */
struct peer *peer_create(struct peers *peers, xpc_connection_t connection);

/* The last event of its connection came: it holds nothing any more. */
void peer_leave(struct peer *peer);

/* Ends its connection, and says why in the log. */
void peer_drop(struct peer *peer, const char *reason);

/*
 * A request came. The reply to it, which must be given to one of the functions
 * below; or NULL if there is nothing more to do with it.
 */
xpc_object_t peer_receive(struct peer *peer, xpc_object_t message);

/* Sends it. */
void peer_answer(struct peer *peer, xpc_object_t reply);

/* Sends a failure; `what` was asked for, already fit for the log. */
void peer_refuse(struct peer *peer, xpc_object_t reply, const char *what,
    const struct failure *failure);

/* Sends the network, when it is there. */
void peer_acquire(
    struct peer *peer, xpc_object_t reply, struct network *network);

#endif
