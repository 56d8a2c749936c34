// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks, and serializations, by which one process refers to the network of
 * another.
 */

#include "libvmnet.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* macOS uses the first key; its names of the others are not public. */
#define KEY_NETWORK "networkSerialization"
#define KEY_RESERVATIONS "networkReservations"
#define KEY_RULES "networkPortForwardingRules"

static void network_finalize(void *object)
{
	struct vmnet_network *network = object;
	struct wire_remove request = { .header = { .type = WIRE_REMOVE } };

	if (network->owner) {
		/* Waited for: the subnet is free when the release returns. */
		memcpy(request.network, network->network.id,
		    sizeof(request.network));
		client_tell(&request, sizeof(request));
	}
	free(network->reservations);
	free(network->rules);
}

static const struct cf_class network_class = {
	.name = "vmnet-network",
	.finalize = network_finalize,
};

void network_check(vmnet_network_ref network, const char *caller)
{
	cf_object_check(network, &network_class, caller);
}

void executable_identify(uint64_t identity[2])
{
	struct stat status;

	identity[0] = identity[1] = 0;
	if (stat("/proc/self/exe", &status) == 0) {
		identity[0] = status.st_dev;
		identity[1] = status.st_ino;
	}
}

void network_check_executable(vmnet_network_ref network)
{
	const char *version = getenv("STANDIN_MACOS");
	uint64_t own[2];
	int minor = 0;

	if (version == NULL || sscanf(version, "26.%d", &minor) != 1 ||
	    minor > 1) {
		return;
	}
	executable_identify(own);
	if (memcmp(own, network->network.executable, sizeof(own)) != 0) {
		fprintf(stderr,
		    "BUG IN CLIENT OF VMNET: macOS %s: an interface on a "
		    "network that another executable created\n",
		    version);
		raise(SIGTRAP);
	}
}

/* *copy is NULL for nothing; false when there is no memory. */
static bool copy_items(void **copy, const void *items, size_t size)
{
	*copy = NULL;
	if (size == 0) {
		return true;
	}
	*copy = malloc(size);
	if (*copy == NULL) {
		return false;
	}
	memcpy(*copy, items, size);
	return true;
}

/* NULL when there is no memory. */
static struct vmnet_network *network_allocate(const struct wire_network *info,
    const void *reservations, size_t reservations_size, const void *rules,
    size_t rules_size)
{
	struct vmnet_network *network =
	    cf_object_create(&network_class, sizeof(*network));

	if (network == NULL) {
		return NULL;
	}
	if (info != NULL) {
		network->network = *info;
	}
	network->reservation_count =
	    (uint32_t)(reservations_size / sizeof(struct wire_reservation));
	network->rule_count = (uint32_t)(rules_size / sizeof(struct wire_rule));
	if (!copy_items((void **)&network->reservations, reservations,
		reservations_size) ||
	    !copy_items((void **)&network->rules, rules, rules_size)) {
		CFRelease(network);
		return NULL;
	}
	return network;
}

static vmnet_return_t create(
    vmnet_network_configuration_ref config, struct vmnet_network **result)
{
	struct wire_created reply;
	size_t size;
	struct wire_create *request = config_copy_request(config, &size);
	struct vmnet_network *network = NULL;
	struct call call = { .request = request,
		.reply = &reply,
		.reply_size = sizeof(reply),
		.minimum = sizeof(reply) };
	vmnet_return_t status = VMNET_MEM_FAILURE;

	if (request == NULL) {
		return VMNET_MEM_FAILURE;
	}
	call.request_size = size;
	/* Before it exists: afterwards nothing may fail. */
	network = network_allocate(NULL, request + 1,
	    request->reservations * sizeof(struct wire_reservation),
	    (char *)(request + 1) +
		request->reservations * sizeof(struct wire_reservation),
	    request->rules * sizeof(struct wire_rule));
	if (network != NULL) {
		status = client_call(&call);
	}
	if (status == VMNET_SUCCESS) {
		network->network = reply.network;
		network->owner = true;
		*result = network;
		network = NULL;
	}
	if (network != NULL) {
		CFRelease(network);
	}
	free(request);
	return status;
}

