// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Blocks do not retain what they capture in plain C: a connection is retained
 * before and released in the block, and while there is a connection there is a
 * peer.
 */

#include "peer.h"

#include <dispatch/dispatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "log.h"
#include "message.h"
#include "protocol.h"
#include "text.h"
#include "user.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t idle_timeout = VMNET_BROKER_PEER_IDLE * NANOSECONDS;
/* Peers over a limit, that are told so each time they ask. */
#define REFUSED_MAX 64

/* Messages of one peer in a row, before others have their turn. */
#define TURN 16

struct request {
	xpc_object_t reply;
	struct hold *hold; /* what it waits for; NULL: the end */
	TAILQ_ENTRY(request) entry;
};

struct owned_hold {
	struct hold hold; /* first: the registry hands it back */
	TAILQ_ENTRY(owned_hold) entry;
};

enum admission { ADMITTED, TOO_MANY, TOO_MANY_OF_USER };

struct peer {
	struct peers *peers;
	struct user *user;
	xpc_connection_t connection;
	uint64_t number; /* in the log */
	pid_t pid;       /* in the log, nowhere else */
	bool admitted;
	bool dropped; /* cancelled; its last event will come */
	unsigned request_count;
	unsigned hold_count;
	TAILQ_HEAD(, request) requests; /* not answered yet */
	TAILQ_HEAD(, owned_hold) holds;
	uint64_t idle_deadline; /* 0: it holds or waits for something */
	TAILQ_ENTRY(peer) idle_entry;
};

struct peers {
	struct peers_options options;
	/* Who is first will be due first: the timeout is the same for all. */
	TAILQ_HEAD(, peer) idle;
	struct user_list users;
	size_t admitted;
	size_t refused;
	uint64_t last_number;
	bool silent;
	uint64_t turn; /* number of the peer whose turn it is */
	unsigned in_turn;
};

static uint64_t now(const struct peers *peers)
{
	return peers->options.now(peers->options.context);
}

static void peer_log(struct peer *peer, enum log_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static void peer_log(
    struct peer *peer, enum log_level level, const char *format, ...)
{
	char text[FAILURE_MESSAGE + TEXT_ESCAPED];
	va_list args;

	if (!user_may_log(peer->user, now(peer->peers))) {
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_write(level, "peer %" PRIu64 " (uid %u, pid %d): %s", peer->number,
	    (unsigned)peer->user->uid, (int)peer->pid, text);
}

/*
 * Time.
 */

static void idle_end(struct peer *peer)
{
	if (peer->idle_deadline != 0) {
		TAILQ_REMOVE(&peer->peers->idle, peer, idle_entry);
		peer->idle_deadline = 0;
	}
}

/* It did something: its idle time begins now, or not at all. */
static void touch(struct peer *peer)
{
	idle_end(peer);
	if (!peer->dropped && TAILQ_EMPTY(&peer->holds) &&
	    TAILQ_EMPTY(&peer->requests)) {
		peer->idle_deadline = now(peer->peers) + idle_timeout;
		TAILQ_INSERT_TAIL(&peer->peers->idle, peer, idle_entry);
	}
}

uint64_t peers_deadline(const struct peers *peers)
{
	const struct peer *idle = TAILQ_FIRST(&peers->idle);

	return idle == NULL ? UINT64_MAX : idle->idle_deadline;
}

void peers_expire(struct peers *peers)
{
	uint64_t time = now(peers);
	struct peer *peer = TAILQ_FIRST(&peers->idle);

	while (peer != NULL && peer->idle_deadline <= time) {
		peer_drop(peer, "it holds nothing and asks for nothing");
		peer = TAILQ_FIRST(&peers->idle);
	}
}

/*
 * Admission.
 */

static enum admission judge(const struct peers *peers, const struct user *user)
{
	if (user->uid == 0) {
		return peers->admitted < VMNET_BROKER_MAX_PEERS ? ADMITTED
								: TOO_MANY;
	}
	if (peers->admitted >=
	    VMNET_BROKER_MAX_PEERS - VMNET_BROKER_PEERS_KEPT_FOR_ROOT) {
		return TOO_MANY;
	}
	return user->admitted < VMNET_BROKER_MAX_PEERS_PER_USER
	    ? ADMITTED
	    : TOO_MANY_OF_USER;
}

static enum admission admit(struct peer *peer)
{
	struct peers *peers = peer->peers;
	enum admission admission = ADMITTED;

	if (!peer->admitted) {
		admission = judge(peers, peer->user);
	}
	if (!peer->admitted && admission == ADMITTED) {
		peer->admitted = true;
		peer->user->admitted++;
		peers->admitted++;
		peers->refused--;
	}
	return admission;
}

static void refuse_admission(
    struct peer *peer, xpc_object_t reply, enum admission admission)
{
	struct failure failure;

	if (admission == TOO_MANY) {
		failure_set(&failure, FAILURE_BUSY,
		    "the broker has %zu clients, which is the limit",
		    peer->peers->admitted);
	} else {
		failure_set(&failure, FAILURE_BUSY,
		    "user %u has %d clients, which is the limit",
		    (unsigned)peer->user->uid, VMNET_BROKER_MAX_PEERS_PER_USER);
	}
	peer_refuse(peer, reply, "connect", &failure);
}

/*
 * Coming and going.
 */

struct peers *peers_create(const struct peers_options *options)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (peers == NULL) {
		return NULL;
	}
	peers->options = *options;
	TAILQ_INIT(&peers->idle);
	TAILQ_INIT(&peers->users);
	return peers;
}

void peers_destroy(struct peers *peers)
{
	if (peers != NULL) {
		users_destroy(&peers->users);
	}
	free(peers);
}

size_t peers_count(const struct peers *peers)
{
	return peers->admitted;
}

void peers_silence(struct peers *peers)
{
	peers->silent = true;
}

/* On any thread, and after the connection: nothing of it is left to touch. */
static void finalize(void *context)
{
	free(context);
}

static void peer_init(struct peer *peer, struct peers *peers, struct user *user,
    xpc_connection_t connection)
{
	peer->peers = peers;
	peer->user = user;
	peer->connection = connection;
	peer->number = ++peers->last_number;
	peer->pid = xpc_connection_get_pid(connection);
	TAILQ_INIT(&peer->requests);
	TAILQ_INIT(&peer->holds);
	user->peers++;
	peers->refused++; /* until it is admitted */
}

struct peer *peer_create(struct peers *peers, xpc_connection_t connection)
{
	struct user *user = user_get(
	    &peers->users, xpc_connection_get_euid(connection), now(peers));
	struct peer *peer = NULL;

	if (user == NULL ||
	    (peers->refused >= REFUSED_MAX && judge(peers, user) != ADMITTED)) {
		return NULL;
	}
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		return NULL;
	}
	peer_init(peer, peers, user, connection);
	xpc_retain(connection); /* until peer_leave() */
	xpc_connection_set_context(connection, peer);
	xpc_connection_set_finalizer_f(connection, finalize);
	admit(peer);
	touch(peer);
	log_debug("peer %" PRIu64 ": connected, uid %u, pid %d", peer->number,
	    (unsigned)user->uid, (int)peer->pid);
	return peer;
}

