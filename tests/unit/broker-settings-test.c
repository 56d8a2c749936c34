// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * What networks.json says of a network reaches vmnet.
 */

#include <stdio.h>

#include <standin.h>

#include "broker-service-fixture.h"

/* A network with every setting. */
static struct config_network set_everything(struct config_network network)
{
	static struct config_reservation reservations[] = {
		{ .mac = { 0x52, 0x54, 0, 0, 0, 1 }, .address = 0xc0a86502 },
		{ .mac = { 0x52, 0x54, 0, 0, 0, 2 }, .address = 0xc0a86503 },
	};
	static struct config_rule rules[] = {
		{ CONFIG_TCP, 8080, 0xc0a86502, 80 },
		{ CONFIG_UDP, 5353, 0xc0a86503, 53 },
	};

	network.off = CONFIG_NAT44 | CONFIG_NAT66 | CONFIG_DHCP |
	    CONFIG_DNS_PROXY | CONFIG_ROUTER_ADVERTISEMENT;
	network.has_ipv6_prefix = true;
	network.ipv6_prefix.s6_addr[0] = 0xfd;
	network.mtu = 1400;
	snprintf(network.external_interface, CONFIG_INTERFACE, "en1");
	network.reservations = reservations;
	network.reservation_count = 2;
	network.rules = rules;
	network.rule_count = 2;
	return network;
}

/* Goal: what networks.json says reaches vmnet, and what vmnet refuses of it is
 * named. */
static void the_options_in_the_file_reach_vmnet_and_a_refusal_is_named(
    void **unused)
{
	static const char *const setters[] = {
		"vmnet_network_configuration_set_external_interface",
		"vmnet_network_configuration_set_ipv6_prefix",
		"vmnet_network_configuration_set_mtu",
		"vmnet_network_configuration_add_dhcp_reservation",
		"vmnet_network_configuration_add_port_forwarding_rule",
	};
	struct config_network before = *config_find(&fixture.config, "far");
	struct client client;
	char text[512];

	(void)unused;
	acquire_and_release("far");
	fake_vmnet_take_settings(text, sizeof(text));
	assert_string_equal(text, "");
	set_network("far", set_everything(before));
	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
		char plan[80];

		snprintf(plan, sizeof(plan), "%s:1=1003", setters[i]);
		standin_fail(plan);
		connect_client(&client);
		assert_acquire(&client, "far", FAILURE_CREATE);
		wait_log(setters[i]);
		close_client(&client);
		standin_fail(NULL);
	}
	fake_vmnet_take_settings(text, sizeof(text));
	connect_client(&client);
	assert_acquire(&client, "far", 0);
	fake_vmnet_take_settings(text, sizeof(text));
	assert_string_equal(text,
	    "no nat44\nno nat66\nno dhcp\nno dns_proxy\n"
	    "no router_advertisement\nexternal en1\nprefix fd00::/64\n"
	    "mtu 1400\nreserve 52:54:0:0:0:1 192.168.101.2\n"
	    "reserve 52:54:0:0:0:2 192.168.101.3\n"
	    "rule 6 8080 192.168.101.2:80\nrule 17 5353 192.168.101.3:53\n");
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
	set_network("far", before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(
		    the_options_in_the_file_reach_vmnet_and_a_refusal_is_named),
	};

	return RUN(tests);
}
