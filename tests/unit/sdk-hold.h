// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What the tests of holds share. After vmnet-broker.c, which they include.
 */

#ifndef SDK_HOLD_H
#define SDK_HOLD_H

#include <standin.h>

#include "sdk-inside.h"

#define EVENTS_MAX 16

/* The states that a hold's handler got, in order. */
struct told {
	vmnet_broker_hold_state_t states[EVENTS_MAX];
	atomic_int count;
	atomic_int done;
	dispatch_semaphore_t more;  /* signalled for each */
	dispatch_semaphore_t ended; /* signalled by done */
};

static inline void told_init(struct told *told)
{
	memset(told, 0, sizeof(*told));
	told->more = dispatch_semaphore_create(0);
	told->ended = dispatch_semaphore_create(0);
}

static inline void told_destroy(struct told *told)
{
	dispatch_release(told->more);
	dispatch_release(told->ended);
}

static inline void tell(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	struct told *told = context;
	int count = atomic_load(&told->count);

	(void)hold;
	CHECK_INT(count < EVENTS_MAX, true);
	CHECK_INT(atomic_load(&told->done), 0);
	told->states[count] = state;
	atomic_store(&told->count, count + 1);
	dispatch_semaphore_signal(told->more);
}

static inline void tell_done(void *context)
{
	struct told *told = context;

	atomic_fetch_add(&told->done, 1);
	dispatch_semaphore_signal(told->ended);
}

/* Waits for the next event, which must be the last and this one. */
static inline void told_expect(
    struct told *told, vmnet_broker_hold_state_t state)
{
	int count;

	dispatch_semaphore_wait(told->more, DISPATCH_TIME_FOREVER);
	count = atomic_load(&told->count);
	CHECK_INT(count > 0, true);
	CHECK_INT(told->states[count - 1], state);
}

static inline void told_expect_done(struct told *told)
{
	dispatch_semaphore_wait(told->ended, DISPATCH_TIME_FOREVER);
	CHECK_INT(atomic_load(&told->done), 1);
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
