// SPDX-License-Identifier: Apache-2.0 OR MIT
// Copyright The vmnet-broker authors

/*
 * The vmnet-broker client; vmnet-broker.h is the manual.
 *
 * Each hold has its own connection, because the broker keeps a network for a
 * client until the connection ends. A hold has a connection while a request is
 * in progress and while the network is granted, and otherwise a timer. Each
 * attempt uses a new connection, and events of earlier ones are ignored.
 *
 * Events and replies of all holds are handled on one serial queue, which must
 * not be blocked: the program's handlers run on the program's queues. One lock
 * protects all mutable state of holds, and no code blocks while it has the
 * lock.
 */

#include "vmnet-broker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The parts of protocol.h that we need, so that programs only embed two files.
 * The compiler compares the definitions if both are included, which the tests
 * do. */
#define VMNET_BROKER_SERVICE "com.github.nirs.vmnet-broker"
#define VMNET_BROKER_KEY_COMMAND "command"
#define VMNET_BROKER_KEY_NETWORK_NAME "network_name"
#define VMNET_BROKER_COMMAND_ACQUIRE "acquire"
#define VMNET_BROKER_KEY_NETWORK "network"
#define VMNET_BROKER_KEY_INFO "info"
#define VMNET_BROKER_KEY_ERROR "error"
#define VMNET_BROKER_KEY_ERROR_MESSAGE "error_message"

/* Timeout of an acquire in seconds. The broker gives vmnet 30 seconds to create
 * a network; launchd waits 10 seconds before it restarts a crashed broker. */
#define TIMEOUT 60

/* Delay between two attempts: doubles from the minimum to the maximum. */
#define DELAY_MIN ((int64_t)(50 * NSEC_PER_MSEC))
#define DELAY_MAX ((int64_t)(10 * NSEC_PER_SEC))

#define REASON_MAX 512 /* stored bytes */

struct vmnet_broker_hold {
	atomic_int references;
	dispatch_queue_t queue;   /* serial, targets the program's queue */
	dispatch_group_t settled; /* empty while granted or failed */
	vmnet_broker_hold_handler_t handler;
	void *context;
	bool impatient; /* fail if there is no broker */

	/* The members below are protected by the lock. */
	vmnet_broker_hold_state_t state;
	bool released;
	xpc_connection_t connection;    /* NULL between two attempts */
	xpc_object_t granted;           /* the reply; NULL: none */
	int64_t delay;                  /* before the last attempt, or 0 */
	vmnet_broker_return_t status;   /* the last failure, unless granted */
	char reason[REASON_MAX];        /* from the broker; "": none */
	struct vmnet_broker_hold *next; /* in the list `kept` */
	char name[];
};

static dispatch_queue_t events;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Protected by the lock: the holds of vmnet_broker_acquire_network(), one for
 * each name, which are never released. */
static struct vmnet_broker_hold *kept;

/* Why the thread's last vmnet_broker_acquire_network() failed. */
static _Thread_local char last_reason[REASON_MAX];

/* True in the child of a process that called this before it forked. Uses only
 * the pid, because another thread may have held any lock during the fork. */
static bool forked(void)
{
	static _Atomic(pid_t) owner;
	pid_t self = getpid();
	pid_t expected = 0;

	return !atomic_compare_exchange_strong(&owner, &expected, self) &&
	    expected != self;
}

/* References: the program has one until it releases the hold, and each
 * connection and each block on a queue has one. */
static struct vmnet_broker_hold *retain(struct vmnet_broker_hold *hold)
{
	atomic_fetch_add(&hold->references, 1);
	return hold;
}

static void unref(void *object)
{
	struct vmnet_broker_hold *hold = object;

	if (atomic_fetch_sub(&hold->references, 1) > 1) {
		return;
	}
	dispatch_release(hold->queue);
	dispatch_release(hold->settled);
#ifndef __clang_analyzer__ /* it does not understand reference counts */
	free(hold);
#endif
}

