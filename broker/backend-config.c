// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet checks nothing here: if a setter succeeds, it has only stored the
 * value.
 */

#include "backend-config.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	unsigned int bit;
	void (*disable)(vmnet_network_configuration_ref config);
} switches[] = {
	{ CONFIG_NAT44, vmnet_network_configuration_disable_nat44 },
	{ CONFIG_NAT66, vmnet_network_configuration_disable_nat66 },
	{ CONFIG_DHCP, vmnet_network_configuration_disable_dhcp },
	{ CONFIG_DNS_PROXY, vmnet_network_configuration_disable_dns_proxy },
	{ CONFIG_ROUTER_ADVERTISEMENT,
	    vmnet_network_configuration_disable_router_advertisement },
};

static vmnet_return_t add_reservation(vmnet_network_configuration_ref config,
    const struct config_reservation *reservation)
{
	struct in_addr address = { .s_addr = htonl(reservation->address) };
	ether_addr_t mac;

	memcpy(&mac, reservation->mac, sizeof(mac));
	return vmnet_network_configuration_add_dhcp_reservation(
	    config, &mac, &address);
}

/* The internal port comes first, whatever vmnet's header says. */
static vmnet_return_t add_rule(
    vmnet_network_configuration_ref config, const struct config_rule *rule)
{
	struct in_addr address = { .s_addr = htonl(rule->internal_address) };

	return vmnet_network_configuration_add_port_forwarding_rule(config,
	    rule->protocol == CONFIG_TCP ? IPPROTO_TCP : IPPROTO_UDP, AF_INET,
	    (uint16_t)rule->internal_port, (uint16_t)rule->external_port,
	    &address);
}

static vmnet_return_t apply_lists(vmnet_network_configuration_ref config,
    const struct config_network *network, const char **function)
{
	vmnet_return_t status = VMNET_SUCCESS;

	*function = "vmnet_network_configuration_add_dhcp_reservation";
	for (size_t i = 0;
	     i < network->reservation_count && status == VMNET_SUCCESS; i++) {
		status = add_reservation(config, &network->reservations[i]);
	}
	if (status != VMNET_SUCCESS) {
		return status;
	}
	*function = "vmnet_network_configuration_add_port_forwarding_rule";
	for (size_t i = 0; i < network->rule_count && status == VMNET_SUCCESS;
	     i++) {
		status = add_rule(config, &network->rules[i]);
	}
	return status;
}

vmnet_return_t backend_config_apply(vmnet_network_configuration_ref config,
    const struct config_network *network, const char **function)
{
	vmnet_return_t status = VMNET_SUCCESS;

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if ((network->off & switches[i].bit) != 0) {
			switches[i].disable(config);
		}
	}
	if (network->external_interface[0] != '\0') {
		*function =
		    "vmnet_network_configuration_set_external_interface";
		status = vmnet_network_configuration_set_external_interface(
		    config, network->external_interface);
	}
	if (status == VMNET_SUCCESS && network->has_ipv6_prefix) {
		*function = "vmnet_network_configuration_set_ipv6_prefix";
		status = vmnet_network_configuration_set_ipv6_prefix(
		    config, &network->ipv6_prefix, CONFIG_IPV6_LENGTH);
	}
	if (status == VMNET_SUCCESS && network->mtu != 0) {
		*function = "vmnet_network_configuration_set_mtu";
		status =
		    vmnet_network_configuration_set_mtu(config, network->mtu);
	}
	return status != VMNET_SUCCESS ? status
				       : apply_lists(config, network, function);
}
