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

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t idle_timeout = VMNET_BROKER_PEER_IDLE * NANOSECONDS;
static const uint64_t slow_timeout = VMNET_BROKER_REPLY_TIMEOUT * NANOSECONDS;

/* Refused peers that are still being told so. */
#define REFUSED_MAX 64

/* Lines in the log that a peer causes in a second, and all peers together:
 * a client that connects anew for each of its lines is many peers. */
#define LINES_OF_PEER 10
#define LINES_OF_ALL 20

struct request {
	xpc_object_t reply; /* NULL: not in use */
	struct hold *hold;  /* what it waits for */
};

enum verdict { ADMITTED, TOO_MANY, TOO_MANY_OF_USER };

struct peer {
	struct peers *peers;
	xpc_connection_t connection;
	uint64_t number; /* in the log */
	uid_t euid;
	pid_t pid; /* in the log, nowhere else */
	enum verdict verdict;
	bool dropped;   /* cancelled; its last event will come */
	bool left;      /* its last event came */
	bool examining; /* whether it reads its replies */
	bool overdue;   /* it was to read one by now */
	size_t unread;  /* replies that were not taken yet */
	size_t waiting; /* requests that were not answered yet */
	struct request requests[VMNET_BROKER_MAX_REQUESTS_PER_PEER];
	struct hold holds[VMNET_BROKER_MAX_NETWORKS_PER_PEER];
	struct log_limit lines;
	uint64_t idle_deadline; /* 0: it holds or waits for something */
	uint64_t slow_deadline; /* 0: nothing to read */
	TAILQ_ENTRY(peer) entry;
	TAILQ_ENTRY(peer) idle_entry;
	TAILQ_ENTRY(peer) slow_entry;
};

TAILQ_HEAD(peer_list, peer);

struct peers {
	struct peers_options options;
	struct peer_list all;
	/* Who is first will be due first: the timeout is the same for all. */
	struct peer_list idle;
	struct peer_list slow;
	size_t count;
	size_t refused; /* not counted in count */
	uint64_t last_number;
	bool silent;
	struct log_limit lines;
};

static uint64_t now(const struct peers *peers)
{
	return peers->options.now(peers->options.context);
}

/*
 * The log.
 */