/* States. Call these functions with the lock. */
static bool is_settled(const struct vmnet_broker_hold *hold)
{
	return hold->state == VMNET_BROKER_HOLD_GRANTED ||
	    hold->state == VMNET_BROKER_HOLD_FAILED;
}

static void deliver(
    struct vmnet_broker_hold *hold, vmnet_broker_hold_state_t state)
{
	bool released;

	pthread_mutex_lock(&lock);
	released = hold->released;
	pthread_mutex_unlock(&lock);
	if (!released) {
		hold->handler(hold, state, hold->context);
	}
	unref(hold);
}

static void set_state(
    struct vmnet_broker_hold *hold, vmnet_broker_hold_state_t state)
{
	hold->state = state;
	if (is_settled(hold)) {
		dispatch_group_leave(hold->settled);
	} else {
		dispatch_group_enter(hold->settled);
	}
	if (hold->handler != NULL && state != VMNET_BROKER_HOLD_PENDING) {
		retain(hold);
		dispatch_async(hold->queue, ^{
			deliver(hold, state);
		});
	}
}

/* Drops the connection; the broker then releases the network. */
static void drop_connection(struct vmnet_broker_hold *hold)
{
	if (hold->connection != NULL) {
		xpc_connection_cancel(hold->connection);
		xpc_release(hold->connection);
		hold->connection = NULL;
	}
	if (hold->granted != NULL) {
		xpc_release(hold->granted);
		hold->granted = NULL;
	}
}

static void ask(struct vmnet_broker_hold *hold);

static void ask_later(struct vmnet_broker_hold *hold)
{
	hold->delay = hold->delay == 0 ? DELAY_MIN : hold->delay * 2;
	if (hold->delay > DELAY_MAX) {
		hold->delay = DELAY_MAX;
	}
	retain(hold);
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, hold->delay), events, ^{
		pthread_mutex_lock(&lock);
		ask(hold);
		pthread_mutex_unlock(&lock);
		unref(hold);
	});
}

/* Whether asking again is pointless. A hold that had the network before also
 * retries after errors that would be final for a first request. */
static bool is_final(const struct vmnet_broker_hold *hold,
    vmnet_broker_return_t status, bool no_service)
{
	bool first = hold->state == VMNET_BROKER_HOLD_PENDING;

	if (status == VMNET_BROKER_NOT_ALLOWED ||
	    status == VMNET_BROKER_INVALID_REQUEST ||
	    status == VMNET_BROKER_NOT_FOUND ||
	    status == VMNET_BROKER_CONFIGURATION) {
		return true;
	}
	if (status == VMNET_BROKER_XPC_FAILURE) {
		return first && no_service && hold->impatient;
	}
	return first && status != VMNET_BROKER_BUSY;
}

/* The attempt failed, or the network was lost. */
static void fail(struct vmnet_broker_hold *hold, vmnet_broker_return_t status,
    const char *reason, bool no_service)
{
	drop_connection(hold);
	hold->status = status;
	snprintf(hold->reason, sizeof(hold->reason), "%s",
	    reason == NULL ? "" : reason);
	if (is_final(hold, status, no_service)) {
		set_state(hold, VMNET_BROKER_HOLD_FAILED);
		return;
	}
	if (hold->state == VMNET_BROKER_HOLD_GRANTED) {
		hold->delay = 0;
		set_state(hold, VMNET_BROKER_HOLD_LOST);
	}
	ask_later(hold);
}

/* SUCCESS: the reply has a network. Errors below 3 are never sent by a
 * broker. */
static vmnet_broker_return_t read_reply(xpc_object_t reply)
{
	xpc_object_t network;
	xpc_object_t error;

	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		return xpc_get_type(reply) == XPC_TYPE_ERROR
		    ? VMNET_BROKER_XPC_FAILURE
		    : VMNET_BROKER_INVALID_REPLY;
	}
	network = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);
	error = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR);
	if (network != NULL && error == NULL &&
	    xpc_get_type(network) == XPC_TYPE_DICTIONARY) {
		return VMNET_BROKER_SUCCESS;
	}
	if (network == NULL && error != NULL &&
	    xpc_get_type(error) == XPC_TYPE_INT64) {
		int64_t code = xpc_int64_get_value(error);

		if (code >= VMNET_BROKER_NOT_ALLOWED && code <= INT32_MAX) {
			return (vmnet_broker_return_t)code;
		}
	}
	return VMNET_BROKER_INVALID_REPLY;
}

