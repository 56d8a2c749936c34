// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "message.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol.h"
#include "subnet.h"

#define PREFIX_TEXT (INET6_ADDRSTRLEN + sizeof("/255"))

/* Room for one difference. */
#define DIFFERENCE 192

void message_put(xpc_object_t into, const char *key, xpc_object_t value)
{
	xpc_dictionary_set_value(into, key, value);
	xpc_release(value);
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

/* "fd00::/64", or "none". */
static void format_prefix(
    const struct in6_addr *prefix, uint8_t length, char text[PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN];

	if (length == 0 ||
	    inet_ntop(AF_INET6, prefix, address, sizeof(address)) == NULL) {
		snprintf(text, PREFIX_TEXT, "none");
		return;
	}
	snprintf(text, PREFIX_TEXT, "%s/%u", address, length);
}

static void set_addresses(xpc_object_t info, const struct backend_info *from)
{
	char text[PREFIX_TEXT];

	subnet_format(&from->subnet, text);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_SUBNET, text);
	xpc_dictionary_set_string(
	    info, VMNET_BROKER_INFO_SUBNET_SOURCE, source_name(from->source));
	subnet_format_address(from->gateway, text);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_GATEWAY, text);
	subnet_format_address(subnet_mask(&from->subnet), text);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_MASK, text);
	if (from->ipv6_length != 0) {
		format_prefix(&from->ipv6_prefix, from->ipv6_length, text);
		xpc_dictionary_set_string(
		    info, VMNET_BROKER_INFO_IPV6_PREFIX, text);
	}
	xpc_dictionary_set_uint64(info, VMNET_BROKER_INFO_MTU, from->mtu);
}

/* macOS assigns all addresses except its own, which is the first one, and the
 * broadcast address. */
static void set_dhcp_range(xpc_object_t info, const struct network *network)
{
	const struct subnet *subnet = &network->info.subnet;
	uint32_t broadcast = subnet->address | ~subnet_mask(subnet);
	char first[ADDRESS_TEXT];
	char last[ADDRESS_TEXT];
	char text[ADDRESS_TEXT + ADDRESS_TEXT];

	if ((network->made->off & CONFIG_DHCP) != 0 || subnet->length > 30) {
		return;
	}
	subnet_format_address(subnet->address + 2, first);
	subnet_format_address(broadcast - 1, last);
	snprintf(text, sizeof(text), "%s-%s", first, last);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_DHCP_RANGE, text);
}

static void add_subnet_difference(
    xpc_object_t differs, const struct network *network)
{
	const struct subnet *configured = &network->made->subnet;
	const struct subnet *made = &network->info.subnet;
	char text[DIFFERENCE];
	char wanted[SUBNET_TEXT];
	char got[SUBNET_TEXT];

	if (!network->made->has_subnet ||
	    (configured->address == made->address &&
		configured->length == made->length)) {
		return;
	}
	subnet_format(configured, wanted);
	subnet_format(made, got);
	snprintf(text, sizeof(text),
	    network->info.source == BACKEND_SUBNET_CONFIGURED
		? "subnet %s is configured; macOS created %s"
		: "subnet %s is in use; using %s",
	    wanted, got);
	xpc_array_set_string(differs, XPC_ARRAY_APPEND, text);
}

static void add_prefix_difference(
    xpc_object_t differs, const struct network *network)
{
	const struct in6_addr *configured = &network->made->ipv6_prefix;
	const struct backend_info *info = &network->info;
	char text[DIFFERENCE];
	char wanted[PREFIX_TEXT];
	char got[PREFIX_TEXT];

	if (!network->made->has_ipv6_prefix ||
	    (info->ipv6_length == CONFIG_IPV6_LENGTH &&
		memcmp(configured, &info->ipv6_prefix, sizeof(*configured)) ==
		    0)) {
		return;
	}
	format_prefix(configured, CONFIG_IPV6_LENGTH, wanted);
	format_prefix(&info->ipv6_prefix, info->ipv6_length, got);
	snprintf(text, sizeof(text),
	    "ipv6_prefix %s is configured; macOS created %s", wanted, got);
	xpc_array_set_string(differs, XPC_ARRAY_APPEND, text);
}

