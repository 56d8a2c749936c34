// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * After every event, settle() looks at where things are: begins the end if it
 * is time, and sets the one timer.
 *
 * The end, end_begin(), is the same for all reasons: nobody is answered any
 * more, all networks are released, and when vmnet has given back the last, or
 * is too slow, `done` is called.
 */

#include "service.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "failure.h"
#include "log.h"
#include "message.h"
#include "peer.h"
#include "protocol.h"
#include "registry.h"
#include "text.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t stop_timeout = VMNET_BROKER_STOP_TIMEOUT * NANOSECONDS;
static const uint64_t end_timeout = VMNET_BROKER_RELEASE_TIMEOUT * NANOSECONDS;

struct service {
	struct service_options options;
	xpc_connection_t listener;
	dispatch_queue_t queue;
	dispatch_source_t timer;
	uint64_t due; /* what timer is set to; UINT64_MAX: never */
	struct registry *registry;
	struct peers *peers;

	uint64_t first_client; /* when it came; UINT64_MAX: not yet */
	bool stopping;         /* asked to */
	int exit_status;
	uint64_t stop_deadline; /* then holders have to go; UINT64_MAX: never */
	bool ending;            /* networks are being released */
	uint64_t end_deadline;
	bool done;
};

/* The clock that dispatch timers follow: it stands still while the Mac sleeps,
 * so that nobody is late for having slept. */
