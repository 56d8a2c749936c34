// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The client of vmnet-broker; the manual is in vmnet-broker.h.
 *
 * The process has one connection to the broker, made when first needed, and
 * the broker keeps for us what we acquired on it until it closes. So it is
 * never closed, only replaced when it is dead.
 *
 * A caller sends its own message and sleeps until the reply handler wakes it
 * or its time is up; nothing here waits for anybody else's network. All state
 * that is shared is in `broker`, under its lock, and nothing blocks while it
 * has the lock. It lives as long as the process and is never torn down:
 * exiting at any moment is fine.
 *
 * A broker that goes away takes all networks with it and begins a new era. A
 * hold is good if it was granted in this era; the others are asked for again
 * in the background, see restore().
 */

#include "vmnet-broker.h"

#include <dispatch/dispatch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * What we need of protocol.h, so that two files are enough to embed. The
 * compiler compares them when it sees both, and the tests show it both.
 */
#define VMNET_BROKER_SERVICE "com.github.nirs.vmnet-broker"
#define VMNET_BROKER_KEY_COMMAND "command"
#define VMNET_BROKER_KEY_NETWORK_NAME "network_name"
#define VMNET_BROKER_COMMAND_ACQUIRE "acquire"
#define VMNET_BROKER_KEY_NETWORK "network"
#define VMNET_BROKER_KEY_ERROR "error"
#define VMNET_BROKER_KEY_ERROR_MESSAGE "error_message"
#define VMNET_BROKER_MAX_REQUESTS_PER_PEER 4

/* Seconds for one call. The broker gives vmnet 30 to create a network; launchd
 * waits 10 before it starts a broker that crashed. */
#define TIMEOUT 60

/* Bytes of a reason that are kept. */
#define REASON_MAX 512

/* Seconds between two attempts to get lost networks back, at most. */
#define RESTORE_DELAY_MAX 60

/* A network that the broker keeps for us. Never freed once in the list. */
struct hold {
	struct hold *next;
	uint64_t era; /* when it was last granted */
	char name[];
};

/*
 * A question to the broker. The caller and, while it is unanswered, the reply
 * handler have a reference: who gave up waiting leaves it to the other.
 */
struct request {
	atomic_int references;
	dispatch_semaphore_t answered;
	xpc_object_t reply; /* the caller's after `answered` */
	uint64_t era;       /* when it was sent */
	struct hold *hold;  /* what it becomes, if granted */
};

static struct {
	/* Set once, see start(). */
	dispatch_queue_t events;    /* events and replies; never blocks */
	dispatch_queue_t restorer;  /* restore() */
	dispatch_semaphore_t slots; /* messages the broker lets us pipeline */

	pthread_mutex_t lock;        /* of all below */
	xpc_connection_t connection; /* NULL before the first, and if dead */
	uint64_t era;                /* counts brokers that went away */
	struct hold *holds;          /* only ever grows, at the front */
	bool restoring;              /* restore() runs, or is due */
	unsigned int restore_delay;  /* restorer only: seconds */
} broker = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Why the thread's last call failed. */
static _Thread_local char last_reason[REASON_MAX];

static void reason_set(const char *reason)
{
	snprintf(last_reason, sizeof(last_reason), "%s", reason);
}

static void start(void)
{
	broker.events = dispatch_queue_create(VMNET_BROKER_SERVICE, NULL);
	broker.restorer =
	    dispatch_queue_create(VMNET_BROKER_SERVICE ".restore", NULL);
	broker.slots =
	    dispatch_semaphore_create(VMNET_BROKER_MAX_REQUESTS_PER_PEER);
}

static dispatch_time_t seconds_from_now(unsigned int seconds)
{
	return dispatch_time(
	    DISPATCH_TIME_NOW, (int64_t)(seconds * NSEC_PER_SEC));
}

/*
 * True in the child of a process that came here before it forked: the child
 * has a copy of our state, with no threads and no ports behind it. Touches
 * nothing but the pid, for another thread may have held any lock at the fork.
 */
static bool forked(void)
{
	static _Atomic(pid_t) owner;
	pid_t self = getpid();
	pid_t expected = 0;

	if (atomic_compare_exchange_strong(&owner, &expected, self)) {
		return false;
	}
	return expected != self;
}

static void request_release(struct request *request)
{
	if (request == NULL || atomic_fetch_sub(&request->references, 1) > 1) {
		return;
	}
	if (request->answered != NULL) {
		dispatch_release(request->answered);
	}
	if (request->reply != NULL) {
		xpc_release(request->reply);
	}
	free(request->hold);
	free(request);
}

/* Allocates all that a call will need: no answer is lost for lack of memory. */
static struct request *request_create(const char *name)
{
	size_t size = strlen(name) + 1;
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL) {
		return NULL;
	}
	atomic_init(&request->references, 1);
	request->answered = dispatch_semaphore_create(0);
	request->hold = calloc(1, sizeof(*request->hold) + size);
	if (request->answered == NULL || request->hold == NULL) {
		request_release(request);
		return NULL;
	}
	memcpy(request->hold->name, name, size);
	return request;
}

