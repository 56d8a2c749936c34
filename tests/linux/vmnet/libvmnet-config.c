// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Network configurations: values are stored here and checked by vmnetd.
 */

#include "libvmnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void config_finalize(void *object)
{
	struct vmnet_network_configuration *config = object;

	pthread_mutex_destroy(&config->lock);
	free(config->reservations);
	free(config->rules);
}

static const struct cf_class config_class = {
	.name = "vmnet-configuration",
	.finalize = config_finalize,
};

vmnet_network_configuration_ref vmnet_network_configuration_create(
    vmnet_mode_t mode, vmnet_return_t *status)
{
	struct vmnet_network_configuration *config = NULL;
	vmnet_return_t result = fault(__func__);

	if (result == VMNET_SUCCESS && mode != VMNET_HOST_MODE &&
	    mode != VMNET_SHARED_MODE) {
		result = VMNET_INVALID_ARGUMENT;
	}
	if (result == VMNET_SUCCESS) {
		config = cf_object_create(&config_class, sizeof(*config));
		if (config == NULL) {
			result = VMNET_MEM_FAILURE;
		} else {
			pthread_mutex_init(&config->lock, NULL);
			config->network.mode = mode;
		}
	}
	status_set(status, result);
	return config;
}

static void config_lock(
    vmnet_network_configuration_ref config, const char *caller)
{
	cf_object_check(config, &config_class, caller);
	pthread_mutex_lock(&config->lock);
}

static void flag_set(
    vmnet_network_configuration_ref config, uint32_t flag, const char *caller)
{
	/* There is no status to return: it can only hang. */
	(void)fault(caller);
	config_lock(config, caller);
	config->network.flags |= flag;
	pthread_mutex_unlock(&config->lock);
}

void vmnet_network_configuration_disable_nat44(
    vmnet_network_configuration_ref config)
{
	flag_set(config, WIRE_NO_NAT44, __func__);
}

void vmnet_network_configuration_disable_nat66(
    vmnet_network_configuration_ref config)
{
	flag_set(config, WIRE_NO_NAT66, __func__);
}

void vmnet_network_configuration_disable_dhcp(
    vmnet_network_configuration_ref config)
{
	flag_set(config, WIRE_NO_DHCP, __func__);
}

void vmnet_network_configuration_disable_dns_proxy(
    vmnet_network_configuration_ref config)
{
	flag_set(config, WIRE_NO_DNS, __func__);
}

void vmnet_network_configuration_disable_router_advertisement(
    vmnet_network_configuration_ref config)
{
	flag_set(config, WIRE_NO_RA, __func__);
}

vmnet_return_t vmnet_network_configuration_set_external_interface(
    vmnet_network_configuration_ref config, const char *interface_name)
{
	vmnet_return_t status = fault(__func__);

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if (interface_name == NULL || interface_name[0] == '\0' ||
	    strlen(interface_name) >= sizeof(config->network.external)) {
		return VMNET_INVALID_ARGUMENT;
	}
	config_lock(config, __func__);
	snprintf(config->network.external, sizeof(config->network.external),
	    "%s", interface_name);
	pthread_mutex_unlock(&config->lock);
	return VMNET_SUCCESS;
}

vmnet_return_t vmnet_network_configuration_set_ipv4_subnet(
    vmnet_network_configuration_ref config, const struct in_addr *subnet_addr,
    const struct in_addr *subnet_mask)
{
	vmnet_return_t status = fault(__func__);

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if (subnet_addr == NULL || subnet_mask == NULL) {
		return VMNET_INVALID_ARGUMENT;
	}
	config_lock(config, __func__);
	config->network.flags |= WIRE_HAS_SUBNET;
	config->network.address = *subnet_addr;
	config->network.mask = *subnet_mask;
	pthread_mutex_unlock(&config->lock);
	return VMNET_SUCCESS;
}

