// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-vmnet.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker-vmnet-object.h"

static atomic_int configurations;

int fake_vmnet_configurations(void)
{
	return configurations;
}

vmnet_network_configuration_ref vmnet_network_configuration_create(
    vmnet_mode_t mode, vmnet_return_t *status)
{
	if (fake_fault(__func__, status)) {
		return NULL;
	}
	assert(mode == VMNET_SHARED_MODE || mode == VMNET_HOST_MODE);
	return fake_object_create(sizeof(struct vmnet_network_configuration),
	    CONFIGURATION, &configurations);
}

vmnet_return_t vmnet_network_configuration_set_ipv4_subnet(
    vmnet_network_configuration_ref config, const struct in_addr *address,
    const struct in_addr *mask)
{
	uint32_t subnet = ntohl(address->s_addr & mask->s_addr);
	vmnet_return_t status = VMNET_SUCCESS;

	if (fake_fault(__func__, &status)) {
		return status;
	}
	assert(config->object.kind == CONFIGURATION);
	config->gateway = ntohl(address->s_addr);
	assert(config->gateway == subnet + 1);
	fake_vmnet.asked = subnet;
	return VMNET_SUCCESS;
}

/*
 * The other settings: which were asked for, one after the other.
 */

static pthread_mutex_t settings_lock = PTHREAD_MUTEX_INITIALIZER;
static char settings[512];

void fake_vmnet_take_settings(char *text, size_t size)
{
	pthread_mutex_lock(&settings_lock);
	snprintf(text, size, "%s", settings);
	settings[0] = '\0';
	pthread_mutex_unlock(&settings_lock);
}

static vmnet_return_t set(vmnet_network_configuration_ref config,
    const char *function, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static vmnet_return_t set(vmnet_network_configuration_ref config,
    const char *function, const char *format, ...)
{
	vmnet_return_t status = VMNET_SUCCESS;
	size_t used = 0;
	va_list args;

	assert(config->object.kind == CONFIGURATION);
	if (fake_fault(function, &status)) {
		return status;
	}
	pthread_mutex_lock(&settings_lock);
	used = strlen(settings);
	va_start(args, format);
	vsnprintf(settings + used, sizeof(settings) - used, format, args);
	va_end(args);
	pthread_mutex_unlock(&settings_lock);
	return VMNET_SUCCESS;
}

void vmnet_network_configuration_disable_nat44(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no nat44\n");
}

void vmnet_network_configuration_disable_nat66(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no nat66\n");
}

void vmnet_network_configuration_disable_dhcp(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no dhcp\n");
}

void vmnet_network_configuration_disable_dns_proxy(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no dns_proxy\n");
}

void vmnet_network_configuration_disable_router_advertisement(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no router_advertisement\n");
}

vmnet_return_t vmnet_network_configuration_set_external_interface(
    vmnet_network_configuration_ref config, const char *name)
{
	return set(config, __func__, "external %s\n", name);
}

vmnet_return_t vmnet_network_configuration_set_ipv6_prefix(
    vmnet_network_configuration_ref config, const struct in6_addr *prefix,
    uint8_t length)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, prefix, text, sizeof(text));
	return set(config, __func__, "prefix %s/%u\n", text, length);
}

vmnet_return_t vmnet_network_configuration_set_mtu(
    vmnet_network_configuration_ref config, uint32_t mtu)
{
	return set(config, __func__, "mtu %u\n", mtu);
}

vmnet_return_t vmnet_network_configuration_add_port_forwarding_rule(
    vmnet_network_configuration_ref config, uint8_t protocol,
    sa_family_t family, uint16_t internal_port, uint16_t external_port,
    const void *address)
{
	char text[INET_ADDRSTRLEN];

	assert(family == AF_INET);
	inet_ntop(AF_INET, address, text, sizeof(text));
	return set(config, __func__, "rule %u %u %s:%u\n", protocol,
	    external_port, text, internal_port);
}

vmnet_return_t vmnet_network_configuration_add_dhcp_reservation(
    vmnet_network_configuration_ref config, const ether_addr_t *client,
    const struct in_addr *address)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, address, text, sizeof(text));
	return set(
	    config, __func__, "reserve %s %s\n", ether_ntoa(client), text);
}
