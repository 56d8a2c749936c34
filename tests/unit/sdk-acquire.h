// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Shared by the tests of vmnet_broker_acquire_network(), which include
 * vmnet-broker.c first.
 */

#ifndef SDK_ACQUIRE_H
#define SDK_ACQUIRE_H

#include <stdio.h>

#include "sdk-inside.h"

#define SECOND NSEC_PER_SEC

/* Acquires, and checks the status and that only a success has a network. */
static inline void acquire_expect(const char *name, vmnet_broker_return_t want)
{
	vmnet_broker_return_t status = VMNET_BROKER_RETURN_MAX;
	xpc_object_t network = vmnet_broker_acquire_network(name, &status);

	CHECK_INT(status, want);
	CHECK_INT(network != NULL, want == VMNET_BROKER_SUCCESS);
	if (network != NULL) {
		xpc_release(network);
	}
}

/* Acquires, and checks that the broker with this mode answered. */
static inline void acquire_from(const char *name, const char *mode)
{
	xpc_object_t network = vmnet_broker_acquire_network(name, NULL);

	CHECK_INT(network != NULL, true);
	CHECK_STRING(xpc_dictionary_get_string(network, "name"), name);
	CHECK_STRING(xpc_dictionary_get_string(network, "mode"), mode);
	xpc_release(network);
}

/* A call in its own thread. */
struct call {
	const char *name;
	vmnet_broker_return_t status;
	pthread_t thread;
	atomic_bool done;
};

static inline void *call_main(void *argument)
{
	struct call *call = argument;
	xpc_object_t network =
	    vmnet_broker_acquire_network(call->name, &call->status);

	if (network != NULL) {
		xpc_release(network);
	}
	atomic_store(&call->done, true);
	return NULL;
}

static inline void call_start(struct call *call, const char *name)
{
	call->name = name;
	call->status = VMNET_BROKER_RETURN_MAX;
	atomic_store(&call->done, false);
	CHECK_INT(pthread_create(&call->thread, NULL, call_main, call), 0);
}

static inline void call_expect(struct call *call, vmnet_broker_return_t status)
{
	CHECK_INT(pthread_join(call->thread, NULL), 0);
	CHECK_INT(call->status, status);
}

/* Waits for the hold on a name that the process keeps, and returns it. */
static inline vmnet_broker_hold_t kept_hold(const char *name)
{
	struct vmnet_broker_hold *hold = NULL;

	while (hold == NULL) {
		sched_yield();
		pthread_mutex_lock(&lock);
		hold = kept;
		while (hold != NULL && strcmp(hold->name, name) != 0) {
			hold = hold->next;
		}
		pthread_mutex_unlock(&lock);
	}
	return hold;
}

/* Waits until the hold has noticed that the broker was killed. */
static inline void lost_wait(const char *name)
{
	CHECK_INT(pause_wait(kept_hold(name)), DELAY_MIN);
}

static inline void expect_request(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "acquire %s", name);
	broker_expect("peer");
	broker_expect(line);
}

#endif
