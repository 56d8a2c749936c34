// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The results of vmnet_stop_interface() when there is nothing to stop. They are
 * the same for the stand-in's vmnet and for the fake one of the broker's tests.
 */

#ifndef VMNET_STOP_H
#define VMNET_STOP_H

#include <stdlib.h>

#include <vmnet/vmnet.h>

struct stop_answers {
	vmnet_return_t starting; /* before the start was answered */
	vmnet_return_t failed;   /* after it has failed */
};

static inline vmnet_return_t stop_refused(
    interface_ref interface, dispatch_queue_t queue)
{
	return vmnet_stop_interface(interface, queue, ^(vmnet_return_t status) {
		(void)status;
		abort(); /* refused: the handler is not called */
	});
}

/* Starts an interface, which has to fail. */
static inline struct stop_answers stop_too_early(vmnet_network_ref network)
{
	dispatch_queue_t queue = dispatch_queue_create("stop", NULL);
	dispatch_semaphore_t answered = dispatch_semaphore_create(0);
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	struct stop_answers answers = { 0 };
	interface_ref interface;

	xpc_dictionary_set_bool(description, vmnet_enable_tso_key, true);
	xpc_dictionary_set_bool(
	    description, vmnet_enable_checksum_offload_key, true);
	dispatch_suspend(queue);
	interface = vmnet_interface_start_with_network(network, description,
	    queue, ^(vmnet_return_t status, xpc_object_t parameters) {
		    (void)parameters;
		    if (status == VMNET_SUCCESS) {
			    abort();
		    }
		    dispatch_semaphore_signal(answered);
	    });
	answers.starting = stop_refused(interface, queue);
	dispatch_resume(queue);
	dispatch_semaphore_wait(answered, DISPATCH_TIME_FOREVER);
	answers.failed = stop_refused(interface, queue);
	dispatch_sync(queue,
	    ^{
	    });
	xpc_release(description);
	dispatch_release(answered);
	dispatch_release(queue);
	return answers;
}

#endif
