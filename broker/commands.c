// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Only known keys of a request are looked up; it is never iterated over, copied
 * or described, so unknown contents cost nothing.
 */

#include "commands.h"

#include <dispatch/dispatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "events.h"
#include "failure.h"
#include "message.h"
#include "protocol.h"
#include "text.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

/* A request that is being answered. */
struct request_context {
	const struct broker *broker;
	const char *command;
	struct peer *peer;
	xpc_object_t message;
	xpc_object_t reply;
	uint8_t mac[6]; /* from acquire, or all 0 */
};

/*
 * Networks by name.
 */

static void refuse(const struct request_context *request, const char *name,
    enum failure_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* name: of the network, or "". */
static void refuse(const struct request_context *request, const char *name,
    enum failure_status status, const char *format, ...)
{
	char what[VMNET_BROKER_NAME_MAX + 32];
	struct failure failure = { .status = status };
	va_list args;

	snprintf(what, sizeof(what), "%s%s%s", request->command,
	    name[0] == '\0' ? "" : " ", name);
	va_start(args, format);
	vsnprintf(failure.message, sizeof(failure.message), format, args);
	va_end(args);
	peer_refuse(request->peer, request->reply, what, &failure);
}

static void refuse_unknown(
    const struct request_context *request, const char *name)
{
	const char *problem =
	    config_find_problem(reload_get_read(request->broker->reload), name);

	if (problem != NULL) {
		refuse(request, name, FAILURE_CONFIGURATION, "%s", problem);
	} else {
		refuse(request, name, FAILURE_NOT_FOUND,
		    "no such network: networks are defined in networks.json; "
		    "shared and host always exist");
	}
}

/* Borrowed from the message; may contain any bytes. NULL: the request, for the
 * network `name` or "", was refused. */
static const char *get_string(const struct request_context *request,
    const char *key, const char *name, size_t *length)
{
	xpc_object_t value = xpc_dictionary_get_value(request->message, key);

	if (value == NULL || xpc_get_type(value) != XPC_TYPE_STRING) {
		refuse(request, name, FAILURE_INVALID_REQUEST,
		    "%s must be a string", key);
		return NULL;
	}
	*length = xpc_string_get_length(value);
	return xpc_string_get_string_ptr(value);
}

/* The name in the request, or NULL: the request was refused. */
static const char *get_name(const struct request_context *request)
{
	size_t length = 0;
	const char *name =
	    get_string(request, VMNET_BROKER_KEY_NETWORK_NAME, "", &length);
	char escaped[TEXT_ESCAPED];

	if (name != NULL && !name_is_valid(name, length)) {
		text_escape(escaped, name, length);
		refuse(request, "", FAILURE_INVALID_REQUEST,
		    "\"%s\" is not a network name: "
		    "[a-z0-9][a-z0-9._-]{0,62}",
		    escaped);
		return NULL;
	}
	return name;
}

/* The network, or NULL: the request was refused. */
static struct network *get_network(
    const struct request_context *request, const char *name)
{
	struct network *network =
	    registry_find(request->broker->registry, name);

	if (network == NULL || network->config->problem != NULL) {
		refuse_unknown(request, name);
		return NULL;
	}
	return network;
}

/*
 * Acquire.
 */

/* A request that waits until the groups of its user are known. Then the network
 * is looked up again, because there may have been a reload. */
struct lookup {
	struct request_context request;
	char name[VMNET_BROKER_NAME_MAX + 1];
	struct access_user user;
};

static void acquire(const struct request_context *request, const char *name,
    const struct access_user *user);

static void lookup_finish(struct lookup *lookup)
{
	struct request_context *request = &lookup->request;
	const struct broker *broker = request->broker;

	request->reply = peer_resume(request->peer, request->reply);
	if (request->reply != NULL) {
		acquire(request, lookup->name, &lookup->user);
	}
	free(lookup->user.groups);
	free(lookup);
	lifetime_settle(broker->lifetime);
}

static void look_up_groups(const struct request_context *request,
    const char *name, const struct access_user *user)
{
	const struct broker *broker = request->broker;
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL || !peer_defer(request->peer, request->reply)) {
		free(lookup);
		refuse(request, name, FAILURE_INTERNAL, "out of memory");
		return;
	}
	lookup->request = *request;
	lookup->request.message = NULL;
	lookup->user = *user;
	snprintf(lookup->name, sizeof(lookup->name), "%s", name);
	dispatch_async(broker->directory, ^{
		access_look_up(&lookup->user);
		dispatch_async(broker->queue, ^{
			lookup_finish(lookup);
		});
	});
}

