// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: guest [OPTION]...
 *
 * A guest whose network stack is the kernel's, in a network namespace of its
 * own: whatever runs there (nsenter -t PID -n ping ...) is on the other end of
 * a vmnet interface. It creates a network, or uses one that another guest
 * exported or one of the broker, gets an address by DHCP, and prints
 *
 *	ready ADDRESS ROUTER        when frames pass
 *	address6 ADDRESS            when it has one by router advertisement
 *	stopped                     after SIGTERM, when all is released
 *
 *   --mode MODE                  shared (default) or host
 *   --subnet ADDRESS/LENGTH      default: the system chooses
 *   --no FEATURE                 nat44, nat66, dhcp, dns, ra
 *   --reserve MAC=ADDRESS        a DHCP reservation
 *   --forward PROTOCOL:EXTERNAL:ADDRESS:INTERNAL
 *   --export FILE, --import FILE a network's serialization
 *   --network NAME               the broker's network of this name
 *   --mac MAC                    default: vmnet chooses
 *   --address ADDRESS/LENGTH     no DHCP; uses the gateway of the network
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmnet-fixture.h"
#include "vmnet-broker.h"
#include "vmnet-guest.h"
#include "guest/options.h"
#include "../../linux/vmnet/vmnet-standin.h"

#define SERIALIZATION "networkSerialization"
#define SERIALIZATION_SIZE 120

static vmnet_network_ref network_import(const char *path)
{
	uint8_t bytes[SERIALIZATION_SIZE];
	FILE *file = fopen(path, "r");
	xpc_object_t object = xpc_dictionary_create(NULL, NULL, 0);
	vmnet_network_ref network;

	if (file == NULL || fread(bytes, sizeof(bytes), 1, file) != 1) {
		err(1, "%s", path);
	}
	fclose(file);
	xpc_dictionary_set_data(object, SERIALIZATION, bytes, sizeof(bytes));
	network = vmnet_network_create_with_serialization(object, NULL);
	xpc_release(object);
	return network;
}

/* Held until the process ends. */
static vmnet_network_ref network_acquire(const char *name)
{
	xpc_object_t object = vmnet_broker_acquire_network(name, NULL);
	vmnet_network_ref network;

	if (object == NULL) {
		errx(1, "%s: %s", name, vmnet_broker_last_reason());
	}
	network = vmnet_network_create_with_serialization(object, NULL);
	xpc_release(object);
	return network;
}

static void network_export(vmnet_network_ref network, const char *path)
{
	xpc_object_t object = vmnet_network_copy_serialization(network, NULL);
	size_t size;
	const void *bytes =
	    xpc_dictionary_get_data(object, SERIALIZATION, &size);
	FILE *file = fopen(path, "w");

	if (file == NULL || fwrite(bytes, size, 1, file) != 1 ||
	    fclose(file) != 0) {
		err(1, "%s", path);
	}
	xpc_release(object);
}

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
	char command[512];
	va_list list;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	if (system(command) != 0) {
		errx(1, "failed: %s", command);
	}
}

/* Creates the kernel's end, in the namespace that we have entered. */
static int tap_create(const uint8_t *mac)
{
	struct ifreq request = { .ifr_name = "eth0" };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	request.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
		err(1, "/dev/net/tun");
	}
	/* Ask for a router at once, and do not wait for duplicates. */
	shell("cd /proc/sys/net/ipv6/conf/eth0 && echo 0 >accept_dad && "
	      "echo 0 >router_solicitation_delay && "
	      "ip link set lo up && "
	      "ip link set eth0 address %02x:%02x:%02x:%02x:%02x:%02x up",
	    mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return fd;
}

static void configure(struct guest *guest, vmnet_network_ref network)
{
	char router[INET_ADDRSTRLEN] = "none";
	struct in_addr mask;

	if (options.address != NULL) {
		vmnet_network_get_ipv4_subnet(network, &guest->router, &mask);
		shell("ip addr add %s dev eth0", options.address);
	} else {
		shell("ip addr add %s/%d dev eth0", inet_ntoa(guest->address),
		    __builtin_popcount(guest->mask.s_addr));
	}
	if (guest->router.s_addr != 0) {
		inet_ntop(AF_INET, &guest->router, router, sizeof(router));
		shell("ip route add default via %s", router);
	}
	printf("ready %s %s\n",
	    options.address != NULL ? options.address
				    : inet_ntoa(guest->address),
	    router);
	fflush(stdout);
}

