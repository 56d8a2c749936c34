// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "service.h"

#include <stdlib.h>
#include <time.h>

#include "backend.h"
#include "commands.h"
#include "counters.h"
#include "events.h"
#include "lifetime.h"
#include "log.h"
#include "peer.h"
#include "protocol.h"
#include "registry.h"
#include "reload.h"

#define NANOSECONDS UINT64_C(1000000000)

struct service {
	struct service_options options;
	xpc_connection_t listener;
	struct broker broker;
};

/* The clock of dispatch timers: it stops while the Mac sleeps, so that no
 * deadline passes during sleep. */
static uint64_t now(void *context)
{
	struct timespec time = { 0 };

	(void)context;
	clock_gettime(CLOCK_UPTIME_RAW, &time);
	return (uint64_t)time.tv_sec * NANOSECONDS + (uint64_t)time.tv_nsec;
}

/* A state changed outside of an XPC event. */
static void changed(void *context)
{
	const struct service *service = context;

	lifetime_settle(service->broker.lifetime);
}

/*
 * Signals.
 */

void service_drain(struct service *service)
{
	dispatch_assert_queue(service->broker.queue);
	lifetime_drain(service->broker.lifetime);
	lifetime_settle(service->broker.lifetime);
}

/* Called for SIGTERM or the corresponding XPC event, whichever comes first:
 * launchd sends SIGKILL after ExitTimeOut, and the networks must be released by
 * then. */
void service_shut_down(struct service *service)
{
	dispatch_assert_queue(service->broker.queue);
	lifetime_shut_down(service->broker.lifetime);
	lifetime_settle(service->broker.lifetime);
}

void service_reload(struct service *service)
{
	dispatch_assert_queue(service->broker.queue);
	reload_run(service->broker.reload, NULL, NULL);
}

/*
 * Requests.
 */

static void handle_message(
    struct service *service, struct peer *peer, xpc_object_t message)
{
	xpc_object_t reply = peer_receive(peer, message);

	if (reply != NULL) {
		commands_run(&service->broker, peer, message, reply);
	}
}

/*
 * Connections.
 */

static void handle_peer(
    struct service *service, struct peer *peer, xpc_object_t event)
{
	dispatch_assert_queue(service->broker.queue);
	if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
		handle_message(service, peer, event);
	} else if (event == XPC_ERROR_CONNECTION_INVALID) {
		peer_leave(peer);
	} else if (event == XPC_ERROR_TERMINATION_IMMINENT) {
		lifetime_shut_down(service->broker.lifetime);
	}
	lifetime_settle(service->broker.lifetime);
}

static void accept_connection(
    struct service *service, xpc_connection_t connection)
{
	struct peer *peer = NULL;

	if (!lifetime_is_over(service->broker.lifetime)) {
		peer = peer_create(service->broker.peers, connection);
	}
	if (peer == NULL) {
		xpc_connection_cancel(connection);
		return;
	}
	lifetime_note_client(service->broker.lifetime);
	xpc_connection_set_target_queue(connection, service->broker.queue);
	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		handle_peer(service, peer, event);
	});
	xpc_connection_activate(connection);
}

/* Without the listener no new client can connect: holders keep their networks
 * until they leave, then the broker exits. */
static void listener_failed(struct service *service, xpc_object_t error)
{
	const char *reason =
	    xpc_dictionary_get_string(error, XPC_ERROR_KEY_DESCRIPTION);

	if (lifetime_is_over(service->broker.lifetime)) {
		return;
	}
	log_error("listener: %s: only launchd can start the broker, with its "
		  "plist loaded",
	    reason == NULL ? "unknown error" : reason);
	lifetime_fail(service->broker.lifetime);
}