static uint64_t now(void *context)
{
	struct timespec time = { 0 };

	(void)context;
	clock_gettime(CLOCK_UPTIME_RAW, &time);
	return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

/*
 * The end.
 */

static void finish(struct service *service, int exit_status)
{
	service->done = true;
	dispatch_source_cancel(service->timer);
	xpc_connection_cancel(service->listener);
	service->options.done(exit_status);
}

/* Are all networks back, or is it too late to wait for them? */
static void end_check(struct service *service)
{
	size_t left = registry_count(service->registry);

	if (left == 0) {
		log_notice("exit: all networks are released");
		finish(service, service->exit_status);
	} else if (now(NULL) >= service->end_deadline) {
		log_error("exit: vmnet did not release %zu networks: their "
			  "subnets may stay unusable until the Mac restarts",
		    left);
		finish(service, EXIT_FAILURE);
	}
}

static void end_begin(struct service *service, const char *reason)
{
	log_notice("exit: %s", reason);
	service->ending = true;
	service->end_deadline = now(NULL) + end_timeout;
	peers_silence(service->peers);
	registry_finish(service->registry);
}

/* When it has been idle for long enough; UINT64_MAX: it is not. A broker that
 * nobody has asked for, since KeepAlive or RunAtLoad started it, stays: it would
 * only be started again. */
static uint64_t idle_deadline(const struct service *service)
{
	uint64_t since = registry_idle_since(service->registry);

	if (service->first_client == UINT64_MAX ||
	    registry_count(service->registry) > 0) {
		return UINT64_MAX;
	}
	if (since < service->first_client) {
		since = service->first_client;
	}
	return since + service->options.idle;
}

/* Why it is time to end, or NULL. */
static const char *end_reason(const struct service *service)
{
	const struct registry *registry = service->registry;
	uint64_t time = now(NULL);

	if (service->stopping && registry_count_held(registry) == 0) {
		return "asked to stop, and nobody holds a network";
	}
	if (time >= service->stop_deadline) {
		return "the time for clients to leave is up";
	}
	if (time >= idle_deadline(service)) {
		return "idle";
	}
	return NULL;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_deadline(const struct service *service)
{
	uint64_t due = earlier(registry_deadline(service->registry),
	    peers_deadline(service->peers));

	if (service->ending) {
		return earlier(due, service->end_deadline);
	}
	due = earlier(due, idle_deadline(service));
	return earlier(due, service->stop_deadline);
}

static void set_timer(struct service *service)
{
	uint64_t due = next_deadline(service);
	uint64_t time = now(NULL);
	dispatch_time_t start = DISPATCH_TIME_FOREVER;

	if (due == service->due) {
		return;
	}
	service->due = due;
	if (due != UINT64_MAX) {
		start = dispatch_time(
		    DISPATCH_TIME_NOW, (int64_t)(due > time ? due - time : 0));
	}
	dispatch_source_set_timer(
	    service->timer, start, DISPATCH_TIME_FOREVER, 0);
}

static void settle(void *context)
{
	struct service *service = context;
	const char *reason = NULL;

	if (service->done) {
		return;
	}
	if (!service->ending) {
		reason = end_reason(service);
		if (reason != NULL) {
			end_begin(service, reason);
		}
	}
	if (service->ending) {
		end_check(service);
	}
	if (!service->done) {
		set_timer(service);
	}
}

static void timer_fired(struct service *service)
{
	service->due = UINT64_MAX;
	if (!service->done) {
		registry_expire(service->registry);
		peers_expire(service->peers);
	}
	settle(service);
}

/* Must come before registry_stop(): who waits for a network then is refused,
 * or, when the end is due, left to ask the next broker. */
static void stop(struct service *service)
{
	if (service->stopping || service->ending) {
		return;
	}
	service->stopping = true;
	if (registry_count_held(service->registry) == 0) {
		peers_silence(service->peers);
	} else {
		log_notice("asked to stop: waiting for the holders of %zu "
			   "networks",
		    registry_count_held(service->registry));
	}
	registry_stop(service->registry);
}

void service_drain(struct service *service)
{
	dispatch_assert_queue(service->queue);
	stop(service);
	settle(service);
}

/* SIGTERM, or the event that XPC makes of it, whichever comes first: launchd
 * sends SIGKILL after ExitTimeOut, and by then the networks must be released. */
static void terminate(struct service *service)
{
	stop(service);
	if (!service->ending && service->stop_deadline == UINT64_MAX) {
		service->stop_deadline = now(NULL) + stop_timeout;
		log_notice("shutting down: clients have %d seconds to leave",
		    VMNET_BROKER_STOP_TIMEOUT);
	}
}

void service_shut_down(struct service *service)
{
	dispatch_assert_queue(service->queue);
	terminate(service);
	settle(service);
}

/*
 * Requests.
 */

static void refuse_acquire(struct service *service, struct peer *peer,
    xpc_object_t reply, const char *name)
{
	const struct config *config = service->options.config;
	char what[sizeof("acquire ") + VMNET_BROKER_NAME_MAX];
	struct failure failure;

	if (config->error[0] != '\0') {
		failure_set(&failure, FAILURE_CONFIGURATION, "%s",
		    config->error + config->error_name);
	} else {
		failure_set(&failure, FAILURE_NOT_FOUND,
		    "no such network: networks are defined in "
		    "networks.json, and shared and host are always there");
	}
	snprintf(what, sizeof(what), "acquire %s", name);
	peer_refuse(peer, reply, what, &failure);
}

static void acquire(struct service *service, struct peer *peer,
    xpc_object_t message, xpc_object_t reply)
{
	size_t length = 0;
	const char *name =
	    message_get_string(message, VMNET_BROKER_KEY_NETWORK_NAME, &length);
	struct network *network = NULL;
	struct failure failure;

	if (name == NULL) {
		failure_set(&failure, FAILURE_INVALID_REQUEST,
		    "%s must be a string", VMNET_BROKER_KEY_NETWORK_NAME);
		peer_refuse(peer, reply, "acquire", &failure);
		return;
	}
	if (!name_is_valid(name, length)) {
		char escaped[TEXT_ESCAPED];

		text_escape(escaped, name, length);
		failure_set(&failure, FAILURE_INVALID_REQUEST,
		    "\"%s\" is not a network name: "
		    "[a-z0-9][a-z0-9._-]{0,62}",
		    escaped);
		peer_refuse(peer, reply, "acquire", &failure);
		return;
	}
	network = registry_find(service->registry, name);
	if (network == NULL) {
		refuse_acquire(service, peer, reply, name);
		return;
	}
	peer_acquire(peer, reply, network);
}

static void status(struct service *service, struct peer *peer,
    xpc_object_t message, xpc_object_t reply)
{
	const struct network *network = registry_next(service->registry, NULL);
	xpc_object_t networks = xpc_array_create(NULL, 0);

	(void)message;
	for (; network != NULL;
	     network = registry_next(service->registry, network)) {
		message_append_network(networks, network);
	}
	xpc_dictionary_set_uint64(
	    reply, VMNET_BROKER_STATUS_PEERS, peers_count(service->peers));
	xpc_dictionary_set_bool(
	    reply, VMNET_BROKER_STATUS_STOPPING, service->stopping);
	xpc_dictionary_set_value(reply, VMNET_BROKER_STATUS_NETWORKS, networks);
	xpc_release(networks);
	peer_answer(peer, reply);
}

static const struct {
	const char *name;
	void (*run)(struct service *service, struct peer *peer,
	    xpc_object_t message, xpc_object_t reply);
} commands[] = {
	{ VMNET_BROKER_COMMAND_ACQUIRE, acquire },
	{ VMNET_BROKER_COMMAND_STATUS, status },
};

static void refuse_command(
    struct peer *peer, xpc_object_t reply, const char *command, size_t length)
{
	char escaped[TEXT_ESCAPED];
	struct failure failure;

	if (command == NULL) {
		failure_set(&failure, FAILURE_INVALID_REQUEST,
		    "%s must be a string", VMNET_BROKER_KEY_COMMAND);
	} else {
		text_escape(escaped, command, length);
		failure_set(&failure, FAILURE_INVALID_REQUEST,
		    "no such command: \"%s\"", escaped);
	}
	peer_refuse(peer, reply, "request", &failure);
}

static void handle_message(
    struct service *service, struct peer *peer, xpc_object_t message)
{
	xpc_object_t reply = peer_receive(peer, message);
	const char *command = NULL;
	size_t length = 0;

	if (reply == NULL) {
		return;
	}
	command =
	    message_get_string(message, VMNET_BROKER_KEY_COMMAND, &length);
	for (size_t i = 0;
	     command != NULL && i < sizeof(commands) / sizeof(commands[0]);
	     i++) {
		if (strcmp(command, commands[i].name) == 0) {
			commands[i].run(service, peer, message, reply);
			return;
		}
	}
	refuse_command(peer, reply, command, length);
}

/*
 * Connections.
 */

static void handle_peer(
    struct service *service, struct peer *peer, xpc_object_t event)
{
	dispatch_assert_queue(service->queue);
	if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
		handle_message(service, peer, event);
	} else if (event == XPC_ERROR_CONNECTION_INVALID) {
		peer_leave(peer);
	} else if (event == XPC_ERROR_TERMINATION_IMMINENT) {
		terminate(service);
	}
	settle(service);
}

static void accept_connection(
    struct service *service, xpc_connection_t connection)
{
	struct peer *peer = NULL;

	if (!service->done) {
		peer = peer_create(service->peers, connection);
	}
	if (peer == NULL) {
		xpc_connection_cancel(connection);
		return;
	}
	if (service->first_client == UINT64_MAX) {
		service->first_client = now(NULL);
	}
	xpc_connection_set_target_queue(connection, service->queue);
	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		handle_peer(service, peer, event);
	});
	xpc_connection_activate(connection);
}

