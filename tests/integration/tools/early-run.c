// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * early-run: vmnet-run with an SDK whose vmnet_broker_hold_create() returns as
 * late as possible. The network is granted before it returns, and the handler
 * has been called unless the caller prevents that by being on the hold's queue.
 */

#include <stdatomic.h>
#include <sched.h>
#include <stdlib.h>

#include "vmnet-broker.h"

static vmnet_broker_hold_handler_t handle;
static atomic_int calls;

vmnet_broker_hold_t __real_vmnet_broker_hold_create(const char *network_name,
    dispatch_queue_t queue, vmnet_broker_hold_handler_t handler, void *context);
vmnet_broker_hold_t __wrap_vmnet_broker_hold_create(const char *network_name,
    dispatch_queue_t queue, vmnet_broker_hold_handler_t handler, void *context);

static void count(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	handle(hold, state, context);
	atomic_fetch_add(&calls, 1);
}

vmnet_broker_hold_t __wrap_vmnet_broker_hold_create(const char *network_name,
    dispatch_queue_t queue, vmnet_broker_hold_handler_t handler, void *context)
{
	vmnet_broker_hold_t hold;
	int before = atomic_load(&calls);

	handle = handler;
	dispatch_queue_set_specific(queue, &calls, &calls, NULL);
	hold = __real_vmnet_broker_hold_create(
	    network_name, queue, count, context);
	if (hold == NULL || vmnet_broker_hold_wait(hold, 60) != 0) {
		abort();
	}
	while (dispatch_get_specific(&calls) == NULL &&
	    atomic_load(&calls) == before) {
		sched_yield();
	}
	return hold;
}
