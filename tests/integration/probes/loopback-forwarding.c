// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>

#define GUEST_PORT 80

/* A TCP segment to the guest's port? (Ethernet and IP have 14 and 20 bytes.) */
static bool is_wanted(const uint8_t *frame, size_t size)
{
	return size >= 54 && frame[12] == 0x08 && frame[13] == 0x00 &&
	    frame[23] == IPPROTO_TCP && frame[36] == 0 &&
	    frame[37] == GUEST_PORT;
}

static void connect_to(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (connect(socket(AF_INET, SOCK_STREAM, 0),
		(struct sockaddr *)&address, sizeof(address)) != 0) {
		does_not_hold("127.0.0.1: %s", strerror(errno));
	}
}

static void run(void)
{
	int host_port = 20000 + getpid() % 20000;
	vmnet_network_configuration_ref config =
	    configure(VMNET_SHARED_MODE, subnet_address(1), 24);
	struct port port = { 0 };
	struct in_addr address;

	inet_pton(AF_INET, subnet_address(50), &address);
	vmnet_network_configuration_add_port_forwarding_rule(config,
	    IPPROTO_TCP, AF_INET, GUEST_PORT, (uint16_t)host_port, &address);
	if (port_start(&port, create(config)) != VMNET_SUCCESS) {
		cannot_tell("no interface");
	}
	dispatch_async(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		connect_to(host_port);
	});
	if (!guest_wait(&port, address, ^bool(const uint8_t *f, size_t size) {
		    return is_wanted(f, size);
	    })) {
		does_not_hold("no connection reaches the guest");
	}
	holds("a connection to 127.0.0.1 reaches the guest");
}

const struct probe probe = {
	.assumes = "a forwarded port also answers on the Mac's own 127.0.0.1 "
		   "(macOS 27; not macOS 26)",
	.if_holds = "programs on the Mac may use 127.0.0.1 and the port",
	.if_not = "use the guest's address on the Mac itself; other machines "
		  "reach the port",
	.run = run,
};
