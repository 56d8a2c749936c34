// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "message.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "protocol.h"
#include "subnet.h"

const char *message_get_string(
    xpc_object_t message, const char *key, size_t *length)
{
	xpc_object_t value = xpc_dictionary_get_value(message, key);

	if (value == NULL || xpc_get_type(value) != XPC_TYPE_STRING) {
		return NULL;
	}
	*length = xpc_string_get_length(value);
	return xpc_string_get_string_ptr(value);
}

void message_set_failure(xpc_object_t reply, const struct failure *failure)
{
	xpc_dictionary_set_int64(
	    reply, VMNET_BROKER_KEY_ERROR, failure->status);
	xpc_dictionary_set_string(
	    reply, VMNET_BROKER_KEY_ERROR_MESSAGE, failure->message);
	if (failure->vmnet_status != 0) {
		xpc_dictionary_set_int64(reply, VMNET_BROKER_KEY_VMNET_STATUS,
		    failure->vmnet_status);
	}
}

static const char *source_name(enum backend_subnet_source source)
{
	static const char *const names[] = {
		[BACKEND_SUBNET_CONFIGURED] = "configured",
		[BACKEND_SUBNET_ASSIGNED] = "assigned",
		[BACKEND_SUBNET_ALTERNATIVE] = "alternative",
		[BACKEND_SUBNET_SYSTEM] = "system",
	};

	return names[source];
}

static void set_ipv6_prefix(xpc_object_t info, const struct backend_info *from)
{
	char address[INET6_ADDRSTRLEN];
	char text[INET6_ADDRSTRLEN + sizeof("/255")];

	if (from->ipv6_length == 0 ||
	    inet_ntop(AF_INET6, &from->ipv6_prefix, address, sizeof(address)) ==
		NULL) {
		return;
	}
	snprintf(text, sizeof(text), "%s/%u", address, from->ipv6_length);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_IPV6_PREFIX, text);
}

static void set_addresses(xpc_object_t info, const struct backend_info *from)
{
	char text[SUBNET_TEXT];

	subnet_format(&from->subnet, text);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_SUBNET, text);
	xpc_dictionary_set_string(
	    info, VMNET_BROKER_INFO_SUBNET_SOURCE, source_name(from->source));
	subnet_format_address(from->gateway, text);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_GATEWAY, text);
	subnet_format_address(subnet_mask(&from->subnet), text);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_MASK, text);
	set_ipv6_prefix(info, from);
	xpc_dictionary_set_uint64(info, VMNET_BROKER_INFO_MTU, from->mtu);
}

static void set_names(xpc_object_t info, const struct network *network)
{
	xpc_dictionary_set_string(
	    info, VMNET_BROKER_INFO_NAME, network->config->name);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_MODE,
	    config_mode_name(network->config->mode));
}

static void set_info(xpc_object_t info, const struct network *network)
{
	set_addresses(info, &network->info);
	xpc_dictionary_set_uint64(
	    info, VMNET_BROKER_INFO_GENERATION, network->generation);
}

void message_set_network(xpc_object_t reply, const struct network *network)
{
	xpc_object_t info = xpc_dictionary_create(NULL, NULL, 0);

	set_names(info, network);
	set_info(info, network);
	xpc_dictionary_set_value(reply, VMNET_BROKER_KEY_NETWORK,
	    backend_get_serialization(network->backend));
	xpc_dictionary_set_value(reply, VMNET_BROKER_KEY_INFO, info);
	xpc_release(info);
}

void message_append_network(xpc_object_t array, const struct network *network)
{
	xpc_object_t entry = xpc_dictionary_create(NULL, NULL, 0);

	set_names(entry, network);
	xpc_dictionary_set_string(entry, VMNET_BROKER_STATUS_STATE,
	    network_state_name(network->state));
	xpc_dictionary_set_uint64(
	    entry, VMNET_BROKER_STATUS_HOLDERS, network->hold_count);
	if (network->state == NETWORK_HELD ||
	    network->state == NETWORK_LINGERING) {
		set_info(entry, network);
	}
	xpc_array_append_value(array, entry);
	xpc_release(entry);
}
