// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Shared by the tests of holds, which include vmnet-broker.c first.
 */

#ifndef SDK_HOLD_H
#define SDK_HOLD_H

#include <standin.h>

#include "sdk-inside.h"

#define EVENTS_MAX 16

/* The states that a hold's handler got, in order. */
struct history {
	vmnet_broker_hold_state_t states[EVENTS_MAX];
	atomic_int count;
	atomic_int done;
	dispatch_semaphore_t more;  /* signalled for each */
	dispatch_semaphore_t ended; /* signalled by done */
};

static inline void history_init(struct history *history)
{
	memset(history, 0, sizeof(*history));
	history->more = dispatch_semaphore_create(0);
	history->ended = dispatch_semaphore_create(0);
}

static inline void history_destroy(struct history *history)
{
	dispatch_release(history->more);
	dispatch_release(history->ended);
}

static inline void on_state(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	struct history *history = context;
	int count = atomic_load(&history->count);

	(void)hold;
	CHECK_INT(count < EVENTS_MAX, true);
	CHECK_INT(atomic_load(&history->done), 0);
	history->states[count] = state;
	atomic_store(&history->count, count + 1);
	dispatch_semaphore_signal(history->more);
}

static inline void on_done(void *context)
{
	struct history *history = context;

	atomic_fetch_add(&history->done, 1);
	dispatch_semaphore_signal(history->ended);
}

/* Waits for the next event, which must be this state and the only new one. */
static inline void history_expect(
    struct history *history, vmnet_broker_hold_state_t state)
{
	int count;

	dispatch_semaphore_wait(history->more, DISPATCH_TIME_FOREVER);
	count = atomic_load(&history->count);
	CHECK_INT(count > 0, true);
	CHECK_INT(history->states[count - 1], state);
}

static inline void history_expect_done(struct history *history)
{
	dispatch_semaphore_wait(history->ended, DISPATCH_TIME_FOREVER);
	CHECK_INT(atomic_load(&history->done), 1);
}

static inline dispatch_queue_t queue_create(void)
{
	return dispatch_queue_create("test", DISPATCH_QUEUE_SERIAL);
}

static inline uint64_t generation(vmnet_broker_hold_t hold)
{
	xpc_object_t info = vmnet_broker_hold_copy_info(hold);
	uint64_t result;

	CHECK_INT(info != NULL, true);
	result = xpc_dictionary_get_uint64(info, VMNET_BROKER_INFO_GENERATION);
	xpc_release(info);
	return result;
}

static inline void expect_network(vmnet_broker_hold_t hold, const char *name)
{
	xpc_object_t network = vmnet_broker_hold_copy_network(hold);

	CHECK_INT(network != NULL, true);
	CHECK_STRING(xpc_dictionary_get_string(network, "name"), name);
	xpc_release(network);
}

static inline void expect_no_network(vmnet_broker_hold_t hold)
{
	CHECK_INT(vmnet_broker_hold_copy_network(hold) == NULL, true);
	CHECK_INT(vmnet_broker_hold_copy_info(hold) == NULL, true);
}

/* A hold that has lost its network. */
static inline vmnet_broker_hold_t create_lost(void)
{
	vmnet_broker_hold_t hold;

	broker_start("serve");
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	broker_kill();
	CHECK_INT(pause_wait(hold), DELAY_MIN);
	return hold;
}

#endif