static void acquire(const struct request_context *request, const char *name,
    const struct access_user *user)
{
	struct network *network = get_network(request, name);

	if (network == NULL) {
		return;
	}
	if (network->removed && !peer_holds(request->peer, network)) {
		refuse_unknown(request, name);
		return;
	}
	switch (access_check(network->config, user)) {
	case ACCESS_ALLOWED:
		peer_acquire(
		    request->peer, request->reply, network, request->mac);
		break;
	case ACCESS_DENIED:
		refuse(request, name, FAILURE_NOT_ALLOWED,
		    "user %u may not use the network %s: its \"allow\" in "
		    "networks.json names neither this user nor a group of this "
		    "user",
		    (unsigned)user->uid, name);
		break;
	case ACCESS_UNKNOWN:
		look_up_groups(request, name, user);
		break;
	}
}

/* Reads the MAC address, if there is one. false: the request was refused. */
static bool get_mac(struct request_context *request, const char *name)
{
	const char *key = VMNET_BROKER_KEY_MAC_ADDRESS;
	size_t length = 0;
	const char *text = NULL;
	char escaped[TEXT_ESCAPED];

	if (xpc_dictionary_get_value(request->message, key) == NULL) {
		return true;
	}
	text = get_string(request, key, name, &length);
	if (text == NULL || text_to_mac(text, request->mac) == 0) {
		return text != NULL;
	}
	text_escape(escaped, text, length);
	refuse(request, name, FAILURE_INVALID_REQUEST,
	    "%s: \"%s\" is not the MAC address of a network interface, such "
	    "as 52:54:00:12:34:56",
	    key, escaped);
	return false;
}

static void run_acquire(const struct request_context *request)
{
	const char *name = get_name(request);
	const struct access_user user = {
		.uid = peer_get_client(request->peer).uid,
	};
	struct request_context with_mac = *request;

	if (name != NULL && get_mac(&with_mac, name)) {
		acquire(&with_mac, name, &user);
	}
}

/*
 * Status.
 */

static void set_identity(const struct request_context *request)
{
	xpc_dictionary_set_string(
	    request->reply, VMNET_BROKER_KEY_VERSION, request->broker->version);
	xpc_dictionary_set_int64(
	    request->reply, VMNET_BROKER_KEY_PID, getpid());
}

static void set_networks(const struct request_context *request)
{
	const struct registry *registry = request->broker->registry;
	const struct network *network = registry_next(registry, NULL);
	xpc_object_t networks = xpc_array_create(NULL, 0);

	for (; network != NULL; network = registry_next(registry, network)) {
		message_append_network(networks, network, false);
	}
	message_put(request->reply, VMNET_BROKER_STATUS_NETWORKS, networks);
}

/* Only counters that are not 0. */
static void set_refusals(xpc_object_t to, const struct counters *counters)
{
	xpc_object_t refusals = xpc_dictionary_create(NULL, NULL, 0);

	for (int i = 0; i < FAILURE_STATUSES; i++) {
		if (counters->refusals[i] > 0) {
			xpc_dictionary_set_uint64(refusals,
			    failure_status_name((enum failure_status)i),
			    counters->refusals[i]);
		}
	}
	message_put(to, VMNET_BROKER_COUNTER_REFUSALS, refusals);
}

static void set_failures(xpc_object_t to, const struct counters *counters)
{
	xpc_object_t failures = xpc_dictionary_create(NULL, NULL, 0);

	for (size_t i = 0; i <= counters->failure_count; i++) {
		char status[sizeof("-9223372036854775808")];

		if (counters->failures[i].count > 0) {
			snprintf(status, sizeof(status), "%" PRId64,
			    counters->failures[i].vmnet_status);
			xpc_dictionary_set_uint64(
			    failures, status, counters->failures[i].count);
		}
	}
	message_put(to, VMNET_BROKER_COUNTER_FAILURES, failures);
}