static void peer_log(struct peer *peer, enum log_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static void peer_log(
    struct peer *peer, enum log_level level, const char *format, ...)
{
	struct peers *peers = peer->peers;
	uint64_t time = now(peers);
	uint64_t of_peer = 0;
	uint64_t of_all = 0;
	char text[FAILURE_MESSAGE + TEXT_ESCAPED];
	va_list args;

	if (!log_limit_allow(&peer->lines, time, &of_peer)) {
		return;
	}
	if (!log_limit_allow(&peers->lines, time, &of_all)) {
		return;
	}
	if (of_peer > 0 || of_all > 0) {
		log_notice("peer %" PRIu64 ": %" PRIu64 " lines before this "
			   "were suppressed, and %" PRIu64 " of all peers",
		    peer->number, of_peer, of_all);
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_write(level, "peer %" PRIu64 " (uid %u, pid %d): %s", peer->number,
	    (unsigned)peer->euid, (int)peer->pid, text);
}

/* The last word on it: what was not told before. */
static void log_suppressed(struct peer *peer)
{
	uint64_t of_all = 0;

	if (peer->lines.suppressed > 0 &&
	    log_limit_allow(&peer->peers->lines, now(peer->peers), &of_all)) {
		log_notice("peer %" PRIu64 ": %" PRIu64 " more lines were "
			   "suppressed, and %" PRIu64 " of all peers",
		    peer->number, peer->lines.suppressed, of_all);
	}
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

static void idle_begin(struct peer *peer)
{
	idle_end(peer);
	if (peer->dropped) {
		return;
	}
	peer->idle_deadline = now(peer->peers) + idle_timeout;
	TAILQ_INSERT_TAIL(&peer->peers->idle, peer, idle_entry);
}

static void slow_end(struct peer *peer)
{
	if (peer->slow_deadline != 0) {
		TAILQ_REMOVE(&peer->peers->slow, peer, slow_entry);
		peer->slow_deadline = 0;
	}
}

static void slow_begin(struct peer *peer)
{
	slow_end(peer);
	peer->overdue = false;
	if (peer->dropped) {
		return;
	}
	peer->slow_deadline = now(peer->peers) + slow_timeout;
	TAILQ_INSERT_TAIL(&peer->peers->slow, peer, slow_entry);
}

static bool has_hold(const struct peer *peer)
{
	for (size_t i = 0; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		if (peer->holds[i].network != NULL) {
			return true;
		}
	}
	return false;
}

/* It did something: its idle time begins now, or not at all. */
static void touch(struct peer *peer)
{
	if (has_hold(peer)) {
		idle_end(peer);
	} else {
		idle_begin(peer);
	}
}

static void examine(struct peer *peer)
{
	peer->examining = false;
	if (peer->overdue || peer->unread > VMNET_BROKER_MAX_UNREAD_PER_PEER) {
		peer_drop(peer, "it does not read its replies");
	}
}

/* What is in the queue before this may well tell that it did read them: that we
 * were busy is not its fault. */
static void examine_later(struct peer *peer)
{
	xpc_connection_t connection = peer->connection;

	if (peer->examining) {
		return;
	}
	peer->examining = true;
	xpc_retain(connection);
	dispatch_async(peer->peers->options.queue, ^{
		examine(peer);
		xpc_release(connection);
	});
}

uint64_t peers_deadline(const struct peers *peers)
{
	const struct peer *idle = TAILQ_FIRST(&peers->idle);
	const struct peer *slow = TAILQ_FIRST(&peers->slow);
	uint64_t deadline = idle == NULL ? UINT64_MAX : idle->idle_deadline;

	if (slow != NULL && slow->slow_deadline < deadline) {
		deadline = slow->slow_deadline;
	}
	return deadline;
}

void peers_expire(struct peers *peers)
{
	uint64_t time = now(peers);
	struct peer *peer = TAILQ_FIRST(&peers->idle);

	while (peer != NULL && peer->idle_deadline <= time) {
		peer_drop(peer, "it holds nothing and asks for nothing");
		peer = TAILQ_FIRST(&peers->idle);
	}
	peer = TAILQ_FIRST(&peers->slow);
	while (peer != NULL && peer->slow_deadline <= time) {
		slow_end(peer);
		peer->overdue = true;
		examine_later(peer);
		peer = TAILQ_FIRST(&peers->slow);
	}
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
	peers->lines.lines = LINES_OF_ALL;
	TAILQ_INIT(&peers->all);
	TAILQ_INIT(&peers->idle);
	TAILQ_INIT(&peers->slow);
	return peers;
}

void peers_destroy(struct peers *peers)
{
	free(peers);
}

size_t peers_count(const struct peers *peers)
{
	return peers->count;
}

void peers_silence(struct peers *peers)
{
	peers->silent = true;
}

static enum verdict judge(const struct peers *peers, uid_t euid)
{
	const struct peer *peer = NULL;
	size_t same = 0;

	if (peers->count >= peers->options.max) {
		return TOO_MANY;
	}
	if (euid == 0) {
		return ADMITTED;
	}
	TAILQ_FOREACH(peer, &peers->all, entry)
	{
		if (peer->euid == euid && peer->verdict == ADMITTED) {
			same++;
		}
	}
	return same < peers->options.max_per_user ? ADMITTED : TOO_MANY_OF_USER;
}

static void count(struct peer *peer, size_t difference)
{
	if (peer->verdict == ADMITTED) {
		peer->peers->count += difference;
	} else {
		peer->peers->refused += difference;
	}
}

static void hold_done(struct hold *hold, const struct failure *failure);

/* On any thread, and after the connection: nothing of it is left to touch. */
static void finalize(void *context)
{
	free(context);
}

struct peer *peer_create(struct peers *peers, xpc_connection_t connection)
{
	uid_t euid = xpc_connection_get_euid(connection);
	enum verdict verdict = judge(peers, euid);
	struct peer *peer = NULL;

	if (verdict != ADMITTED && peers->refused >= REFUSED_MAX) {
		return NULL;
	}
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		return NULL;
	}
	peer->peers = peers;
	peer->connection = connection;
	peer->number = ++peers->last_number;
	peer->euid = euid;
	peer->pid = xpc_connection_get_pid(connection);
	peer->verdict = verdict;
	peer->lines.lines = LINES_OF_PEER;
	for (size_t i = 0; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		peer->holds[i].done = hold_done;
		peer->holds[i].context = peer;
	}
	xpc_retain(connection); /* until peer_leave() */
	xpc_connection_set_context(connection, peer);
	xpc_connection_set_finalizer_f(connection, finalize);
	TAILQ_INSERT_TAIL(&peers->all, peer, entry);
	count(peer, 1);
	if (verdict == ADMITTED) {
		idle_begin(peer);
	} else {
		slow_begin(peer); /* it is to ask at once, and go */
	}
	log_debug("peer %" PRIu64 ": connected, uid %u, pid %d", peer->number,
	    (unsigned)peer->euid, (int)peer->pid);
	return peer;
}

static void watch_end(struct peer *peer)
{
	idle_end(peer);
	slow_end(peer);
}

static void cancel(struct peer *peer)
{
	peer->dropped = true;
	watch_end(peer);
	xpc_connection_cancel(peer->connection);
}

void peer_drop(struct peer *peer, const char *reason)
{
	if (!peer->dropped) {
		peer_log(peer, LOG_LEVEL_NOTICE, "dropped: %s", reason);
		cancel(peer);
	}
}

void peer_leave(struct peer *peer)
{
	xpc_connection_t connection = peer->connection;

	peer->dropped = true;
	watch_end(peer);
	for (size_t i = 0; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		if (peer->holds[i].network != NULL) {
			registry_release(&peer->holds[i]);
		}
	}
	for (size_t i = 0; i < VMNET_BROKER_MAX_REQUESTS_PER_PEER; i++) {
		if (peer->requests[i].reply != NULL) {
			xpc_release(peer->requests[i].reply);
			peer->requests[i].reply = NULL;
		}
	}
	TAILQ_REMOVE(&peer->peers->all, peer, entry);
	count(peer, (size_t)-1);
	log_suppressed(peer);
	log_debug("peer %" PRIu64 ": left", peer->number);
	xpc_release(connection);
}

/*
 * Answers.
 */

/*
 * A reply was taken, or the connection has ended. A refused peer goes with the
 * last of them.
 */
static void reply_taken(struct peer *peer)
{
	peer->unread--;
	peer->overdue = false;
	if (peer->dropped) {
		return;
	}
	if (peer->unread > 0) {
		slow_begin(peer);
		return;
	}
	slow_end(peer);
	if (peer->verdict != ADMITTED) {
		cancel(peer);
	}
}

static void count_unread(struct peer *peer)
{
	xpc_connection_t connection = peer->connection;

	peer->unread++;
	if (peer->unread == 1) {
		slow_begin(peer);
	}
	xpc_retain(connection);
	xpc_connection_send_barrier(connection, ^{
		reply_taken(peer);
		xpc_release(connection);
	});
	if (peer->unread > VMNET_BROKER_MAX_UNREAD_PER_PEER) {
		examine_later(peer);
	}
}

void peer_answer(struct peer *peer, xpc_object_t reply)
{
	if (!peer->dropped && !peer->peers->silent) {
		xpc_connection_send_message(peer->connection, reply);
		count_unread(peer);
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

static void refuse_verdict(struct peer *peer, xpc_object_t reply)
{
	const struct peers_options *options = &peer->peers->options;
	struct failure failure;

	if (peer->verdict == TOO_MANY) {
		failure_set(&failure, FAILURE_BUSY,
		    "the broker has %zu clients, which is the limit",
		    options->max);
	} else {
		failure_set(&failure, FAILURE_BUSY,
		    "user %u has %zu clients, which is the limit",
		    (unsigned)peer->euid, options->max_per_user);
	}
	peer_refuse(peer, reply, "connect", &failure);
}

xpc_object_t peer_receive(struct peer *peer, xpc_object_t message)
{
	xpc_object_t reply = NULL;
	struct failure failure;

	if (peer->dropped || peer->peers->silent) {
		return NULL;
	}
	reply = xpc_dictionary_create_reply(message);
	if (reply == NULL) {
		peer_drop(peer, "it sent a request that expects no reply");
		return NULL;
	}
	if (peer->verdict != ADMITTED) {
		refuse_verdict(peer, reply);
		return NULL;
	}
	touch(peer);
	if (peer->waiting == VMNET_BROKER_MAX_REQUESTS_PER_PEER) {
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

/* Its hold on network, or else one that is not in use, or NULL. */
static struct hold *find_hold(struct peer *peer, const struct network *network)
{
	struct hold *unused = NULL;

	for (size_t i = 0; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		struct hold *hold = &peer->holds[i];

		if (hold->network == network) {
			return hold;
		}
		if (hold->network == NULL) {
			unused = hold;
		}
	}
	return unused;
}

/* There is a place: peer_receive() has seen to it. */
static void wait_for(struct peer *peer, xpc_object_t reply, struct hold *hold)
{
	struct request *request = peer->requests;

	while (request->reply != NULL) {
		request++;
	}
	*request = (struct request){ .reply = reply, .hold = hold };
	peer->waiting++;
}

/* Who refused the hold has logged why. */
static void answer_request(
    struct peer *peer, struct request *request, const struct failure *failure)
{
	xpc_object_t reply = request->reply;

	if (failure != NULL) {
		message_set_failure(reply, failure);
	} else {
		message_set_network(reply, request->hold->network);
	}
	*request = (struct request){ 0 };
	peer->waiting--;
	peer_answer(peer, reply);
}

static void hold_done(struct hold *hold, const struct failure *failure)
{
	struct peer *peer = hold->context;

	if (failure == NULL) {
		peer_log(peer, LOG_LEVEL_INFO, "acquire %s: granted",
		    hold->network->config->name);
	}
	for (size_t i = 0; i < VMNET_BROKER_MAX_REQUESTS_PER_PEER; i++) {
		struct request *request = &peer->requests[i];

		if (request->reply != NULL && request->hold == hold) {
			answer_request(peer, request, failure);
		}
	}
	touch(peer);
}

void peer_acquire(
    struct peer *peer, xpc_object_t reply, struct network *network)
{
	struct hold *hold = find_hold(peer, network);
	struct failure failure;

	if (hold == NULL) {
		failure_set(&failure, FAILURE_BUSY,
		    "this client has %d networks, which is the limit",
		    VMNET_BROKER_MAX_NETWORKS_PER_PEER);
		peer_refuse(peer, reply, "acquire", &failure);
		return;
	}
	if (hold->granted) {
		message_set_network(reply, network);
		peer_answer(peer, reply);
		return;
	}
	wait_for(peer, reply, hold);
	idle_end(peer);
	if (hold->network == NULL) {
		registry_acquire(network, hold);
	}
}
