// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-vmnet.h"

#include <Block.h>
#include <arpa/inet.h>
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <CoreFoundation/CoreFoundation.h>
#include <standin.h>
#include <vmnet/vmnet.h>

enum kind { CONFIGURATION = 1, NETWORK };

struct object {
	enum kind kind;
	int references;
	atomic_int *count;
};

struct vmnet_network_configuration {
	struct object object;
	uint32_t gateway; /* host order; 0: the system chooses */
};

struct vmnet_network {
	struct object object;
	uint32_t gateway;
};

struct vmnet_interface {
	vmnet_network_ref network;
};

struct fake_vmnet fake_vmnet;

static atomic_int configurations;
static atomic_int networks;
static atomic_int copies; /* of networks, by deserialization */
static atomic_int interfaces;
static atomic_int created;
static atomic_uint next_subnet;

const char *const vmnet_enable_tso_key = "vmnet_enable_tso";
const char *const vmnet_enable_checksum_offload_key =
    "vmnet_enable_checksum_offload";

/* One whose start is not answered: it cannot be stopped, and goes with its
 * network. */
static struct vmnet_interface unanswered;

static _Atomic(dispatch_block_t) owed; /* by START_SILENT, STOP_SILENT */

void fake_vmnet_reset(void)
{
	fake_vmnet.start = START_WELL;
	fake_vmnet.stop = STOP_WELL;
	fake_vmnet.mask = 0xffffff00;
	fake_vmnet.in_use = 0;
	fake_vmnet.refuse_all = false;
	fake_vmnet.asked = 0;
	created = 0;
	next_subnet = 64;
}

int fake_vmnet_configurations(void)
{
	return configurations;
}

int fake_vmnet_networks(void)
{
	return networks;
}

int fake_vmnet_copies(void)
{
	return copies;
}

int fake_vmnet_interfaces(void)
{
	return interfaces;
}

int fake_vmnet_created(void)
{
	return created;
}

/* Not the program's: faults are for the broker. */
void *__real_calloc(size_t count, size_t size);

static void *create(size_t size, enum kind kind, atomic_int *count)
{
	struct object *object = __real_calloc(1, size);

	assert(object != NULL);
	object->kind = kind;
	object->references = 1;
	object->count = count;
	(*count)++;
	return object;
}

void CFRelease(CFTypeRef reference)
{
	struct object *object = (struct object *)(uintptr_t)reference;

	assert(object != NULL);
	assert(object->kind == CONFIGURATION || object->kind == NETWORK);
	assert(object->references > 0);
	object->references--;
	if (object->references == 0) {
		(*object->count)--;
		free(object);
	}
}

/* Whether the test wants this call to fail. Hangs if it wants that. */
static bool fault(const char *function, vmnet_return_t *status)
{
	int wanted = 0;

	standin_fault_hang(function);
	if (!standin_fault_status(function, &wanted)) {
		return false;
	}
	if (status != NULL) {
		*status = (vmnet_return_t)wanted;
	}
	return true;
}

vmnet_network_configuration_ref vmnet_network_configuration_create(
    vmnet_mode_t mode, vmnet_return_t *status)
{
	if (fault(__func__, status)) {
		return NULL;
	}
	assert(mode == VMNET_SHARED_MODE || mode == VMNET_HOST_MODE);
	return create(sizeof(struct vmnet_network_configuration), CONFIGURATION,
	    &configurations);
}

vmnet_return_t vmnet_network_configuration_set_ipv4_subnet(
    vmnet_network_configuration_ref config, const struct in_addr *address,
    const struct in_addr *mask)
{
	vmnet_return_t status = VMNET_SUCCESS;

	if (fault(__func__, &status)) {
		return status;
	}
	assert(config->object.kind == CONFIGURATION);
	config->gateway = ntohl(address->s_addr);
	fake_vmnet.asked = config->gateway & ntohl(mask->s_addr);
	assert(config->gateway == fake_vmnet.asked + 1);
	return VMNET_SUCCESS;
}

vmnet_network_ref vmnet_network_create(
    vmnet_network_configuration_ref config, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;

	if (fault(__func__, status)) {
		return NULL;
	}
	assert(config->object.kind == CONFIGURATION);
	if (config->gateway != 0 &&
	    (fake_vmnet.refuse_all ||
		config->gateway == fake_vmnet.in_use + 1)) {
		*status = VMNET_FAILURE;
		return NULL;
	}
	network = create(sizeof(*network), NETWORK, &networks);
	network->gateway = config->gateway != 0
	    ? config->gateway
	    : 0xc0a80001 + (next_subnet++ << 8);
	created++;
	*status = VMNET_SUCCESS;
	return network;
}

