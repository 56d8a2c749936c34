// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * acquire: hold a network by name.
 *
 * The smallest whole client of vmnet-broker. It asks the broker for a network,
 * turns the answer into a vmnet_network_ref, prints what the network is, and
 * holds it until it is interrupted. A VM launcher does the same, and hands the
 * vmnet_network_ref to its VM where this program prints it.
 *
 * What to learn here:
 *
 * - vmnet_broker_acquire_network() gives a serialization, an XPC object. It
 *   passes from the broker to vmnet untouched.
 * - vmnet_network_create_with_serialization() makes it a network of this
 *   process. That asks nobody and holds nothing: what holds the network is the
 *   connection to the broker, which the SDK keeps for the life of the process.
 * - So there is nothing to give back. When the process ends, however it ends,
 *   the broker sees it and lets go of the network for it.
 * - vmnet_network_get_ipv4_subnet() tells the host's own address in the
 *   network, not the first address of the subnet: mask it.
 *
 * Build it on macOS 26, and sign it so that vmnet lets it in:
 *
 *	cc -o acquire acquire.c ../client/vmnet-broker.c -I../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - \
 *		--entitlements ../broker/vmnet-broker.entitlements acquire
 *
 * Run it, in a second terminal too, and stop both:
 *
 *	$ acquire default
 *	name     default
 *	subnet   192.168.115.0/24
 *	gateway  192.168.115.1
 *	mask     255.255.255.0
 *	ipv6     fd9c:4e7b:2a10:5d3f::/64
 *	holding default until interrupted
 *	^C
 */

#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

/* One reference for the caller, or an explanation and the end. */
static vmnet_network_ref acquire(const char *name)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	xpc_object_t serialization =
	    vmnet_broker_acquire_network(name, &status);
	if (serialization == NULL) {
		fprintf(stderr, "acquire: %s: %s\n", name,
		    vmnet_broker_last_reason());
		exit(EXIT_FAILURE);
	}

	vmnet_return_t vmnet_status = VMNET_SUCCESS;
	vmnet_network_ref network = vmnet_network_create_with_serialization(
	    serialization, &vmnet_status);
	xpc_release(serialization);
	if (network == NULL) {
		fprintf(stderr, "acquire: %s: vmnet status %u\n", name,
		    (unsigned)vmnet_status);
		exit(EXIT_FAILURE);
	}
	return network;
}

static unsigned prefix_length(struct in_addr mask)
{
	unsigned length = 0;

	for (uint32_t bits = ntohl(mask.s_addr); bits != 0; bits <<= 1) {
		length++;
	}
	return length;
}

static void print_network(const char *name, vmnet_network_ref network)
{
	struct in_addr gateway = { 0 };
	struct in_addr mask = { 0 };
	struct in6_addr prefix = { 0 };
	uint8_t prefix_len = 0;
	char text[INET6_ADDRSTRLEN] = "";

	vmnet_network_get_ipv4_subnet(network, &gateway, &mask);
	vmnet_network_get_ipv6_prefix(network, &prefix, &prefix_len);
	struct in_addr subnet = { .s_addr = gateway.s_addr & mask.s_addr };

	printf("name     %s\n", name);
	inet_ntop(AF_INET, &subnet, text, sizeof(text));
	printf("subnet   %s/%u\n", text, prefix_length(mask));
	inet_ntop(AF_INET, &gateway, text, sizeof(text));
	printf("gateway  %s\n", text);
	inet_ntop(AF_INET, &mask, text, sizeof(text));
	printf("mask     %s\n", text);
	inet_ntop(AF_INET6, &prefix, text, sizeof(text));
	printf("ipv6     %s/%u\n", text, prefix_len);
}

/* A source sees the signal only when it does nothing else, hence SIG_IGN. */
static void exit_on(int number, vmnet_network_ref network)
{
	signal(number, SIG_IGN);
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
		(uintptr_t)number, 0, dispatch_get_main_queue());
	dispatch_source_set_event_handler(source, ^{
		CFRelease(network);
		exit(EXIT_SUCCESS);
	});
	dispatch_activate(source);
}

int main(int argc, char *argv[])
{
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: acquire NETWORK\n");
		return EXIT_FAILURE;
	}

	/* Line by line, also when a script reads it. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	vmnet_network_ref network = acquire(argv[1]);
	exit_on(SIGINT, network);
	exit_on(SIGTERM, network);
	print_network(argv[1], network);
	printf("holding %s until interrupted\n", argv[1]);
	dispatch_main();
}
