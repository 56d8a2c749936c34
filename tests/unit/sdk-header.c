// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Uses all of the header, in any language that it supports; see
 * sdk-header-test.sh. */

#include "vmnet-broker.h"

static void release(xpc_object_t object)
{
#ifndef __OBJC__
	if (object) {
		xpc_release(object);
	}
#else
	(void)object;
#endif
}

static void done(void *context)
{
	(void)context;
}

static void handle(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	char reason[512];

	(void)context;
	switch (state) {
	case VMNET_BROKER_HOLD_GRANTED:
		release(vmnet_broker_hold_copy_network(hold));
		release(vmnet_broker_hold_copy_info(hold));
		break;
	case VMNET_BROKER_HOLD_FAILED:
		vmnet_broker_hold_get_reason(hold, reason, sizeof(reason));
		break;
	case VMNET_BROKER_HOLD_PENDING:
	case VMNET_BROKER_HOLD_LOST:
		break;
	}
}

int main(void)
{
	static int context;
	vmnet_broker_return_t status = VMNET_BROKER_INTERNAL_ERROR;
	xpc_object_t network = vmnet_broker_acquire_network("default", &status);
	vmnet_broker_hold_t hold = vmnet_broker_hold_create(
	    "default", dispatch_get_main_queue(), handle, &context);

	if (hold) {
		status = vmnet_broker_hold_wait(hold, 10.5);
	}
	vmnet_broker_hold_release(hold, done);
	if (network && status == VMNET_BROKER_SUCCESS) {
		release(network);
		return 0;
	}
	return vmnet_broker_strerror(status)[0] + vmnet_broker_last_reason()[0];
}