/* On the events queue, exactly once for each message, maybe much too late. */
static void request_answer(struct request *request, xpc_object_t reply)
{
	request->reply = xpc_retain(reply);
	dispatch_semaphore_signal(request->answered);
	dispatch_semaphore_signal(broker.slots);
	request_release(request);
}

static void restore(void);

/* Call with the lock, whenever a hold may have been lost. */
static void restore_start(void)
{
	if (broker.holds == NULL || broker.restoring) {
		return;
	}
	broker.restoring = true;
	dispatch_async(broker.restorer, ^{
		restore();
	});
}

/* Keeps what was granted. The request's hold goes into the list if its name is
 * not there. */
static void hold_keep(struct request *request)
{
	struct hold *hold;

	pthread_mutex_lock(&broker.lock);
	hold = broker.holds;
	while (hold != NULL && strcmp(hold->name, request->hold->name) != 0) {
		hold = hold->next;
	}
	if (hold == NULL) {
		hold = request->hold;
		request->hold = NULL;
		hold->next = broker.holds;
		broker.holds = hold;
	}
	if (hold->era < request->era) {
		hold->era = request->era;
	}
	if (hold->era < broker.era) {
		/* It went away while it answered. */
		restore_start();
	}
	pthread_mutex_unlock(&broker.lock);
}

/* Returns the first lost hold from `hold` on, NULL for none. Call with the
 * lock. */
static struct hold *hold_lost(struct hold *hold)
{
	while (hold != NULL && hold->era == broker.era) {
		hold = hold->next;
	}
	return hold;
}

/* The broker at the other end is gone, and if `dead`, so is the connection.
 * Late news of an earlier connection changes nothing. */
static void connection_lost(xpc_connection_t connection, bool dead)
{
	bool current;

	pthread_mutex_lock(&broker.lock);
	current = connection == broker.connection;
	if (current) {
		broker.era++;
		if (dead) {
			broker.connection = NULL;
		}
		restore_start();
	}
	pthread_mutex_unlock(&broker.lock);
	if (current && dead) {
		xpc_connection_cancel(connection);
		xpc_release(connection);
	}
}

static void connection_event(xpc_connection_t connection, xpc_object_t event)
{
	if (event == XPC_ERROR_CONNECTION_INTERRUPTED) {
		connection_lost(connection, false);
	} else if (event == XPC_ERROR_CONNECTION_INVALID) {
		connection_lost(connection, true);
	}
	/* A newer broker may send us messages, which we do not know. */
}

static xpc_connection_t connection_create(void)
{
	/* Privileged: only the system's launchd may answer, not an agent that
	 * the user was made to install. */
	xpc_connection_t connection =
	    xpc_connection_create_mach_service(VMNET_BROKER_SERVICE,
		broker.events, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);

	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		connection_event(connection, event);
	});
	xpc_connection_activate(connection);
	return connection;
}

/* Returns a reference to the connection, and the era in which it is used. */
static xpc_connection_t connection_copy(uint64_t *era)
{
	xpc_connection_t connection;

	pthread_mutex_lock(&broker.lock);
	if (broker.connection == NULL) {
		broker.connection = connection_create();
	}
	connection = broker.connection;
	xpc_retain(connection);
	*era = broker.era;
	pthread_mutex_unlock(&broker.lock);
	return connection;
}

/*
 * Sends the request and waits. True if it was answered: then request->reply is
 * the caller's to read. False if time was up: then it belongs to the reply
 * handler, and the request must not be used again.
 *
 * Not xpc_connection_send_message_with_reply_sync(), which waits for ever when
 * launchd cannot start the broker.
 */
static bool request_ask(struct request *request, dispatch_time_t deadline)
{
	xpc_connection_t connection;
	xpc_object_t message;
	bool answered;

	if (dispatch_semaphore_wait(broker.slots, deadline) != 0) {
		return false;
	}
	message = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_COMMAND, VMNET_BROKER_COMMAND_ACQUIRE);
	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_NETWORK_NAME, request->hold->name);

	connection = connection_copy(&request->era);
	atomic_fetch_add(&request->references, 1);
	xpc_connection_send_message_with_reply(
	    connection, message, broker.events, ^(xpc_object_t reply) {
		    request_answer(request, reply);
	    });
	answered = dispatch_semaphore_wait(request->answered, deadline) == 0;
	if (answered && request->reply == XPC_ERROR_CONNECTION_INVALID) {
		connection_lost(connection, true);
	}
	xpc_release(connection);
	xpc_release(message);
	return answered;
}

static vmnet_broker_return_t error_read(xpc_object_t reply, xpc_object_t error)
{
	const char *message =
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE);
	int64_t code;

	if (xpc_get_type(error) != XPC_TYPE_INT64) {
		return VMNET_BROKER_INVALID_REPLY;
	}
	code = xpc_int64_get_value(error);
	/* Less is success, or what only this side can say. */
	if (code < VMNET_BROKER_NOT_ALLOWED || code > INT32_MAX) {
		return VMNET_BROKER_INVALID_REPLY;
	}
	if (message != NULL) {
		reason_set(message);
	}
	return (vmnet_broker_return_t)code;
}