/* Also handles an event that ends the connection. */
static void handle_reply(struct vmnet_broker_hold *hold,
    xpc_connection_t connection, xpc_object_t reply)
{
	vmnet_broker_return_t status = read_reply(reply);
	const char *reason = NULL;

	pthread_mutex_lock(&lock);
	if (connection != hold->connection) {
		/* Ignore it: this connection was dropped. */
	} else if (status == VMNET_BROKER_SUCCESS) {
		hold->granted = xpc_retain(reply);
		hold->status = VMNET_BROKER_SUCCESS;
		hold->reason[0] = '\0';
		set_state(hold, VMNET_BROKER_HOLD_GRANTED);
	} else {
		if (status > VMNET_BROKER_INVALID_REPLY) {
			reason = xpc_dictionary_get_string(
			    reply, VMNET_BROKER_KEY_ERROR_MESSAGE);
		}
		fail(hold, status, reason,
		    reply == XPC_ERROR_CONNECTION_INVALID);
	}
	pthread_mutex_unlock(&lock);
}

/* Ignores messages that a newer broker may send. */
static void handle_event(struct vmnet_broker_hold *hold,
    xpc_connection_t connection, xpc_object_t event)
{
	if (event == XPC_ERROR_CONNECTION_INTERRUPTED ||
	    event == XPC_ERROR_CONNECTION_INVALID) {
		handle_reply(hold, connection, event);
	}
}

/* Call it with the lock. Privileged: only the system's launchd may answer, not
 * an agent that the user was tricked into installing. */
static void ask(struct vmnet_broker_hold *hold)
{
	xpc_connection_t connection;
	xpc_object_t message;

	if (hold->released) {
		return;
	}
	connection = xpc_connection_create_mach_service(VMNET_BROKER_SERVICE,
	    events, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);
	hold->connection = connection;
	xpc_connection_set_context(connection, retain(hold));
	xpc_connection_set_finalizer_f(connection, unref);
	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		handle_event(hold, connection, event);
	});
	xpc_connection_activate(connection);

	message = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_COMMAND, VMNET_BROKER_COMMAND_ACQUIRE);
	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_NETWORK_NAME, hold->name);
	xpc_retain(connection);
	/* Not the _sync call, which never returns if launchd cannot start the
	 * broker. */
	xpc_connection_send_message_with_reply(
	    connection, message, events, ^(xpc_object_t reply) {
		    handle_reply(hold, connection, reply);
		    xpc_release(connection);
	    });
	xpc_release(message);
}

/* Allocates a hold that has not requested anything yet. NULL: out of memory. */
static struct vmnet_broker_hold *allocate(
    const char *name, dispatch_queue_t queue)
{
	static dispatch_once_t once;
	size_t size = strlen(name) + 1;
	struct vmnet_broker_hold *hold = calloc(1, sizeof(*hold) + size);

	if (hold == NULL) {
		return NULL;
	}
	dispatch_once(&once, ^{
		events = dispatch_queue_create(VMNET_BROKER_SERVICE, NULL);
	});
	atomic_init(&hold->references, 1);
	memcpy(hold->name, name, size);
	hold->queue = dispatch_queue_create_with_target(
	    VMNET_BROKER_SERVICE ".hold", NULL, queue);
	hold->settled = dispatch_group_create();
	hold->state = VMNET_BROKER_HOLD_FAILED;
	return hold;
}

/* Call it with the lock. */
static void begin(struct vmnet_broker_hold *hold)
{
	hold->delay = 0;
	set_state(hold, VMNET_BROKER_HOLD_PENDING);
	ask(hold);
}

