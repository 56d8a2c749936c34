// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Uses all of the header, in whatever language the compiler is told this is;
 * see sdk-header-test.sh. */

#include "vmnet-broker.h"

int main(void)
{
	vmnet_broker_return_t status = VMNET_BROKER_INTERNAL_ERROR;
	xpc_object_t network = vmnet_broker_acquire_network("default", &status);

	if (network && status == VMNET_BROKER_SUCCESS) {
#ifndef __OBJC__
		xpc_release(network);
#endif
		return 0;
	}
	return vmnet_broker_strerror(status)[0];
}