/* New addresses of this namespace. */
static int netlink_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		err(1, "netlink");
	}
	return fd;
}

static void netlink_read(int fd)
{
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} message;
	ssize_t size = recv(fd, &message, sizeof(message), 0);
	const struct ifaddrmsg *change = NLMSG_DATA(&message.header);
	struct rtattr *attribute = IFA_RTA(change);
	int left = (int)IFA_PAYLOAD(&message.header);
	char text[INET6_ADDRSTRLEN];

	if (size <= 0 || message.header.nlmsg_type != RTM_NEWADDR ||
	    change->ifa_scope != RT_SCOPE_UNIVERSE ||
	    change->ifa_flags & IFA_F_TENTATIVE) {
		return;
	}
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == IFA_ADDRESS) {
			inet_ntop(
			    AF_INET6, RTA_DATA(attribute), text, sizeof(text));
			printf("address6 %s\n", text);
			fflush(stdout);
		}
	}
}

static int signal_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void relay_in(struct guest *guest, int tap)
{
	uint8_t frame[2048];
	size_t size;

	while ((size = guest_poll(guest, frame, sizeof(frame))) > 0) {
		if (write(tap, frame, size) < 0 && errno != EIO) {
			err(1, "tap");
		}
	}
}

static void relay_out(struct guest *guest, int tap)
{
	uint8_t frame[2048];
	vmnet_return_t status;
	ssize_t size;

	while ((size = read(tap, frame, sizeof(frame))) > 0) {
		status = guest_write(guest, frame, (size_t)size);
		/* The frame is too long and is dropped, as on a cable. */
		if (status != VMNET_PACKET_TOO_BIG) {
			CHECK_INT(status, VMNET_SUCCESS);
		}
	}
}

/* False: the network no longer exists. */
static bool relay(struct guest *guest, int tap, int netlink, int signals)
{
	struct pollfd ready[] = {
		{ standin_vmnet_interface_descriptor(guest->interface), POLLIN,
		    0 },
		{ tap, POLLIN, 0 },
		{ netlink, POLLIN, 0 },
		{ signals, POLLIN, 0 },
	};

	for (;;) {
		if (poll(ready, 4, -1) < 0 && errno != EINTR) {
			err(1, "poll");
		}
		if (ready[3].revents != 0) {
			return true;
		}
		if (ready[0].revents & POLLERR) {
			return false;
		}
		if (ready[0].revents != 0) {
			relay_in(guest, tap);
		}
		if (ready[1].revents != 0) {
			relay_out(guest, tap);
		}
		if (ready[2].revents != 0) {
			netlink_read(netlink);
		}
	}
}

int main(int argc, char **argv)
{
	int signals = signal_open();
	vmnet_network_ref network;
	vmnet_return_t status = VMNET_SUCCESS;
	struct guest guest;
	int tap, netlink;

	options_parse(argc, argv);
	network = options.import != NULL ? network_import(options.import)
	    : options.network != NULL
	    ? network_acquire(options.network)
	    : vmnet_network_create(options.config, &status);
	CFRelease(options.config);
	if (network == NULL) {
		errx(1, "no network: %u", (unsigned)status);
	}
	status = guest_start(&guest, network);
	if (status != VMNET_SUCCESS) {
		errx(1, "no interface: %u", (unsigned)status);
	}
	if (options.export != NULL) {
		network_export(network, options.export);
	}
	if (options.mac != NULL) {
		parse_mac(options.mac, guest.mac);
	}
	if (options.address == NULL && !guest_dhcp(&guest)) {
		errx(1, "no address");
	}
	if (unshare(CLONE_NEWNET) != 0) {
		err(1, "namespace");
	}
	netlink = netlink_open();
	tap = tap_create(guest.mac);
	configure(&guest, network);
	if (!relay(&guest, tap, netlink, signals)) {
		puts("the network is gone");
		return 3;
	}
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
	puts("stopped");
	return 0;
}
