// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Clients: their identity, their holds, and their limits.
 *
 * A peer lives as long as its connection. It is identified by the user ID of
 * the connection; the pid is only logged. When the peer ends, its holds are
 * released.
 *
 * Limits, so that no client uses more than its share:
 *	- the number of peers, some of which are reserved for root, and of peers
 *	  per user: requests of further peers are refused until there is room
 *	- the number of networks and of unanswered requests per peer: further
 *	  requests are refused
 *	- a peer that holds nothing and requests nothing is dropped
 *	- a peer that sends many messages at once has to yield to the others
 *	- the number of lines in the log per user
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
#include "log.h"
#include "registry.h"

struct peer;
struct peers;

struct peers_options {
	struct registry *registry;
	struct counters *counters; /* of refusals */
	struct events *events;     /* of refusals, for the watchers */
	void *queue;               /* the serial dispatch_queue_t */
};

/* NULL: out of memory. */
struct peers *peers_create(const struct peers_options *options);

/* Call it when all peers have left. */
void peers_destroy(struct peers *peers);

/* The number of peers that are connected and were not refused. */
size_t peers_count(const struct peers *peers);

/* The time at which peers_expire() is due. UINT64_MAX: never. */
uint64_t peers_deadline(const struct peers *peers);
void peers_expire(struct peers *peers);

/*
 * Stops answering requests: the process is about to exit, which interrupts the
 * clients' connections, and the next broker answers when they ask again.
 */
void peers_stop_answering(struct peers *peers);

/*
 * Creates the peer at the other end of a connection that has not been activated
 * yet. The peer becomes the connection's context and is freed with it. NULL:
 * out of memory, or too many peers.
 */
struct peer *peer_create(struct peers *peers, xpc_connection_t connection);

/* Handles the last event of its connection: its holds are released. */
void peer_leave(struct peer *peer);

/* Closes its connection, and logs the reason. */
void peer_drop(struct peer *peer, const char *reason);

/*
 * Receives a request. Returns its reply, which must be passed to one of the
 * functions below, or NULL if there is nothing more to do.
 */
xpc_object_t peer_receive(struct peer *peer, xpc_object_t message);

/* Whether the peer has been granted the network. */
bool peer_holds(struct peer *peer, const struct network *network);

/* Whether its user may change what other clients use: only root and the
 * broker's own user may. */
bool peer_may_change(const struct peer *peer);

/*
 * Defers a reply: it stays with the peer until peer_resume(), which must
 * follow, returns it, or NULL if the peer has left. Returns false if out of
 * memory; then the caller still owns the reply.
 */
bool peer_defer(struct peer *peer, xpc_object_t reply);
xpc_object_t peer_resume(struct peer *peer, xpc_object_t reply);

/* Sends the reply. */
void peer_answer(struct peer *peer, xpc_object_t reply);

/* Sends a failure; `what` is the request, already escaped for the log. */
void peer_refuse(struct peer *peer, xpc_object_t reply, const char *what,
    const struct failure *failure);

/* Sends the network as soon as it exists, with the address reserved for mac;
 * all 0: the request had no MAC address. */
void peer_acquire(struct peer *peer, xpc_object_t reply,
    struct network *network, const uint8_t mac[6]);

/* Sends the answer to the requests that wait for the hold. For the registry. */
void peer_answer_hold(struct hold *hold, const struct failure *failure);

/* Sends the reply when the network is no longer releasing, or a failure if that
 * timed out. */
void peer_wait_release(
    struct peer *peer, xpc_object_t reply, const struct network *network);

/* Answers the peers that waited for a release. failure: the release timed out;
 * or NULL. */
void peers_answer_release(struct peers *peers, const struct network *network,
    const struct failure *failure);

/* Closes the connections of all peers that were granted the network, and
 * releases all their holds immediately. Returns the number of these peers. */
size_t peers_drop_holders(
    struct peers *peers, const struct network *network, const char *reason);

/* The peer as shown in an event. */
struct event_client peer_get_client(const struct peer *peer);

/* Logs what the peer did, within its user's limit. */
void peer_log(struct peer *peer, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Starts to send events to the peer. False: failure says why not. */
bool peer_watch(struct peer *peer, struct failure *failure);

/* Adds the clients that `to` may see, as the protocol defines. */
void peers_list(
    const struct peers *peers, const struct peer *to, xpc_object_t reply);

#endif
