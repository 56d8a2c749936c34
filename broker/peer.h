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

#include "counters.h"
#include "events.h"
#include "failure.h"
#include "registry.h"

struct peer;
struct peers;

struct peers_options {
	struct registry *registry;
	struct counters *counters;      /* of refusals */
	struct events *events;          /* of refusals, and for who watches */
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

uid_t peer_get_uid(const struct peer *peer);

/* Whether it was granted the network. */
bool peer_holds(struct peer *peer, const struct network *network);

/* Whether its user may change what others use: root and the broker's own. */
bool peer_may_change(const struct peer *peer);

/*
 * The answer takes a while: the reply stays with the peer until peer_resume(),
 * which must follow, hands it out again; NULL: the peer has left. False: no
 * memory, and the reply is still the caller's.
 */
bool peer_defer(struct peer *peer, xpc_object_t reply);
xpc_object_t peer_resume(struct peer *peer, xpc_object_t reply);

/* Sends it. */
void peer_answer(struct peer *peer, xpc_object_t reply);

/* Sends a failure; `what` was asked for, already fit for the log. */
void peer_refuse(struct peer *peer, xpc_object_t reply, const char *what,
    const struct failure *failure);

/* Sends the network, when it is there, with what is reserved for mac; all 0: no
 * MAC address was named. */
void peer_acquire(struct peer *peer, xpc_object_t reply,
    struct network *network, const uint8_t mac[6]);

/* Sends it when network is not releasing any more, or why it still is. */
void peer_wait_release(
    struct peer *peer, xpc_object_t reply, const struct network *network);

/* The release that peers waited for is over; failure: it timed out, or NULL. */
void peers_answer_release(struct peers *peers, const struct network *network,
    const struct failure *failure);

/* Ends the connections of all that were granted network, and all their holds at
 * once. How many there were. */
size_t peers_drop_holders(
    struct peers *peers, const struct network *network, const char *reason);

/* Whether its user may change what others use: root and the broker's own. */
bool peer_may_change(const struct peer *peer);

/* What is shown of it in an event. */
struct event_client peer_get_client(const struct peer *peer);

/* Says in the log what it did. */
void peer_note(struct peer *peer, const char *what);

/* Sends it the events from now on. false: why not. */
bool peer_watch(struct peer *peer, struct failure *failure);

/* The clients that `to` may see, as the protocol has them. */
void peers_list(
    const struct peers *peers, const struct peer *to, xpc_object_t reply);

#endif