xpc_object_t vmnet_network_copy_serialization(
    vmnet_network_ref network, vmnet_return_t *status)
{
	xpc_object_t dictionary = NULL;

	if (fault(__func__, status)) {
		return NULL;
	}
	assert(network->object.kind == NETWORK);
	dictionary = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_uint64(dictionary, "gateway", network->gateway);
	*status = VMNET_SUCCESS;
	return dictionary;
}

vmnet_network_ref vmnet_network_create_with_serialization(
    xpc_object_t serialization, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;

	if (fault(__func__, status)) {
		return NULL;
	}
	network = create(sizeof(*network), NETWORK, &copies);
	network->gateway =
	    (uint32_t)xpc_dictionary_get_uint64(serialization, "gateway");
	*status = VMNET_SUCCESS;
	return network;
}

void vmnet_network_get_ipv4_subnet(
    vmnet_network_ref network, struct in_addr *subnet, struct in_addr *mask)
{
	assert(network->object.kind == NETWORK);
	subnet->s_addr = htonl(network->gateway);
	mask->s_addr = htonl(fake_vmnet.mask);
}

void vmnet_network_get_ipv6_prefix(
    vmnet_network_ref network, struct in6_addr *prefix, uint8_t *length)
{
	assert(network->object.kind == NETWORK);
	inet_pton(AF_INET6, "fd12:3456:789a:1::", prefix);
	*length = 64;
}

static void owe(dispatch_block_t answer)
{
	dispatch_block_t copy = Block_copy(answer);
	dispatch_block_t before = atomic_exchange(&owed, copy);

	assert(before == NULL);
	(void)before;
}

bool fake_vmnet_answer(void)
{
	dispatch_block_t answer = atomic_exchange(&owed, NULL);

	if (answer == NULL) {
		return false;
	}
	answer();
	Block_release(answer);
	return true;
}

static void end(interface_ref interface)
{
	CFRelease(interface->network);
	free(interface);
	interfaces--;
}

static void tell_started(dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler, vmnet_return_t status)
{
	dispatch_async(queue, ^{
		xpc_object_t parameters = xpc_dictionary_create(NULL, NULL, 0);

		handler(status, status == VMNET_SUCCESS ? parameters : NULL);
		xpc_release(parameters);
	});
}

interface_ref vmnet_interface_start_with_network(vmnet_network_ref network,
    xpc_object_t description, dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler)
{
	interface_ref interface = NULL;

	if (fault(__func__, NULL) || fake_vmnet.start == START_NULL) {
		return NULL;
	}
	assert(network->object.kind == NETWORK);
	assert(xpc_dictionary_get_bool(description, vmnet_enable_tso_key));
	assert(xpc_dictionary_get_bool(
	    description, vmnet_enable_checksum_offload_key));
	if (fake_vmnet.start == START_SILENT) {
		owe(^{
			tell_started(queue, handler, VMNET_FAILURE);
		});
		return &unanswered;
	}
	if (fake_vmnet.start == START_NULL_AND_HANDLER) {
		tell_started(queue, handler, VMNET_FAILURE);
		return NULL;
	}
	interface = __real_calloc(1, sizeof(*interface));
	assert(interface != NULL);
	if (fake_vmnet.start == START_BADLY) {
		tell_started(queue, handler, VMNET_FAILURE);
		dispatch_async(queue, ^{
			free(interface); /* nobody's any more */
		});
		return interface;
	}
	interface->network = network;
	network->object.references++;
	interfaces++;
	tell_started(queue, handler, VMNET_SUCCESS);
	if (fake_vmnet.start == START_TWICE) {
		tell_started(queue, handler, VMNET_FAILURE);
	}
	return interface;
}

vmnet_return_t vmnet_stop_interface(interface_ref interface,
    dispatch_queue_t queue, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status =
	    fake_vmnet.stop == STOP_BADLY ? VMNET_FAILURE : VMNET_SUCCESS;

	assert(interface != &unanswered);
	if (fault(__func__, &status)) {
		end(interface);
		return status;
	}
	if (fake_vmnet.stop == STOP_REFUSED) {
		end(interface);
		return VMNET_FAILURE;
	}
	end(interface);
	if (fake_vmnet.stop == STOP_SILENT) {
		owe(^{
			dispatch_async(queue, ^{
				handler(status);
			});
		});
		return VMNET_SUCCESS;
	}
	dispatch_async(queue, ^{
		handler(status);
	});
	if (fake_vmnet.stop == STOP_TWICE) {
		dispatch_async(queue, ^{
			handler(status);
		});
	}
	return VMNET_SUCCESS;
}
