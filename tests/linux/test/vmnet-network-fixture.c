// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "vmnet-network-fixture.h"

int fixture_setup(void **state)
{
	(void)state;
	fixture_start(NULL);
	return 0;
}

int fixture_teardown(void **state)
{
	(void)state;
	fixture_stop();
	return 0;
}

vmnet_network_ref network_expect(
    vmnet_mode_t mode, const char *subnet, const char *want)
{
	vmnet_return_t status = 0;
	vmnet_network_ref network = fixture_network(mode, subnet, &status);

	CHECK_INT(status, VMNET_SUCCESS);
	CHECK_TRUE(network != NULL);
	CHECK_STRING(fixture_subnet(network), want);
	return network;
}

void network_expect_refused(
    vmnet_mode_t mode, const char *subnet, vmnet_return_t want)
{
	vmnet_return_t status = 0;
	vmnet_network_ref network = fixture_network(mode, subnet, &status);

	CHECK_INT(status, want);
	CHECK_TRUE(network == NULL);
}

vmnet_network_configuration_ref config_shared(void)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_SHARED_MODE, NULL);

	CHECK_TRUE(config != NULL);
	return config;
}

vmnet_network_ref network_full(void)
{
	vmnet_network_configuration_ref config = config_shared();
	ether_addr_t mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	struct in_addr host = { inet_addr("10.9.8.1") };
	struct in_addr mask = { inet_addr("255.255.255.0") };
	struct in_addr guest = { inet_addr("10.9.8.5") };
	vmnet_network_ref network;

	vmnet_network_configuration_set_ipv4_subnet(config, &host, &mask);
	vmnet_network_configuration_add_dhcp_reservation(config, &mac, &guest);
	vmnet_network_configuration_add_port_forwarding_rule(
	    config, IPPROTO_TCP, AF_INET, 80, 8080, &guest);
	network = vmnet_network_create(config, NULL);
	CHECK_TRUE(network != NULL);
	CFRelease(config);
	return network;
}
