// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "options.h"

#include <err.h>
#include <getopt.h>

#include "vmnet-fixture.h"

struct guest_options options;

static void parse_no(const char *feature)
{
	if (strcmp(feature, "nat44") == 0) {
		vmnet_network_configuration_disable_nat44(options.config);
	} else if (strcmp(feature, "nat66") == 0) {
		vmnet_network_configuration_disable_nat66(options.config);
	} else if (strcmp(feature, "dhcp") == 0) {
		vmnet_network_configuration_disable_dhcp(options.config);
	} else if (strcmp(feature, "dns") == 0) {
		vmnet_network_configuration_disable_dns_proxy(options.config);
	} else if (strcmp(feature, "ra") == 0) {
		vmnet_network_configuration_disable_router_advertisement(
		    options.config);
	} else {
		errx(2, "no such feature: %s", feature);
	}
}

void parse_mac(const char *text, uint8_t *mac)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
		&mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
		errx(2, "not a MAC: %s", text);
	}
}

static void parse_reserve(const char *text)
{
	const char *address = strchr(text, '=');
	ether_addr_t mac;
	struct in_addr ip;

	parse_mac(text, mac.octet);
	if (address == NULL || inet_pton(AF_INET, address + 1, &ip) != 1) {
		errx(2, "not a reservation: %s", text);
	}
	CHECK_INT(vmnet_network_configuration_add_dhcp_reservation(
		      options.config, &mac, &ip),
	    VMNET_SUCCESS);
}

static void parse_forward(const char *text)
{
	char protocol[8], address[64];
	unsigned external, internal;
	struct in_addr ip;

	if (sscanf(text, "%7[^:]:%u:%63[^:]:%u", protocol, &external, address,
		&internal) != 4 ||
	    inet_pton(AF_INET, address, &ip) != 1) {
		errx(2, "not a rule: %s", text);
	}
	CHECK_INT(
	    vmnet_network_configuration_add_port_forwarding_rule(options.config,
		strcmp(protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP,
		AF_INET, (uint16_t)internal, (uint16_t)external, &ip),
	    VMNET_SUCCESS);
}

static void parse_subnet(const char *text)
{
	char address[32];
	struct in_addr host, mask;
	int length;

	if (sscanf(text, "%31[^/]/%d", address, &length) != 2 || length < 1 ||
	    inet_pton(AF_INET, address, &host) != 1) {
		errx(2, "not a subnet: %s", text);
	}
	mask.s_addr = htonl(~0u << (32 - length));
	CHECK_INT(vmnet_network_configuration_set_ipv4_subnet(
		      options.config, &host, &mask),
	    VMNET_SUCCESS);
}

void options_parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "subnet", required_argument, NULL, 's' },
		{ "no", required_argument, NULL, 'n' },
		{ "reserve", required_argument, NULL, 'r' },
		{ "forward", required_argument, NULL, 'f' },
		{ "export", required_argument, NULL, 'e' },
		{ "import", required_argument, NULL, 'i' },
		{ "network", required_argument, NULL, 'N' },
		{ "mac", required_argument, NULL, 'M' },
		{ "address", required_argument, NULL, 'a' },
		{ 0 },
	};
	vmnet_mode_t mode = VMNET_SHARED_MODE;
	int option;

	/* The mode comes first: a configuration is created with its mode. */
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'm' && strcmp(optarg, "host") == 0) {
			mode = VMNET_HOST_MODE;
		} else if (option == '?') {
			exit(2);
		}
	}
	options.config = vmnet_network_configuration_create(mode, NULL);
	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			parse_subnet(optarg);
			break;
		case 'n':
			parse_no(optarg);
			break;
		case 'r':
			parse_reserve(optarg);
			break;
		case 'f':
			parse_forward(optarg);
			break;
		case 'e':
			options.export = optarg;
			break;
		case 'i':
			options.import = optarg;
			break;
		case 'N':
			options.network = optarg;
			break;
		case 'M':
			options.mac = optarg;
			break;
		case 'a':
			options.address = optarg;
			break;
		}
	}
}