void peer_drop(struct peer *peer, const char *reason)
{
	if (!peer->dropped) {
		peer_log(peer, LOG_LEVEL_NOTICE, "dropped: %s", reason);
		peer->dropped = true;
		idle_end(peer);
		xpc_connection_cancel(peer->connection);
	}
}

static void hold_destroy(struct peer *peer, struct owned_hold *owned)
{
	TAILQ_REMOVE(&peer->holds, owned, entry);
	peer->hold_count--;
	free(owned);
}

/* The reply to it, which is the caller's now. */
static xpc_object_t request_end(struct peer *peer, struct request *request)
{
	xpc_object_t reply = request->reply;

	TAILQ_REMOVE(&peer->requests, request, entry);
	peer->request_count--;
	free(request);
	return reply;
}

/* Of all that it holds, and of all that it asked for. */
static void let_go(struct peer *peer)
{
	struct owned_hold *owned = TAILQ_FIRST(&peer->holds);
	struct request *request = TAILQ_FIRST(&peer->requests);

	while (owned != NULL) {
		struct owned_hold *next = TAILQ_NEXT(owned, entry);

		if (owned->hold.network != NULL) {
			registry_release(&owned->hold);
		}
		hold_destroy(peer, owned);
		owned = next;
	}
	while (request != NULL) {
		struct request *next = TAILQ_NEXT(request, entry);

		xpc_release(request_end(peer, request));
		request = next;
	}
}

void peer_leave(struct peer *peer)
{
	struct peers *peers = peer->peers;
	xpc_connection_t connection = peer->connection;

	peer->dropped = true;
	idle_end(peer);
	let_go(peer);
	peer->user->peers--;
	if (peer->admitted) {
		peer->user->admitted--;
		peers->admitted--;
	} else {
		peers->refused--;
	}
	log_debug("peer %" PRIu64 ": left", peer->number);
	xpc_release(connection);
}

/*
 * Requests.
 */

void peer_answer(struct peer *peer, xpc_object_t reply)
{
	if (!peer->dropped && !peer->peers->silent) {
		xpc_connection_send_message(peer->connection, reply);
	}
	xpc_release(reply);
}

void peer_refuse(struct peer *peer, xpc_object_t reply, const char *what,
    const struct failure *failure)
{
	peer_log(peer, LOG_LEVEL_NOTICE, "%s: %s", what, failure->message);
	message_set_failure(reply, failure);
	peer_answer(peer, reply);
}

