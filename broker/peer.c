// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * In plain C, blocks do not retain what they capture: a connection is retained
 * before the block and released inside it, and its peer exists as long as the
 * connection.
 */

#include "peer-internal.h"

#include <dispatch/dispatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "protocol.h"
#include "text.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t idle_timeout = VMNET_BROKER_PEER_IDLE * NANOSECONDS;
/* Number of peers beyond a limit that stay connected, each of whose requests is
 * refused. */
#define REFUSED_MAX 64

/* Number of consecutive messages of one peer before others have their turn. */
#define TURN 16

enum admission { ADMITTED, TOO_MANY, TOO_MANY_OF_USER };

static uint64_t now(const struct peers *peers)
{
	return registry_now(peers->options.registry);
}

void peer_log(struct peer *peer, enum log_level level, const char *format, ...)
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

void peer_end_idle(struct peer *peer)
{
	if (peer->idle) {
		TAILQ_REMOVE(&peer->peers->idle, peer, when_idle.entry);
		peer->idle = false;
		peer->first = (struct owned_hold){ 0 };
	}
}

void peer_restart_idle_timeout(struct peer *peer)
{
	peer_end_idle(peer);
	if (!peer->dropped && !peer->watches && SLIST_EMPTY(&peer->holds) &&
	    SLIST_EMPTY(&peer->requests)) {
		peer->idle = true;
		peer->when_idle.deadline = now(peer->peers) + idle_timeout;
		TAILQ_INSERT_TAIL(&peer->peers->idle, peer, when_idle.entry);
	}
}

uint64_t peers_deadline(const struct peers *peers)
{
	const struct peer *idle = TAILQ_FIRST(&peers->idle);

	return idle == NULL ? UINT64_MAX : idle->when_idle.deadline;
}

void peers_expire(struct peers *peers)
{
	uint64_t time = now(peers);
	struct peer *peer = TAILQ_FIRST(&peers->idle);

	while (peer != NULL && peer->when_idle.deadline <= time) {
		peer_drop(
		    peer, "idle: it holds no network and sent no request");
		peer = TAILQ_FIRST(&peers->idle);
	}
}

/*
 * Admission.
 */

static enum admission check_limits(
    const struct peers *peers, const struct user *user)
{
	if (user->uid == 0) {
		return peers->admitted < VMNET_BROKER_MAX_PEERS ? ADMITTED
								: TOO_MANY;
	}
	if (peers->admitted >=
	    VMNET_BROKER_MAX_PEERS - VMNET_BROKER_PEERS_KEPT_FOR_ROOT) {
		return TOO_MANY;
	}
	return user->admitted < registry_get_config(peers->options.registry)
				    ->options.max_clients_per_user
	    ? ADMITTED
	    : TOO_MANY_OF_USER;
}

static enum admission admit(struct peer *peer)
{
	struct peers *peers = peer->peers;
	enum admission admission = ADMITTED;

	if (!peer->admitted) {
		admission = check_limits(peers, peer->user);
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
		    "the broker has %zu client%s, which is the limit",
		    peer->peers->admitted, text_plural(peer->peers->admitted));
	} else {
		failure_set(&failure, FAILURE_BUSY,
		    "user %u has %zu client%s, which is the limit",
		    (unsigned)peer->user->uid, peer->user->admitted,
		    text_plural(peer->user->admitted));
	}
	peer_refuse(peer, reply, "connect", &failure);
}

/*
 * Connecting and disconnecting.
 */

struct peers *peers_create(const struct peers_options *options)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (peers == NULL) {
		return NULL;
	}
	peers->options = *options;
	TAILQ_INIT(&peers->all);
	TAILQ_INIT(&peers->idle);
	TAILQ_INIT(&peers->users);
	return peers;
}

void peers_destroy(struct peers *peers)
{
	if (peers != NULL) {
		users_purge(&peers->users, UINT64_MAX);
	}
	free(peers);
}

size_t peers_count(const struct peers *peers)
{
	return peers->admitted;
}

void peers_stop_answering(struct peers *peers)
{
	peers->silent = true;
}

static void peer_init(struct peer *peer, struct peers *peers, struct user *user,
    xpc_connection_t connection)
{
	peer->peers = peers;
	peer->user = user;
	peer->connection = connection;
	peer->number = ++peers->last_number;
	peer->pid = xpc_connection_get_pid(connection);
	peer->since = time(NULL);
	TAILQ_INSERT_TAIL(&peers->all, peer, entry);
	user->peers++;
	peers->refused++; /* until it is admitted */
}

struct peer *peer_create(struct peers *peers, xpc_connection_t connection)
{
	struct user *user = user_get(
	    &peers->users, xpc_connection_get_euid(connection), now(peers));
	struct peer *peer = NULL;