static void set_differences(xpc_object_t info, const struct network *network)
{
	xpc_object_t differs = xpc_array_create(NULL, 0);

	add_subnet_difference(differs, network);
	add_prefix_difference(differs, network);
	if (registry_is_pending(network)) {
		xpc_array_set_string(differs, XPC_ARRAY_APPEND,
		    "networks.json has changed since the network was created; "
		    "the change applies when it is created again");
	}
	if (xpc_array_get_count(differs) > 0) {
		xpc_dictionary_set_value(
		    info, VMNET_BROKER_INFO_DIFFERS, differs);
	}
	xpc_release(differs);
}

static void set_names(xpc_object_t info, const struct network *network)
{
	const struct config_network *config = network->config;

	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_NAME, config->name);
	xpc_dictionary_set_string(info, VMNET_BROKER_INFO_MODE,
	    config_mode_name(
		(network->made != NULL ? network->made : config)->mode));
	if (config->description != NULL) {
		xpc_dictionary_set_string(
		    info, VMNET_BROKER_INFO_DESCRIPTION, config->description);
	}
}

static void set_info(xpc_object_t info, const struct network *network)
{
	set_addresses(info, &network->info);
	set_dhcp_range(info, network);
	set_differences(info, network);
	xpc_dictionary_set_uint64(
	    info, VMNET_BROKER_INFO_GENERATION, network->generation);
}

static void set_reservation(xpc_object_t info,
    const struct config_network *config, const uint8_t mac[6])
{
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < config->reservation_count; i++) {
		const struct config_reservation *reservation =
		    &config->reservations[i];

		if (memcmp(reservation->mac, mac, sizeof(reservation->mac)) ==
		    0) {
			subnet_format_address(reservation->address, text);
			xpc_dictionary_set_string(
			    info, VMNET_BROKER_INFO_RESERVATION, text);
			return;
		}
	}
}

void message_set_network(
    xpc_object_t reply, const struct network *network, const uint8_t mac[6])
{
	xpc_object_t info = xpc_dictionary_create(NULL, NULL, 0);

	set_names(info, network);
	set_info(info, network);
	set_reservation(info, network->made, mac);
	xpc_dictionary_set_value(reply, VMNET_BROKER_KEY_NETWORK,
	    backend_get_serialization(network->backend));
	message_put(reply, VMNET_BROKER_KEY_INFO, info);
}

static void set_state(xpc_object_t entry, const struct network *network)
{
	xpc_dictionary_set_string(entry, VMNET_BROKER_STATUS_STATE,
	    network_state_name(network->state));
	xpc_dictionary_set_uint64(
	    entry, VMNET_BROKER_STATUS_HOLDERS, network->hold_count);
	if (network->state == NETWORK_HELD ||
	    network->state == NETWORK_LINGERING) {
		set_info(entry, network);
	}
}

static void set_configured(xpc_object_t entry, const struct network *network)
{
	const struct config_network *config = network->config;
	char text[SUBNET_TEXT];

	if (config->has_subnet) {
		subnet_format(&config->subnet, text);
		xpc_dictionary_set_string(
		    entry, VMNET_BROKER_LIST_CONFIGURED_SUBNET, text);
	}
	xpc_dictionary_set_bool(
	    entry, VMNET_BROKER_LIST_PERSISTENT, config->persistent != 0);
	xpc_dictionary_set_bool(
	    entry, VMNET_BROKER_LIST_PENDING, registry_is_pending(network));
	if (network->problem != NULL) {
		xpc_dictionary_set_string(entry, VMNET_BROKER_KEY_ERROR_MESSAGE,
		    network->problem + network->config_of->name_offset);
	}
	if (config->problem != NULL && network->state == NETWORK_INACTIVE) {
		xpc_dictionary_set_string(
		    entry, VMNET_BROKER_STATUS_STATE, "broken");
		xpc_dictionary_set_value(entry, VMNET_BROKER_INFO_MODE, NULL);
	}
}

void message_append_network(
    xpc_object_t array, const struct network *network, bool configured)
{
	xpc_object_t entry = xpc_dictionary_create(NULL, NULL, 0);

	set_names(entry, network);
	set_state(entry, network);
	if (configured) {
		set_configured(entry, network);
	}
	xpc_array_append_value(array, entry);
	xpc_release(entry);
}