static void set_counters(const struct request_context *request)
{
	const struct counters *counters = &request->broker->counters;
	xpc_object_t all = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_uint64(
	    all, VMNET_BROKER_COUNTER_ACQUIRES, counters->acquires);
	xpc_dictionary_set_uint64(
	    all, VMNET_BROKER_COUNTER_CREATIONS, counters->creations);
	xpc_dictionary_set_uint64(all, VMNET_BROKER_COUNTER_LONGEST,
	    counters->longest_creation / MILLISECOND);
	set_refusals(all, counters);
	set_failures(all, counters);
	message_put(request->reply, VMNET_BROKER_STATUS_COUNTERS, all);
}

static void run_status(const struct request_context *request)
{
	const struct broker *broker = request->broker;
	enum registry_phase phase = registry_summary(broker->registry).phase;
	xpc_object_t reply = request->reply;

	set_identity(request);
	xpc_dictionary_set_uint64(reply, VMNET_BROKER_STATUS_UPTIME,
	    (registry_now(broker->registry) - broker->started) / SECOND);
	xpc_dictionary_set_uint64(
	    reply, VMNET_BROKER_STATUS_PEERS, peers_count(broker->peers));
	xpc_dictionary_set_bool(
	    reply, VMNET_BROKER_STATUS_STOPPING, phase != REGISTRY_SERVING);
	xpc_dictionary_set_bool(
	    reply, VMNET_BROKER_STATUS_DRAINING, phase == REGISTRY_DRAINING);
	set_networks(request);
	message_put(reply, VMNET_BROKER_STATUS_CONFIGURATION,
	    reload_describe(broker->reload));
	set_counters(request);
	peer_answer(request->peer, reply);
}

static void run_list(const struct request_context *request)
{
	const struct registry *registry = request->broker->registry;
	const struct network *network = registry_get(registry, 0);
	xpc_object_t networks = xpc_array_create(NULL, 0);

	for (size_t i = 1; network != NULL; i++) {
		message_append_network(networks, network, true);
		network = registry_get(registry, i);
	}
	message_put(request->reply, VMNET_BROKER_STATUS_NETWORKS, networks);
	peer_answer(request->peer, request->reply);
}

static void run_clients(const struct request_context *request)
{
	peers_list(request->broker->peers, request->peer, request->reply);
	peer_answer(request->peer, request->reply);
}

/*
 * Change.
 */

static void run_drain(const struct request_context *request)
{
	const struct broker *broker = request->broker;

	xpc_dictionary_set_uint64(request->reply, VMNET_BROKER_STATUS_HOLDERS,
	    registry_summary(broker->registry).holders);
	peer_log(request->peer, LOG_LEVEL_NOTICE, "%s", request->command);
	peer_answer(request->peer, request->reply);
	lifetime_drain(broker->lifetime);
}

static void run_resume(const struct request_context *request)
{
	const struct broker *broker = request->broker;

	if (registry_summary(broker->registry).phase == REGISTRY_STOPPING) {
		refuse(request, "", FAILURE_BUSY,
		    "the broker is shutting down, which cannot be undone; it "
		    "starts again with the next request: try again");
		return;
	}
	peer_log(request->peer, LOG_LEVEL_NOTICE, "%s", request->command);
	lifetime_resume(broker->lifetime);
	xpc_dictionary_set_bool(
	    request->reply, VMNET_BROKER_STATUS_DRAINING, false);
	peer_answer(request->peer, request->reply);
}

/* The holders reconnect and get a new network. */
static void recreate(
    const struct request_context *request, struct network *network)
{
	char reason[VMNET_BROKER_NAME_MAX + 48];
	struct failure failure;
	size_t holders = 0;

	peer_log(request->peer, LOG_LEVEL_NOTICE, "recreate %s",
	    network->config->name);
	snprintf(reason, sizeof(reason), "network %s is being recreated",
	    network->config->name);
	holders = peers_drop_holders(request->broker->peers, network, reason);
	registry_recreate(network);
	if (network->state == NETWORK_STUCK) {
		registry_explain_stuck(network, &failure);
		refuse(request, network->config->name, failure.status, "%s",
		    failure.message);
		return;
	}
	xpc_dictionary_set_uint64(
	    request->reply, VMNET_BROKER_STATUS_HOLDERS, holders);
	if (network->state == NETWORK_RELEASING) {
		peer_wait_release(request->peer, request->reply, network);
	} else {
		peer_answer(request->peer, request->reply);
	}
}