	if (user == NULL ||
	    (peers->refused >= REFUSED_MAX &&
		check_limits(peers, user) != ADMITTED)) {
		return NULL;
	}
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		return NULL;
	}
	peer_init(peer, peers, user, connection);
	xpc_retain(connection); /* until peer_leave() */
	xpc_connection_set_context(connection, peer);
	/* The finalizer runs on any thread, after the connection is gone: it
	 * must not access anything else. */
	xpc_connection_set_finalizer_f(connection, free);
	admit(peer);
	peer_restart_idle_timeout(peer);
	log_debug("peer %" PRIu64 ": connected, uid %u, pid %d", peer->number,
	    (unsigned)user->uid, (int)peer->pid);
	return peer;
}

void peer_drop(struct peer *peer, const char *reason)
{
	if (!peer->dropped) {
		peer_log(peer, LOG_LEVEL_NOTICE, "dropped: %s", reason);
		peer->dropped = true;
		peer_end_idle(peer);
		xpc_connection_cancel(peer->connection);
	}
}

xpc_object_t peer_end_request(struct peer *peer, struct request *request)
{
	xpc_object_t reply = request->reply;

	if (request->released != NULL) {
		peer->peers->waiting_release--;
	}
	SLIST_REMOVE(&peer->requests, request, request, entry);
	peer->request_count--;
	free(request);
	return reply;
}

void peer_leave(struct peer *peer)
{
	struct peers *peers = peer->peers;
	xpc_connection_t connection = peer->connection;

	peer->dropped = true;
	peer_end_idle(peer);
	peer_release_all(peer);
	if (peer->watches) {
		events_leave(peers->options.events, connection);
	}
	TAILQ_REMOVE(&peers->all, peer, entry);
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

void peer_note_refusal(struct peer *peer, const struct network *network,
    const struct failure *failure)
{
	const struct event_client client = peer_get_client(peer);
	const struct event event = {
		.name = "refused",
		.network = network,
		.client = &client,
		.failure = failure,
	};

	counters_add_refusal(peer->peers->options.counters, failure->status);
	events_post(peer->peers->options.events, &event);
}

void peer_refuse(struct peer *peer, xpc_object_t reply, const char *what,
    const struct failure *failure)
{
	peer_log(peer, LOG_LEVEL_NOTICE, "%s: %s", what, failure->message);
	peer_note_refusal(peer, NULL, failure);
	message_set_failure(reply, failure);
	peer_answer(peer, reply);
}

/* A peer that has sent many messages at once must not block the others. */
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

struct request *peer_add_request(struct peer *peer, xpc_object_t reply)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request != NULL) {
		request->reply = reply;
		SLIST_INSERT_HEAD(&peer->requests, request, entry);
		peer->request_count++;
	}
	return request;
}

bool peer_defer(struct peer *peer, xpc_object_t reply)
{
	if (peer_add_request(peer, reply) == NULL) {
		return false;
	}
	xpc_retain(peer->connection); /* until peer_resume() */
	peer_restart_idle_timeout(peer);
	return true;
}

xpc_object_t peer_resume(struct peer *peer, xpc_object_t reply)
{
	xpc_connection_t connection = peer->connection;
	struct request *request = NULL;

	SLIST_FOREACH(request, &peer->requests, entry)
	{
		if (request->reply == reply) {
			break;
		}
	}
	if (request != NULL) {
		peer_end_request(peer, request);
		peer_restart_idle_timeout(peer);
	}
	xpc_release(connection);
	return request == NULL ? NULL : reply;
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
		/* Releasing a request would answer it, so keep it until the
		 * broker exits. */
		if (full || peer_add_request(peer, reply) == NULL) {
			xpc_release(reply);
		}
		return NULL;
	}
	admission = admit(peer);
	if (admission != ADMITTED) {
		refuse_admission(peer, reply, admission);
		return NULL;
	}
	peer_restart_idle_timeout(peer);
	if (full) {
		failure_set(&failure, FAILURE_BUSY,
		    "%d requests of this client are unanswered, which is the "
		    "limit",
		    VMNET_BROKER_MAX_REQUESTS_PER_PEER);
		peer_refuse(peer, reply, "request", &failure);
		return NULL;
	}
	return reply;
}

bool peer_may_change(const struct peer *peer)
{
	return peer->user->uid == 0 || peer->user->uid == geteuid();
}

struct event_client peer_get_client(const struct peer *peer)
{
	return (struct event_client){ peer->user->uid, peer->pid };
}

bool peer_watch(struct peer *peer, struct failure *failure)
{
	const struct watcher_options options = {
		.connection = peer->connection,
		.uid = peer->user->uid,
		.sees_all = peer_may_change(peer),
	};

	if (!peer->watches) {
		peer->watches = events_watch(
		    peer->peers->options.events, &options, failure);
	}
	peer_restart_idle_timeout(peer);
	return peer->watches;
}
