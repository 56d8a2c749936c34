// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Bridges and taps in the kernel, named as on macOS: bridge100 and up, vmenet0
 * and up, numbers used again.
 */

#include "vmnetd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BRIDGE_FIRST 100
#define IPV6_MTU_MIN 1280

/* Settings of the whole namespace that routing needs. */
static struct setting {
	const char *path;
	const char *value;
	char before[8]; /* "" when it was not touched. */
} settings[] = {
	{ .path = "net/ipv4/ip_forward", .value = "1\n" },
	{ .path = "net/ipv6/conf/all/forwarding", .value = "1\n" },
	/* The rules for routed packets must not apply to bridged frames. */
	{ .path = "net/bridge/bridge-nf-call-iptables", .value = "0\n" },
	{ .path = "net/bridge/bridge-nf-call-ip6tables", .value = "0\n" },
};

bool bridge_ipv6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

static void setting_apply(struct setting *setting)
{
	char name[128];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/sys/%s", setting->path);
	file = fopen(name, "re");
	if (file == NULL) {
		return; /* no such thing in this kernel: nothing to set */
	}
	if (fgets(setting->before, sizeof(setting->before), file) != NULL &&
	    run_sysctl(setting->path, setting->value) == -1) {
		log_error("%s: %m", setting->path);
		setting->before[0] = '\0';
	}
	fclose(file);
}

void bridge_restore(void)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (settings[i].before[0] != '\0') {
			run_sysctl(settings[i].path, settings[i].before);
		}
	}
}

static void prepare_namespace(void)
{
	static bool done;

	if (done) {
		return;
	}
	done = true;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		setting_apply(&settings[i]);
	}
}

static int run_ip(char *text)
{
	static const char *const argv[] = { "ip", "-batch", "-", NULL };
	int result = -1;

	if (text == NULL) {
		log_error("ip: out of memory");
	} else {
		result = run_command(argv, text, strlen(text));
	}
	free(text);
	return result;
}

static int bridge_number(void)
{
	const struct network *network;
	char name[IF_NAMESIZE];
	int number = BRIDGE_FIRST;

	for (;; number++) {
		for (network = networks; network != NULL;
		     network = network->next) {
			if (network->bridge == number) {
				break;
			}
		}
		snprintf(name, sizeof(name), "bridge%d", number);
		if (network == NULL && if_nametoindex(name) == 0) {
			return number;
		}
	}
}

static void write_ipv4(FILE *out, const struct network *network)
{
	const struct wire_network *config = &network->config;
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &config->address, address, sizeof(address));
	fprintf(out, "addr add %s/%d brd + dev bridge%d\n", address,
	    __builtin_popcount(config->mask.s_addr), network->bridge);
}

/* No duplicate address detection: it takes a second and never finds a
 * duplicate. */
static void write_ipv6(FILE *out, const struct network *network)
{
	struct in6_addr host = network->config.prefix;
	const uint8_t *v4 = (const uint8_t *)&network->config.address.s_addr;
	char address[INET6_ADDRSTRLEN];

	host.s6_addr[15] = 1;
	inet_ntop(AF_INET6, &host, address, sizeof(address));
	fprintf(out, "addr add %s/64 dev bridge%d nodad\n", address,
	    network->bridge);
	fprintf(out,
	    "addr add fe80::5055:%02x%02x:%02x%02x:1/64 dev bridge%d "
	    "nodad\n",
	    v4[0], v4[1], v4[2], v4[3], network->bridge);
}

/* The bridge's MAC is 52:55 and the gateway's address: easy to recognise. */
static char *bridge_commands(const struct network *network)
{
	const struct wire_network *config = &network->config;
	const uint8_t *v4 = (const uint8_t *)&config->address.s_addr;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		return NULL;
	}
	fprintf(out,
	    "link add bridge%d address 52:55:%02x:%02x:%02x:%02x "
	    "mtu %u type bridge stp_state 0 forward_delay 0 "
	    "mcast_snooping 0\n",
	    network->bridge, v4[0], v4[1], v4[2], v4[3], config->mtu);
	fprintf(out, "link set bridge%d addrgenmode none\n", network->bridge);
	if (!(config->flags & WIRE_NO_HOST)) {
		write_ipv4(out, network);
		if (bridge_ipv6() && config->mtu >= IPV6_MTU_MIN) {
			write_ipv6(out, network);
		}
	}
	fprintf(out, "link set bridge%d up\n", network->bridge);
	fclose(out);
	return text;
}