/* Stores a reference to the network, if the reply has it. */
static vmnet_broker_return_t reply_read(
    xpc_object_t reply, xpc_object_t *result)
{
	xpc_object_t network;
	xpc_object_t error;

	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		return VMNET_BROKER_INVALID_REPLY;
	}
	network = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);
	error = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR);
	if ((network == NULL) == (error == NULL)) {
		return VMNET_BROKER_INVALID_REPLY;
	}
	if (error != NULL) {
		return error_read(reply, error);
	}
	if (xpc_get_type(network) != XPC_TYPE_DICTIONARY) {
		return VMNET_BROKER_INVALID_REPLY;
	}
	*result = xpc_retain(network);
	return VMNET_BROKER_SUCCESS;
}

/* `attempts`: 2 asks again when the broker went away meanwhile, as one does
 * that exits for lack of work in that moment. */
static vmnet_broker_return_t acquire(
    const char *name, int attempts, xpc_object_t *result)
{
	vmnet_broker_return_t status = VMNET_BROKER_XPC_FAILURE;
	dispatch_time_t deadline = seconds_from_now(TIMEOUT);
	struct request *request = request_create(name);

	if (request == NULL) {
		return VMNET_BROKER_INTERNAL_ERROR;
	}
	while (attempts-- > 0 && request_ask(request, deadline)) {
		if (xpc_get_type(request->reply) != XPC_TYPE_ERROR) {
			status = reply_read(request->reply, result);
			break;
		}
		xpc_release(request->reply);
		request->reply = NULL;
	}
	if (status == VMNET_BROKER_SUCCESS) {
		hold_keep(request);
	}
	request_release(request);
	return status;
}

static unsigned int restore_delay_next(unsigned int delay)
{
	if (delay == 0) {
		return 1;
	}
	return delay < RESTORE_DELAY_MAX / 2 ? delay * 2 : RESTORE_DELAY_MAX;
}

/*
 * Asks for all holds that were lost, then comes again after a delay that grows
 * each time, and ends when it finds that nothing was lost meanwhile. So the
 * first attempt is made at once, and a broker that keeps dying, or refuses us
 * by hanging up, is never asked in a loop.
 */
static void restore(void)
{
	struct hold *hold;

	pthread_mutex_lock(&broker.lock);
	hold = hold_lost(broker.holds);
	if (hold == NULL) {
		broker.restoring = false;
		broker.restore_delay = 0;
	}
	pthread_mutex_unlock(&broker.lock);
	if (hold == NULL) {
		return;
	}
	while (hold != NULL) {
		xpc_object_t network = NULL;

		if (acquire(hold->name, 1, &network) == VMNET_BROKER_SUCCESS) {
			xpc_release(network);
		}
		pthread_mutex_lock(&broker.lock);
		hold = hold_lost(hold->next);
		pthread_mutex_unlock(&broker.lock);
	}
	broker.restore_delay = restore_delay_next(broker.restore_delay);
	dispatch_after(
	    seconds_from_now(broker.restore_delay), broker.restorer, ^{
		    restore();
	    });
}

xpc_object_t vmnet_broker_acquire_network(
    const char *network_name, vmnet_broker_return_t *status)
{
	static dispatch_once_t once;
	vmnet_broker_return_t result;
	xpc_object_t network = NULL;

	reason_set("");
	if (network_name == NULL) {
		result = VMNET_BROKER_INVALID_REQUEST;
	} else if (forked()) {
		result = VMNET_BROKER_XPC_FAILURE;
	} else {
		dispatch_once(&once, ^{
			start();
		});
		result = acquire(network_name, 2, &network);
	}
	if (result != VMNET_BROKER_SUCCESS && last_reason[0] == '\0') {
		reason_set(vmnet_broker_strerror(result));
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
	switch (status) {
	case VMNET_BROKER_SUCCESS:
		return "success";
	case VMNET_BROKER_XPC_FAILURE:
		return "cannot reach vmnet-broker";
	case VMNET_BROKER_INVALID_REPLY:
		return "invalid reply from vmnet-broker";
	case VMNET_BROKER_NOT_ALLOWED:
		return "not allowed to use this network";
	case VMNET_BROKER_INVALID_REQUEST:
		return "invalid network name";
	case VMNET_BROKER_NOT_FOUND:
		return "no such network";
	case VMNET_BROKER_CREATE_FAILURE:
		return "network could not be created";
	case VMNET_BROKER_INTERNAL_ERROR:
		return "internal error";
	case VMNET_BROKER_BUSY:
		return "vmnet-broker is busy or shutting down, try again";
	case VMNET_BROKER_CONFIGURATION:
		return "error in the configuration of vmnet-broker";
	case VMNET_BROKER_RETURN_MAX:
		break;
	}
	return "unknown error";
}