static void run_recreate(const struct request_context *request)
{
	const char *name = get_name(request);
	struct network *network =
	    name == NULL ? NULL : get_network(request, name);

	if (network == NULL) {
		return;
	}
	if (registry_summary(request->broker->registry).phase !=
	    REGISTRY_SERVING) {
		refuse(request, name, FAILURE_BUSY,
		    "the broker accepts no new clients, so the network's "
		    "clients could not reconnect: if it is draining, run: sudo "
		    "vmnet-brokerctl resume");
		return;
	}
	recreate(request, network);
}

static void run_reload(const struct request_context *request)
{
	peer_log(request->peer, LOG_LEVEL_NOTICE, "%s", request->command);
	reload_run(request->broker->reload, request->peer, request->reply);
}

static void run_watch(const struct request_context *request)
{
	struct failure failure;

	if (!peer_watch(request->peer, &failure)) {
		refuse(request, "", failure.status, "%s", failure.message);
		return;
	}
	xpc_dictionary_set_bool(
	    request->reply, VMNET_BROKER_KEY_WATCHING, true);
	peer_answer(request->peer, request->reply);
}

/*
 * The table.
 */

static void run_hello(const struct request_context *request);

/* Sorted by name, as hello lists them. */
static const struct command {
	const char *name;
	void (*run)(const struct request_context *request);
	bool changes; /* for those of peer_may_change() */
} table[] = {
	{ VMNET_BROKER_COMMAND_ACQUIRE, run_acquire, false },
	{ VMNET_BROKER_COMMAND_CLIENTS, run_clients, false },
	{ VMNET_BROKER_COMMAND_DRAIN, run_drain, true },
	{ VMNET_BROKER_COMMAND_HELLO, run_hello, false },
	{ VMNET_BROKER_COMMAND_LIST, run_list, false },
	{ VMNET_BROKER_COMMAND_RECREATE, run_recreate, true },
	{ VMNET_BROKER_COMMAND_RELOAD, run_reload, true },
	{ VMNET_BROKER_COMMAND_RESUME, run_resume, true },
	{ VMNET_BROKER_COMMAND_STATUS, run_status, false },
	{ VMNET_BROKER_COMMAND_WATCH, run_watch, false },
};

#define COMMANDS (sizeof(table) / sizeof(table[0]))

static void run_hello(const struct request_context *request)
{
	xpc_object_t names = xpc_array_create(NULL, 0);

	for (size_t i = 0; i < COMMANDS; i++) {
		xpc_array_set_string(names, XPC_ARRAY_APPEND, table[i].name);
	}
	set_identity(request);
	message_put(request->reply, VMNET_BROKER_KEY_CAPABILITIES, names);
	peer_answer(request->peer, request->reply);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, table[i].name) == 0) {
			return &table[i];
		}
	}
	return NULL;
}

/* NULL: the request was refused. */
static const struct command *get_command(const struct request_context *request)
{
	size_t length = 0;
	const char *name =
	    get_string(request, VMNET_BROKER_KEY_COMMAND, "", &length);
	const struct command *command = name == NULL ? NULL : find(name);
	char escaped[TEXT_ESCAPED];

	if (name != NULL && command == NULL) {
		text_escape(escaped, name, length);
		refuse(request, "", FAILURE_INVALID_REQUEST,
		    "no such command: \"%s\"", escaped);
	}
	return command;
}

void commands_run(const struct broker *broker, struct peer *peer,
    xpc_object_t message, xpc_object_t reply)
{
	struct request_context request = {
		.broker = broker,
		.command = "request",
		.peer = peer,
		.message = message,
		.reply = reply,
	};
	const struct command *command = get_command(&request);

	if (command == NULL) {
		return;
	}
	request.command = command->name;
	if (command->changes && !peer_may_change(peer)) {
		refuse(&request, "", FAILURE_NOT_ALLOWED,
		    "only root and the broker's own user may do that: use "
		    "sudo");
		return;
	}
	command->run(&request);
}
