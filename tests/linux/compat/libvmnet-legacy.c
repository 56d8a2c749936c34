// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The older API: the keys of an interface description, and of the reply.
 */

#include "../vmnet/libvmnet.h"

#include <arpa/inet.h>
#include <string.h>

/* Returns false for an invalid address; *found: whether the key exists. */
static bool get_address(xpc_object_t description, const char *key,
    struct in_addr *address, bool *found)
{
	const char *text;

	*found = xpc_dictionary_get_value(description, key) != NULL;
	if (!*found) {
		return true;
	}
	text = xpc_dictionary_get_string(description, key);
	return text != NULL && inet_pton(AF_INET, text, address) == 1;
}

/* All three or none. */
static bool parse_range(xpc_object_t description, struct wire_legacy *legacy)
{
	bool start, end, mask;

	if (!get_address(
		description, vmnet_start_address_key, &legacy->start, &start) ||
	    !get_address(
		description, vmnet_end_address_key, &legacy->end, &end) ||
	    !get_address(
		description, vmnet_subnet_mask_key, &legacy->mask, &mask) ||
	    start != end || start != mask) {
		return false;
	}
	if (!start) {
		return true;
	}
	legacy->flags |= WIRE_HAS_RANGE;
	return ntohl(legacy->start.s_addr) <= ntohl(legacy->end.s_addr) &&
	    ((legacy->start.s_addr ^ legacy->end.s_addr) &
		legacy->mask.s_addr) == 0;
}

static bool parse_nat66(xpc_object_t description, struct wire_legacy *legacy)
{
	const char *text =
	    xpc_dictionary_get_string(description, vmnet_nat66_prefix_key);

	if (text == NULL) {
		return xpc_dictionary_get_value(
			   description, vmnet_nat66_prefix_key) == NULL;
	}
	legacy->flags |= WIRE_HAS_NAT66;
	return inet_pton(AF_INET6, text, &legacy->nat66) == 1;
}

/* Host mode only: a network by its identifier, without DHCP. */
static bool parse_group(xpc_object_t description, struct wire_legacy *legacy)
{
	const uint8_t *group =
	    xpc_dictionary_get_uuid(description, vmnet_network_identifier_key);
	bool host, mask;

	if (group == NULL) {
		return xpc_dictionary_get_value(
			   description, vmnet_network_identifier_key) == NULL;
	}
	legacy->flags |= WIRE_HAS_GROUP;
	memcpy(legacy->group, group, sizeof(legacy->group));
	if (!get_address(description, vmnet_host_ip_address_key, &legacy->start,
		&host) ||
	    !get_address(description, vmnet_host_subnet_mask_key, &legacy->mask,
		&mask) ||
	    host != mask) {
		return false;
	}
	if (host) {
		legacy->flags |= WIRE_HAS_HOST;
	}
	return legacy->mode == VMNET_HOST_MODE &&
	    (legacy->flags & WIRE_HAS_RANGE) == 0;
}

static vmnet_return_t parse(
    xpc_object_t description, struct wire_start *request)
{
	struct wire_legacy *legacy = &request->legacy;

	legacy->mode = (uint32_t)xpc_dictionary_get_uint64(
	    description, vmnet_operation_mode_key);
	if (legacy->mode == VMNET_BRIDGED_MODE) {
		return VMNET_FAILURE; /* there is nothing to bridge with */
	}
	if ((legacy->mode != VMNET_HOST_MODE &&
		legacy->mode != VMNET_SHARED_MODE) ||
	    !parse_range(description, legacy) ||
	    !parse_nat66(description, legacy) ||
	    !parse_group(description, legacy)) {
		return VMNET_INVALID_ARGUMENT;
	}
	return VMNET_SUCCESS;
}

static void set_address(
    xpc_object_t parameters, const char *key, struct in_addr address)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	xpc_dictionary_set_string(parameters, key, text);
}

void legacy_parameters(
    xpc_object_t parameters, const struct wire_started *started)
{
	char text[INET6_ADDRSTRLEN];

	if (started->start.s_addr == 0) {
		return; /* a group that the host is not in */
	}
	set_address(parameters, vmnet_start_address_key, started->start);
	set_address(parameters, vmnet_end_address_key, started->end);
	set_address(parameters, vmnet_subnet_mask_key, started->mask);
	inet_ntop(AF_INET6, &started->nat66, text, sizeof(text));
	xpc_dictionary_set_string(parameters, vmnet_nat66_prefix_key, text);
}

interface_ref vmnet_start_interface(xpc_object_t interface_desc,
    dispatch_queue_t queue, vmnet_start_interface_completion_handler_t handler)
{
	struct wire_start request = { 0 };

	request.header.status = fault(__func__);
	if (request.header.status < VMNET_SUCCESS || queue == NULL ||
	    handler == NULL || interface_desc == NULL ||
	    xpc_get_type(interface_desc) != XPC_TYPE_DICTIONARY) {
		return NULL;
	}
	request.flags = WIRE_LEGACY;
	if (request.header.status == VMNET_SUCCESS) {
		request.header.status = parse(interface_desc, &request);
	}
	return interface_begin(&request, NULL, interface_desc, queue, handler);
}

xpc_object_t vmnet_copy_shared_interface_list(void)
{
	struct if_nameindex *names = NULL;
	xpc_object_t list;

	if (fault(__func__) != VMNET_SUCCESS) {
		return NULL;
	}
	names = if_nameindex();
	if (names == NULL) {
		return NULL;
	}
	list = xpc_array_create(NULL, 0);
	for (struct if_nameindex *name = names; name->if_index != 0; name++) {
		if (strncmp(name->if_name, "en", 2) == 0) {
			xpc_array_set_string(
			    list, XPC_ARRAY_APPEND, name->if_name);
		}
	}
	if_freenameindex(names);
	return list;
}
