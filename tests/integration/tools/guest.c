// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: guest [OPTION]...
 *
 * A guest whose network stack is the kernel's, in a network namespace of its
 * own: whatever runs there (nsenter -t PID -n ping ...) is on the other end of
 * a vmnet interface. It makes a network, or takes one that another guest
 * exported or that the broker has, gets an address by DHCP, and prints
 *
 *	ready ADDRESS ROUTER        when frames pass
 *	address6 ADDRESS            when it has got one by advertisements
 *	stopped                     after SIGTERM, when all is released
 *
 *   --mode MODE                  shared (default) or host
 *   --subnet ADDRESS/LENGTH      instead of what the system chooses
 *   --no FEATURE                 nat44, nat66, dhcp, dns, ra
 *   --reserve MAC=ADDRESS        a DHCP reservation
 *   --forward PROTOCOL:EXTERNAL:ADDRESS:INTERNAL
 *   --export FILE, --import FILE a network's serialization
 *   --network NAME               the broker's network of this name
 *   --mac MAC                    instead of what vmnet gives
 *   --address ADDRESS/LENGTH     no DHCP, the gateway is the network's
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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
#include "../../linux/vmnet/vmnet-standin.h"

#define SERIALIZATION "networkSerialization"
#define SERIALIZATION_SIZE 120

static struct {
	vmnet_network_configuration_ref config;
	const char *export;
	const char *import;
	const char *network;
	const char *mac;
	const char *address;
} options;

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

static void parse_mac(const char *text, uint8_t *mac)
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

static void parse(int argc, char **argv)
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

	/* The mode first: all else goes into a configuration that has one. */
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

/* The kernel's end, in the namespace that we are in by now. */
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
		/* Lost, as on a cable that takes no longer ones. */
		if (status != VMNET_PACKET_TOO_BIG) {
			CHECK_INT(status, VMNET_SUCCESS);
		}
	}
}

/* False: the network is gone from under us. */
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

	parse(argc, argv);
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