vmnet_broker_hold_t vmnet_broker_hold_create(const char *network_name,
    dispatch_queue_t queue, vmnet_broker_hold_handler_t handler, void *context)
{
	/* In a forked child queues do not work; return a static object. */
	static struct vmnet_broker_hold of_child = {
		.state = VMNET_BROKER_HOLD_FAILED
	};
	struct vmnet_broker_hold *hold;

	if (forked()) {
		return &of_child;
	}
	hold = allocate(network_name == NULL ? "" : network_name, queue);
	if (hold == NULL) {
		return NULL;
	}
	hold->handler = handler;
	hold->context = context;
	pthread_mutex_lock(&lock);
	if (network_name == NULL) {
		set_state(hold, VMNET_BROKER_HOLD_PENDING);
		fail(hold, VMNET_BROKER_INVALID_REQUEST, NULL, false);
	} else {
		begin(hold);
	}
	pthread_mutex_unlock(&lock);
	return hold;
}

static dispatch_time_t seconds_from_now(double seconds)
{
	if (!(seconds > 0)) {
		return DISPATCH_TIME_NOW;
	}
	if (seconds > (double)INT32_MAX) {
		return DISPATCH_TIME_FOREVER;
	}
	return dispatch_time(
	    DISPATCH_TIME_NOW, (int64_t)(seconds * (double)NSEC_PER_SEC));
}

static vmnet_broker_return_t wait_until(
    struct vmnet_broker_hold *hold, dispatch_time_t deadline)
{
	vmnet_broker_return_t status;
	bool again;

	retain(hold);
	do {
		again = dispatch_group_wait(hold->settled, deadline) == 0;
		pthread_mutex_lock(&lock);
		again = again && !is_settled(hold) && !hold->released;
		status =
		    is_settled(hold) ? hold->status : VMNET_BROKER_XPC_FAILURE;
		pthread_mutex_unlock(&lock);
	} while (again);
	unref(hold);
	return status;
}

vmnet_broker_return_t vmnet_broker_hold_wait(
    vmnet_broker_hold_t hold, double seconds)
{
	if (hold == NULL) {
		return VMNET_BROKER_INVALID_REQUEST;
	}
	return forked() ? VMNET_BROKER_XPC_FAILURE
			: wait_until(hold, seconds_from_now(seconds));
}

static xpc_object_t copy(vmnet_broker_hold_t hold, const char *key)
{
	xpc_object_t object = NULL;

	if (hold != NULL && !forked()) {
		pthread_mutex_lock(&lock);
		if (hold->granted != NULL) {
			object =
			    xpc_dictionary_get_dictionary(hold->granted, key);
		}
		if (object != NULL) {
			xpc_retain(object);
		}
		pthread_mutex_unlock(&lock);
	}
	return object;
}

xpc_object_t vmnet_broker_hold_copy_network(vmnet_broker_hold_t hold)
{
	return copy(hold, VMNET_BROKER_KEY_NETWORK);
}

xpc_object_t vmnet_broker_hold_copy_info(vmnet_broker_hold_t hold)
{
	return copy(hold, VMNET_BROKER_KEY_INFO);
}

vmnet_broker_return_t vmnet_broker_hold_get_reason(
    vmnet_broker_hold_t hold, char *text, size_t size)
{
	vmnet_broker_return_t status = VMNET_BROKER_INVALID_REQUEST;
	char reason[REASON_MAX] = "";

	if (hold != NULL && forked()) {
		status = VMNET_BROKER_XPC_FAILURE;
	} else if (hold != NULL) {
		pthread_mutex_lock(&lock);
		status = hold->status;
		memcpy(reason, hold->reason, sizeof(reason));
		pthread_mutex_unlock(&lock);
	}
	if (text != NULL) {
		snprintf(text, size, "%s",
		    reason[0] != '\0' ? reason : vmnet_broker_strerror(status));
	}
	return status;
}

