// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <err.h>
#include <stdlib.h>

#include <CoreFoundation/CoreFoundation.h>

static vmnet_network_ref create(void)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_SHARED_MODE, &status);

	if (config == NULL) {
		errx(EXIT_FAILURE, "vmnet configuration: status %u", status);
	}
	vmnet_network_ref ref = vmnet_network_create(config, &status);
	if (ref == NULL) {
		errx(EXIT_FAILURE, "vmnet network: status %u", status);
	}
	CFRelease(config);
	return ref;
}

void network_start(struct network *network)
{
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	vmnet_return_t status = VMNET_SUCCESS;

	network->ref = create();
	network->queue = dispatch_queue_create(BENCH_SERVICE, NULL);
	network->interface = vmnet_interface_start_with_network(network->ref,
	    description, network->queue,
	    ^(vmnet_return_t result, xpc_object_t parameters) {
		    (void)parameters;
		    if (result != VMNET_SUCCESS) {
			    errx(EXIT_FAILURE, "vmnet interface: status %u",
				result);
		    }
		    dispatch_semaphore_signal(done);
	    });
	if (network->interface == NULL) {
		errx(EXIT_FAILURE, "vmnet interface: refused");
	}
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	xpc_object_t serialization =
	    vmnet_network_copy_serialization(network->ref, &status);
	if (serialization == NULL) {
		errx(EXIT_FAILURE, "vmnet serialization: status %u", status);
	}
	xpc_release(serialization);
	xpc_release(description);
	dispatch_release(done);
}

void network_stop(struct network *network)
{
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	vmnet_return_t status = vmnet_stop_interface(
	    network->interface, network->queue, ^(vmnet_return_t result) {
		    (void)result;
		    dispatch_semaphore_signal(done);
	    });

	if (status != VMNET_SUCCESS) {
		errx(EXIT_FAILURE, "vmnet stop: status %u", status);
	}
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	CFRelease(network->ref);
	dispatch_release(network->queue);
	dispatch_release(done);
}