vmnet_return_t vmnet_network_configuration_set_ipv6_prefix(
    vmnet_network_configuration_ref config, const struct in6_addr *prefix,
    uint8_t len)
{
	vmnet_return_t status = fault(__func__);

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if (prefix == NULL) {
		return VMNET_INVALID_ARGUMENT;
	}
	config_lock(config, __func__);
	config->network.flags |= WIRE_HAS_PREFIX;
	config->network.prefix = *prefix;
	config->network.prefix_length = len;
	pthread_mutex_unlock(&config->lock);
	return VMNET_SUCCESS;
}

vmnet_return_t vmnet_network_configuration_set_mtu(
    vmnet_network_configuration_ref config, uint32_t mtu)
{
	vmnet_return_t status = fault(__func__);

	if (status != VMNET_SUCCESS) {
		return status;
	}
	config_lock(config, __func__);
	config->network.flags |= WIRE_HAS_MTU;
	config->network.mtu = mtu;
	pthread_mutex_unlock(&config->lock);
	return VMNET_SUCCESS;
}

/* Room for one more item, set to zero; NULL: out of memory. */
static void *grow(void *items, uint32_t count, size_t size)
{
	char *grown;

	if (count >= WIRE_ITEMS_MAX) {
		return NULL;
	}
	grown = reallocarray(items, count + 1, size);
	if (grown != NULL) {
		memset(grown + count * size, 0, size);
	}
	return grown;
}

vmnet_return_t vmnet_network_configuration_add_port_forwarding_rule(
    vmnet_network_configuration_ref config, uint8_t protocol,
    sa_family_t address_family, uint16_t internal_port, uint16_t external_port,
    const void *internal_address)
{
	vmnet_return_t status = fault(__func__);
	struct wire_rule *rule;

	if (status != VMNET_SUCCESS) {
		return status;
	}
	/* Without a family the length of the address is unknown. */
	if (internal_address == NULL ||
	    (address_family != AF_INET && address_family != AF_INET6)) {
		return VMNET_INVALID_ARGUMENT;
	}
	config_lock(config, __func__);
	rule = grow(config->rules, config->rule_count, sizeof(*rule));
	if (rule == NULL) {
		status = VMNET_MEM_FAILURE;
	} else {
		config->rules = rule;
		rule += config->rule_count++;
		rule->protocol = protocol;
		rule->family = (uint8_t)address_family;
		rule->internal_port = internal_port;
		rule->external_port = external_port;
		memcpy(&rule->address, internal_address,
		    address_family == AF_INET ? sizeof(struct in_addr)
					      : sizeof(struct in6_addr));
	}
	pthread_mutex_unlock(&config->lock);
	return status;
}

vmnet_return_t vmnet_network_configuration_add_dhcp_reservation(
    vmnet_network_configuration_ref config, const ether_addr_t *client,
    const struct in_addr *reservation)
{
	vmnet_return_t status = fault(__func__);
	struct wire_reservation *item;

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if (client == NULL || reservation == NULL) {
		return VMNET_INVALID_ARGUMENT;
	}
	config_lock(config, __func__);
	item = grow(
	    config->reservations, config->reservation_count, sizeof(*item));
	if (item == NULL) {
		status = VMNET_MEM_FAILURE;
	} else {
		config->reservations = item;
		item += config->reservation_count++;
		memcpy(item->mac, client->octet, sizeof(item->mac));
		item->address = *reservation;
	}
	pthread_mutex_unlock(&config->lock);
	return status;
}

struct wire_create *config_copy_request(
    vmnet_network_configuration_ref config, size_t *size)
{
	struct wire_create *request;
	size_t reservations, rules;

	config_lock(config, "vmnet_network_create");
	reservations =
	    config->reservation_count * sizeof(*config->reservations);
	rules = config->rule_count * sizeof(*config->rules);
	*size = sizeof(*request) + reservations + rules;
	request = calloc(1, *size);
	if (request != NULL) {
		request->header.type = WIRE_CREATE;
		request->network = config->network;
		executable_identify(request->network.executable);
		request->reservations = config->reservation_count;
		request->rules = config->rule_count;
		if (reservations > 0) {
			memcpy(request + 1, config->reservations, reservations);
		}
		if (rules > 0) {
			memcpy((char *)(request + 1) + reservations,
			    config->rules, rules);
		}
	}
	pthread_mutex_unlock(&config->lock);
	return request;
}
