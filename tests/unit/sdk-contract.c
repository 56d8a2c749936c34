// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The API of holds exactly as it was promised: programs that we do not know are
 * compiled against it. The compiler refuses a second declaration
 * that differs from the header's. See sdk-header-test.sh.
 */

#include "vmnet-broker.h"

#ifdef __cplusplus
extern "C" {
#define _Static_assert static_assert
#endif

typedef struct vmnet_broker_hold *vmnet_broker_hold_t;

typedef void (*vmnet_broker_hold_handler_t)(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context);

vmnet_broker_hold_t vmnet_broker_hold_create(const char *network_name,
    dispatch_queue_t queue, vmnet_broker_hold_handler_t handler, void *context);
vmnet_broker_return_t vmnet_broker_hold_wait(
    vmnet_broker_hold_t hold, double seconds);
xpc_object_t vmnet_broker_hold_copy_network(vmnet_broker_hold_t hold);
xpc_object_t vmnet_broker_hold_copy_info(vmnet_broker_hold_t hold);
vmnet_broker_return_t vmnet_broker_hold_get_reason(
    vmnet_broker_hold_t hold, char *text, size_t size);
void vmnet_broker_hold_release(
    vmnet_broker_hold_t hold, void (*done)(void *context));

xpc_object_t vmnet_broker_acquire_network(
    const char *network_name, vmnet_broker_return_t *status);
const char *vmnet_broker_strerror(vmnet_broker_return_t status);

_Static_assert(VMNET_BROKER_HOLD_PENDING == 0, "");
_Static_assert(VMNET_BROKER_HOLD_GRANTED == 1, "");
_Static_assert(VMNET_BROKER_HOLD_LOST == 2, "");
_Static_assert(VMNET_BROKER_HOLD_FAILED == 3, "");

#ifdef __cplusplus
}
#endif