vmnet_network_ref vmnet_network_create(
    vmnet_network_configuration_ref config, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;
	vmnet_return_t result = fault(__func__);

	if (result == VMNET_SUCCESS && config == NULL) {
		result = VMNET_INVALID_ARGUMENT;
	}
	if (result == VMNET_SUCCESS) {
		result = create(config, &network);
	}
	status_set(status, result);
	return network;
}

xpc_object_t vmnet_network_copy_serialization(
    vmnet_network_ref network, vmnet_return_t *status)
{
	vmnet_return_t result = fault(__func__);
	xpc_object_t dictionary;

	network_check(network, __func__);
	status_set(status, result);
	if (result != VMNET_SUCCESS) {
		return NULL;
	}
	dictionary = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_data(dictionary, KEY_NETWORK, &network->network,
	    sizeof(network->network));
	if (network->reservation_count > 0) {
		xpc_dictionary_set_data(dictionary, KEY_RESERVATIONS,
		    network->reservations,
		    network->reservation_count *
			sizeof(*network->reservations));
	}
	if (network->rule_count > 0) {
		xpc_dictionary_set_data(dictionary, KEY_RULES, network->rules,
		    network->rule_count * sizeof(*network->rules));
	}
	return dictionary;
}

/* Also returns true if the key does not exist; *items is NULL then. */
static bool get_items(xpc_object_t dictionary, const char *key, size_t unit,
    const void **items, size_t *size)
{
	*size = 0;
	*items = NULL;
	if (xpc_dictionary_get_value(dictionary, key) == NULL) {
		return true;
	}
	*items = xpc_dictionary_get_data(dictionary, key, size);
	return *items != NULL && *size % unit == 0 &&
	    *size <= WIRE_ITEMS_MAX * unit;
}

static vmnet_return_t deserialize(
    xpc_object_t dictionary, struct vmnet_network **result)
{
	const void *data, *reservations, *rules;
	size_t size = 0, reservations_size, rules_size;
	struct wire_network info;

	if (dictionary == NULL ||
	    xpc_get_type(dictionary) != XPC_TYPE_DICTIONARY) {
		return VMNET_INVALID_ARGUMENT;
	}
	data = xpc_dictionary_get_data(dictionary, KEY_NETWORK, &size);
	if (data == NULL || size != sizeof(info) ||
	    !get_items(dictionary, KEY_RESERVATIONS,
		sizeof(struct wire_reservation), &reservations,
		&reservations_size) ||
	    !get_items(dictionary, KEY_RULES, sizeof(struct wire_rule), &rules,
		&rules_size)) {
		return VMNET_INVALID_ARGUMENT;
	}
	memcpy(&info, data, sizeof(info));
	*result = network_allocate(
	    &info, reservations, reservations_size, rules, rules_size);
	return *result == NULL ? VMNET_MEM_FAILURE : VMNET_SUCCESS;
}

vmnet_network_ref vmnet_network_create_with_serialization(
    xpc_object_t serialization, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;
	vmnet_return_t result = fault(__func__);

	if (result == VMNET_SUCCESS) {
		result = deserialize(serialization, &network);
	}
	status_set(status, result);
	return network;
}

void vmnet_network_get_ipv4_subnet(
    vmnet_network_ref network, struct in_addr *subnet, struct in_addr *mask)
{
	(void)fault(__func__);
	network_check(network, __func__);
	*subnet = network->network.address;
	*mask = network->network.mask;
}

void vmnet_network_get_ipv6_prefix(
    vmnet_network_ref network, struct in6_addr *prefix, uint8_t *prefix_len)
{
	(void)fault(__func__);
	network_check(network, __func__);
	*prefix = network->network.prefix;
	*prefix_len = (uint8_t)network->network.prefix_length;
}