int bridge_create(struct network *network)
{
	char path[64];

	prepare_namespace();
	network->bridge = bridge_number();
	if (run_ip(bridge_commands(network)) != 0) {
		return -1;
	}
	if (options.loopback_forwarding) {
		/* 127.0.0.1 may be the source of what is forwarded. */
		snprintf(path, sizeof(path),
		    "net/ipv4/conf/bridge%d/route_localnet", network->bridge);
		if (run_sysctl(path, "1\n") == -1) {
			log_error("%s: %m", path);
			return -1;
		}
	}
	return route_add(network);
}

/* 0, or -1 with errno. Does not use `ip`, to avoid its error messages. */
static int link_request(unsigned index)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
		    .nlmsg_type = RTM_DELLINK,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.link = { .ifi_index = (int)index },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} reply;
	int result = -1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd != -1 && send(fd, &request, sizeof(request), 0) > 0 &&
	    recv(fd, &reply, sizeof(reply), 0) >=
		(ssize_t)(sizeof(reply.header) + sizeof(reply.error)) &&
	    reply.header.nlmsg_type == NLMSG_ERROR) {
		result = reply.error.error == 0 ? 0 : -1;
		errno = -reply.error.error;
	}
	if (fd != -1) {
		close(fd);
	}
	return result;
}

/* It may be gone already: a tap disappears with its last descriptor. */
static void link_delete(const char *name)
{
	unsigned index = if_nametoindex(name);

	if (index != 0 && link_request(index) != 0 && errno != ENODEV) {
		log_error("%s: cannot be deleted: %m", name);
	}
}

void bridge_destroy(struct network *network)
{
	char name[IF_NAMESIZE];

	if (network->bridge != -1) {
		route_remove(network);
		snprintf(name, sizeof(name), "bridge%d", network->bridge);
		link_delete(name);
		network->bridge = -1;
	}
}

/*
 * It is not enough that a number is free in the kernel: the tap of a killed
 * client disappears before we notice the client's death, and a new tap with the
 * same number would then be destroyed.
 */
static int tap_number(void)
{
	const struct interface *interface;
	char name[IF_NAMESIZE];
	int number = 0;

	for (;; number++) {
		for (interface = interfaces; interface != NULL;
		     interface = interface->next) {
			if (interface->tap == number) {
				break;
			}
		}
		snprintf(name, sizeof(name), "vmenet%d", number);
		if (interface == NULL && if_nametoindex(name) == 0) {
			return number;
		}
	}
}

static int tap_open(struct interface *interface)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int number = tap_number();

	if (fd == -1) {
		return -1;
	}
	snprintf(
	    request.ifr_name, sizeof(request.ifr_name), "vmenet%d", number);
	if (ioctl(fd, TUNSETIFF, &request) == -1) {
		close(fd);
		return -1;
	}
	interface->tap = number;
	interface->fd = fd;
	return 0;
}

int bridge_tap_create(struct interface *interface)
{
	const struct network *network = interface->network;
	char *text = NULL;

	if (tap_open(interface) != 0) {
		log_error("/dev/net/tun: %m");
		return -1;
	}
	/* No address of its own: the kernel would send frames to the guest. */
	if (asprintf(&text,
		"link set vmenet%d addrgenmode none\n"
		"link set vmenet%d mtu %u master bridge%d\n"
		"link set vmenet%d type bridge_slave isolated %s\n"
		"link set vmenet%d up\n",
		interface->tap, interface->tap, network->config.mtu,
		network->bridge, interface->tap,
		interface->isolated ? "on" : "off", interface->tap) == -1) {
		text = NULL;
	}
	return run_ip(text);
}

void bridge_tap_destroy(struct interface *interface)
{
	char name[IF_NAMESIZE];

	if (interface->tap != -1) {
		snprintf(name, sizeof(name), "vmenet%d", interface->tap);
		link_delete(name);
		interface->tap = -1;
	}
}