/* Without the service no request can be answered: who holds a network keeps
 * it, then the broker ends. */
static void listener_failed(struct service *service, xpc_object_t error)
{
	const char *reason =
	    xpc_dictionary_get_string(error, XPC_ERROR_KEY_DESCRIPTION);

	if (service->done) {
		return;
	}
	log_error("listener: %s: only launchd can start the broker, with its "
		  "plist loaded",
	    reason == NULL ? "unknown error" : reason);
	service->exit_status = EXIT_FAILURE;
	stop(service);
}

static void handle_listener(struct service *service, xpc_object_t event)
{
	xpc_type_t type = xpc_get_type(event);

	dispatch_assert_queue(service->queue);
	if (type == XPC_TYPE_CONNECTION) {
		accept_connection(service, (xpc_connection_t)event);
	} else if (event == XPC_ERROR_TERMINATION_IMMINENT) {
		terminate(service);
	} else if (type == XPC_TYPE_ERROR) {
		listener_failed(service, event);
	}
	settle(service);
}

/*
 * Start.
 */

static void create_registry(struct service *service)
{
	const struct service_options *options = &service->options;
	struct registry_options registry = {
		.linger = options->linger,
		.now = now,
		.changed = settle,
		.context = service,
	};

	arc4random_buf(&registry.generation, sizeof(registry.generation));
	service->registry = registry_create(options->config, &registry);
}

static void create_peers(struct service *service)
{
	const struct peers_options options = {
		.registry = service->registry,
		.queue = service->queue,
		.now = now,
		.context = service,
	};

	service->peers = peers_create(&options);
}

static void start_timer(struct service *service)
{
	service->timer = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_TIMER, 0, 0, service->queue);
	dispatch_source_set_event_handler(service->timer, ^{
		timer_fired(service);
	});
	service->due = UINT64_MAX;
	set_timer(service);
	dispatch_activate(service->timer);
}

struct service *service_start(const struct service_options *options,
    xpc_connection_t listener, dispatch_queue_t queue)
{
	struct service *service = calloc(1, sizeof(*service));

	if (service == NULL) {
		return NULL;
	}
	service->options = *options;
	service->listener = listener;
	service->queue = queue;
	service->first_client = UINT64_MAX;
	service->stop_deadline = UINT64_MAX;
	create_registry(service);
	create_peers(service);
	if (service->registry == NULL || service->peers == NULL) {
		registry_destroy(service->registry);
		peers_destroy(service->peers);
		free(service);
		return NULL;
	}
	backend_init(queue);
	start_timer(service);
	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		handle_listener(service, event);
	});
	xpc_connection_activate(listener);
	return service;
}

void service_destroy(struct service *service)
{
	if (service == NULL) {
		return;
	}
	registry_destroy(service->registry);
	peers_destroy(service->peers);
	dispatch_release(service->timer);
	free(service);
}