/* Whoever has sent many messages at once does not keep others waiting. */
static void take_turns(struct peer *peer)
{
	struct peers *peers = peer->peers;
	xpc_connection_t connection = peer->connection;

	if (peers->turn != peer->number) {
		peers->turn = peer->number;
		peers->in_turn = 0;
	}
	peers->in_turn++;
	if (peers->in_turn == TURN) {
		peers->in_turn = 0;
		xpc_retain(connection);
		xpc_connection_suspend(connection);
		dispatch_async(peers->options.queue, ^{
			xpc_connection_resume(connection);
			xpc_release(connection);
		});
	}
}

static bool add_request(
    struct peer *peer, xpc_object_t reply, struct hold *hold)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL) {
		return false;
	}
	request->reply = reply;
	request->hold = hold;
	TAILQ_INSERT_TAIL(&peer->requests, request, entry);
	peer->request_count++;
	return true;
}

xpc_object_t peer_receive(struct peer *peer, xpc_object_t message)
{
	bool full = peer->request_count >= VMNET_BROKER_MAX_REQUESTS_PER_PEER;
	enum admission admission = ADMITTED;
	xpc_object_t reply = NULL;
	struct failure failure;

	if (peer->dropped) {
		return NULL;
	}
	take_turns(peer);
	reply = xpc_dictionary_create_reply(message);
	if (reply == NULL) {
		peer_drop(peer, "it sent a request that expects no reply");
		return NULL;
	}
	if (peer->peers->silent) {
		/* A request that is dropped is answered: not before the end. */
		if (full || !add_request(peer, reply, NULL)) {
			xpc_release(reply);
		}
		return NULL;
	}
	admission = admit(peer);
	if (admission != ADMITTED) {
		refuse_admission(peer, reply, admission);
		return NULL;
	}
	touch(peer);
	if (full) {
		failure_set(&failure, FAILURE_BUSY,
		    "%d requests of this client wait for an answer, which "
		    "is the limit",
		    VMNET_BROKER_MAX_REQUESTS_PER_PEER);
		peer_refuse(peer, reply, "request", &failure);
		return NULL;
	}
	return reply;
}

/*
 * Networks.
 */

static struct hold *find_hold(struct peer *peer, const struct network *network)
{
	struct owned_hold *owned = NULL;

	TAILQ_FOREACH(owned, &peer->holds, entry)
	{
		if (owned->hold.network == network) {
			return &owned->hold;
		}
	}
	return NULL;
}

static void answer_acquire(
    xpc_object_t reply, struct hold *hold, const struct failure *failure)
{
	struct peer *peer = hold->context;

	if (failure != NULL) {
		message_set_failure(reply, failure);
	} else {
		message_set_network(reply, hold->network);
	}
	peer_answer(peer, reply);
}

static void hold_done(struct hold *hold, const struct failure *failure)
{
	struct peer *peer = hold->context;
	struct request *request = TAILQ_FIRST(&peer->requests);

	peer_log(peer, failure == NULL ? LOG_LEVEL_INFO : LOG_LEVEL_NOTICE,
	    "acquire %s: %s", hold->network->config->name,
	    failure == NULL ? "granted" : failure->message);
	while (request != NULL) {
		struct request *next = TAILQ_NEXT(request, entry);

		if (request->hold == hold) {
			answer_acquire(
			    request_end(peer, request), hold, failure);
		}
		request = next;
	}
	if (failure != NULL) {
		hold_destroy(peer, (struct owned_hold *)hold);
	}
	touch(peer);
}

/* One that wishes for nothing yet, or NULL: no memory. */
static struct hold *create_hold(struct peer *peer)
{
	struct owned_hold *owned = calloc(1, sizeof(*owned));

	if (owned == NULL) {
		return NULL;
	}
	owned->hold.done = hold_done;
	owned->hold.context = peer;
	TAILQ_INSERT_TAIL(&peer->holds, owned, entry);
	peer->hold_count++;
	return &owned->hold;
}

static void refuse_memory(struct peer *peer, xpc_object_t reply)
{
	struct failure failure;

	failure_set(&failure, FAILURE_INTERNAL, "out of memory");
	peer_refuse(peer, reply, "acquire", &failure);
}

/* The first wish of this peer for the network. */
static void acquire_new(
    struct peer *peer, xpc_object_t reply, struct network *network)
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
	if (hold == NULL || !add_request(peer, reply, hold)) {
		refuse_memory(peer, reply);
		if (hold != NULL) {
			hold_destroy(peer, (struct owned_hold *)hold);
		}
		return;
	}
	touch(peer);
	registry_acquire(network, hold);
}

void peer_acquire(
    struct peer *peer, xpc_object_t reply, struct network *network)
{
	struct hold *hold = find_hold(peer, network);

	if (hold == NULL) {
		acquire_new(peer, reply, network);
	} else if (hold->granted) {
		answer_acquire(reply, hold, NULL);
	} else if (!add_request(peer, reply, hold)) {
		refuse_memory(peer, reply);
	}
}
