// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-vmnet.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

#include <CoreFoundation/CoreFoundation.h>
#include <standin.h>

#include "broker-vmnet-object.h"

struct fake_vmnet fake_vmnet;

static atomic_int networks;
static atomic_int copies; /* of networks, by deserialization */
static atomic_int created;
static atomic_uint next_subnet;

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

int fake_vmnet_networks(void)
{
	return networks;
}

int fake_vmnet_copies(void)
{
	return copies;
}

int fake_vmnet_created(void)
{
	return created;
}

/* Failures of calloc() are meant for the broker, not for this file. */
void *__real_calloc(size_t count, size_t size);

void *fake_object_create(size_t size, enum fake_kind kind, atomic_int *count)
{
	struct fake_object *object = __real_calloc(1, size);

	assert(object != NULL);
	object->kind = kind;
	object->references = 1;
	object->count = count;
	(*count)++;
	return object;
}

void CFRelease(CFTypeRef reference)
{
	struct fake_object *object = (struct fake_object *)(uintptr_t)reference;

	assert(object != NULL);
	assert(object->kind == CONFIGURATION || object->kind == NETWORK);
	assert(object->references > 0);
	object->references--;
	if (object->references == 0) {
		(*object->count)--;
		free(object);
	}
}

bool fake_fault(const char *function, vmnet_return_t *status)
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

vmnet_network_ref vmnet_network_create(
    vmnet_network_configuration_ref config, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;

	if (fake_fault(__func__, status)) {
		return NULL;
	}
	assert(config->object.kind == CONFIGURATION);
	if (config->gateway != 0 &&
	    (fake_vmnet.refuse_all ||
		config->gateway == fake_vmnet.in_use + 1)) {
		*status = VMNET_FAILURE;
		return NULL;
	}
	network = fake_object_create(sizeof(*network), NETWORK, &networks);
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

	if (fake_fault(__func__, status)) {
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

	if (fake_fault(__func__, status)) {
		return NULL;
	}
	network = fake_object_create(sizeof(*network), NETWORK, &copies);
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