static void handle_listener(struct service *service, xpc_object_t event)
{
	xpc_type_t type = xpc_get_type(event);

	dispatch_assert_queue(service->broker.queue);
	if (type == XPC_TYPE_CONNECTION) {
		accept_connection(service, (xpc_connection_t)event);
	} else if (event == XPC_ERROR_TERMINATION_IMMINENT) {
		lifetime_shut_down(service->broker.lifetime);
	} else if (type == XPC_TYPE_ERROR) {
		listener_failed(service, event);
	}
	lifetime_settle(service->broker.lifetime);
}

/*
 * Start.
 */

static void network_event(void *context, const struct registry_event *event)
{
	static const char *const names[] = {
		[REGISTRY_CREATED] = "created",
		[REGISTRY_FAILED] = "failed",
		[REGISTRY_ACQUIRED] = "acquired",
		[REGISTRY_RELEASED] = "released",
	};
	struct service *service = context;
	const struct network *network = event->network;
	struct event_client client = { 0 };
	struct event posted = {
		.name = event->kind == REGISTRY_STATE
		    ? network_state_name(network->state)
		    : names[event->kind],
		.network = network,
		.failure = event->failure,
	};

	if (event->hold != NULL) {
		client = peer_get_client(event->hold->context);
		posted.client = &client;
	}
	counters_add_event(&service->broker.counters, event, now(NULL));
	events_post(service->broker.events, &posted);
	if (event->failure != NULL || network->state != NETWORK_RELEASING) {
		peers_answer_release(
		    service->broker.peers, network, event->failure);
	}
}

static void create_registry(struct service *service)
{
	struct registry_options registry = {
		.now = now,
		.answer = peer_answer_hold,
		.changed = changed,
		.event = network_event,
		.context = service,
	};

	arc4random_buf(&registry.generation, sizeof(registry.generation));
	service->broker.registry =
	    registry_create(service->options.config, &registry);
}

static void create_peers(struct service *service)
{
	const struct peers_options options = {
		.registry = service->broker.registry,
		.counters = &service->broker.counters,
		.events = service->broker.events,
		.queue = service->broker.queue,
	};

	service->broker.peers = peers_create(&options);
}

static void create_reload(struct service *service)
{
	const struct reload_options options = {
		.path = service->options.config_path,
		.owner = service->options.config_owner,
		.registry = service->broker.registry,
		.queue = service->broker.queue,
		.changed = changed,
		.context = service,
	};

	service->broker.reload = reload_create(&options);
	service->broker.directory = dispatch_queue_create(
	    VMNET_BROKER_SERVICE ".directory", DISPATCH_QUEUE_SERIAL);
}

static void done(void *context, int exit_status)
{
	const struct service *service = context;

	xpc_connection_cancel(service->listener);
	service->options.done(exit_status);
}

static void create_lifetime(struct service *service)
{
	const struct lifetime_options options = {
		.registry = service->broker.registry,
		.peers = service->broker.peers,
		.events = service->broker.events,
		.queue = service->broker.queue,
		.done = done,
		.context = service,
	};

	service->broker.lifetime = lifetime_create(&options);
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
	service->broker.version = options->version;
	service->broker.queue = queue;
	service->broker.events = events_create(changed, service);
	create_registry(service);
	create_peers(service);
	create_reload(service);
	create_lifetime(service);
	if (service->broker.registry == NULL || service->broker.peers == NULL ||
	    service->broker.events == NULL || service->broker.reload == NULL ||
	    service->broker.directory == NULL ||
	    service->broker.lifetime == NULL) {
		service_destroy(service);
		return NULL;
	}
	service->broker.started = now(NULL);
	backend_init(queue);
	registry_start(service->broker.registry);
	lifetime_start(service->broker.lifetime);
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
	lifetime_destroy(service->broker.lifetime);
	reload_destroy(service->broker.reload);
	registry_destroy(service->broker.registry);
	peers_destroy(service->broker.peers);
	events_destroy(service->broker.events);
	if (service->broker.directory != NULL) {
		dispatch_release(service->broker.directory);
	}
	free(service);
}