void vmnet_broker_hold_release(
    vmnet_broker_hold_t hold, void (*done)(void *context))
{
	if (hold == NULL || forked()) {
		return; /* holds from before the fork belong to the parent */
	}
	pthread_mutex_lock(&lock);
	hold->released = true;
	drop_connection(hold);
	if (!is_settled(hold)) {
		dispatch_group_leave(hold->settled);
	}
	pthread_mutex_unlock(&lock);
	if (done == NULL) {
		unref(hold);
		return;
	}
	dispatch_async(hold->queue, ^{
		done(hold->context);
		unref(hold);
	});
}

/* Returns a reference to the process's hold on this name, and requests the
 * network if necessary. NULL: out of memory. */
static struct vmnet_broker_hold *keep(const char *name)
{
	struct vmnet_broker_hold *hold;

	pthread_mutex_lock(&lock);
	hold = kept;
	while (hold != NULL && strcmp(hold->name, name) != 0) {
		hold = hold->next;
	}
	if (hold == NULL) {
		hold = allocate(name, NULL);
		if (hold != NULL) {
			hold->impatient = true;
			hold->next = kept;
			kept = hold;
		}
	}
	if (hold != NULL) {
		retain(hold);
		if (hold->state == VMNET_BROKER_HOLD_FAILED) {
			begin(hold);
		}
	}
	pthread_mutex_unlock(&lock);
	return hold;
}

static vmnet_broker_return_t acquire(const char *name, xpc_object_t *network)
{
	dispatch_time_t deadline = seconds_from_now(TIMEOUT);
	struct vmnet_broker_hold *hold = keep(name);
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	vmnet_broker_return_t last;

	if (hold == NULL) {
		return VMNET_BROKER_INTERNAL_ERROR;
	}
	/* It may be lost again before we copy it. */
	while (*network == NULL && status == VMNET_BROKER_SUCCESS) {
		status = wait_until(hold, deadline);
		*network = vmnet_broker_hold_copy_network(hold);
	}
	last = vmnet_broker_hold_get_reason(
	    hold, last_reason, sizeof(last_reason));
	unref(hold);
	if (*network == NULL && last != VMNET_BROKER_SUCCESS) {
		/* For example BUSY, which is more specific than a timeout. */
		return last;
	}
	last_reason[0] = '\0';
	return status;
}

xpc_object_t vmnet_broker_acquire_network(
    const char *network_name, vmnet_broker_return_t *status)
{
	vmnet_broker_return_t result = VMNET_BROKER_XPC_FAILURE;
	xpc_object_t network = NULL;

	last_reason[0] = '\0';
	if (network_name == NULL) {
		result = VMNET_BROKER_INVALID_REQUEST;
	} else if (!forked()) {
		result = acquire(network_name, &network);
	}
	if (network != NULL) {
		result = VMNET_BROKER_SUCCESS;
	} else if (last_reason[0] == '\0') {
		snprintf(last_reason, sizeof(last_reason), "%s",
		    vmnet_broker_strerror(result));
	}
	if (status != NULL) {
		*status = result;
	}
	return network;
}

const char *vmnet_broker_last_reason(void)
{
	return last_reason;
}

const char *vmnet_broker_strerror(vmnet_broker_return_t status)
{
	static const char *const texts[] = {
		[VMNET_BROKER_SUCCESS] = "success",
		[VMNET_BROKER_XPC_FAILURE] = "cannot reach vmnet-broker",
		[VMNET_BROKER_INVALID_REPLY] =
		    "invalid reply from vmnet-broker",
		[VMNET_BROKER_NOT_ALLOWED] = "not allowed to use this network",
		[VMNET_BROKER_INVALID_REQUEST] = "invalid network name",
		[VMNET_BROKER_NOT_FOUND] = "no such network",
		[VMNET_BROKER_CREATE_FAILURE] = "network could not be created",
		[VMNET_BROKER_INTERNAL_ERROR] = "internal error",
		[VMNET_BROKER_BUSY] =
		    "vmnet-broker is busy or shutting down, try again",
		[VMNET_BROKER_CONFIGURATION] =
		    "error in the configuration of vmnet-broker",
	};

	return (size_t)status < sizeof(texts) / sizeof(texts[0])
	    ? texts[status]
	    : "unknown error";
}
