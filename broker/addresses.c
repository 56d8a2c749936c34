// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The kernel's list of routes consists of messages. Each is a struct rt_msghdr,
 * followed by the addresses listed in its rtm_addrs, each a sockaddr that
 * contains its length, padded to a multiple of 4 bytes. A mask ends after its
 * last non-zero byte, see route(4).
 */

#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include "log.h"

/* Of a sockaddr in a list of routes, after its length. */
#define FAMILY 1

/* Routes to more than the 2^24 addresses of 10.0.0.0/8 are ignored: the default
 * route, or a VPN that routes everything, does not conflict with any subnet. */
#define SHORTEST 8

/* Copies the address, because a sockaddr may be unaligned or truncated. */
static uint32_t copy_address(const void *from, size_t size)
{
	struct sockaddr_in address = { 0 };

	memcpy(&address, from, size < sizeof(address) ? size : sizeof(address));
	return ntohl(address.sin_addr.s_addr);
}

static uint32_t get_address(const struct sockaddr *from)
{
#ifdef SIN6_LEN /* RFC 3493: sockaddrs have a length */
	return copy_address(from, from->sa_len);
#else
	return copy_address(from, sizeof(struct sockaddr_in));
#endif
}

/* vmnet's bridges have numbers from 100 up; bridge0 and similar ones are the
 * Mac's own. */
static bool is_of_vmnet(const char *name)
{
	static const char bridge[] = "bridge";
	size_t digits = 0;

	if (strncmp(name, bridge, sizeof(bridge) - 1) != 0) {
		return false;
	}
	name += sizeof(bridge) - 1;
	digits = strspn(name, "0123456789");
	return digits >= 3 && *name != '0' && name[digits] == '\0';
}

/* -1: not an IPv4 address. */
static int get_subnet(
    const struct ifaddrs *interface, struct subnet *subnet, uint32_t *host)
{
	uint32_t mask = UINT32_MAX;

	if (interface->ifa_addr == NULL ||
	    interface->ifa_addr->sa_family != AF_INET) {
		return -1;
	}
	if (interface->ifa_netmask != NULL) {
		mask = get_address(interface->ifa_netmask);
	}
	*host = get_address(interface->ifa_addr);
	/* A tunnel may have a mask of 0: it only uses its own address. */
	if (mask == 0 || subnet_of(*host, mask, subnet) != 0) {
		*subnet = (struct subnet){ .address = *host, .length = 32 };
	}
	return 0;
}

/* One of vmnet's bridges, or one of the others. */
static bool find_interface(
    const struct subnet *subnet, bool of_vmnet, char text[ADDRESSES_TEXT])
{
	struct ifaddrs *interfaces = NULL;
	const struct ifaddrs *interface = NULL;
	bool found = false;

	if (getifaddrs(&interfaces) != 0) {
		log_notice("addresses: not checked: %s", strerror(errno));
		return false;
	}
	for (interface = interfaces; interface != NULL && !found;
	     interface = interface->ifa_next) {
		struct subnet on = { 0 };
		uint32_t host = 0;
		char address[ADDRESS_TEXT];

		if (is_of_vmnet(interface->ifa_name) == of_vmnet &&
		    get_subnet(interface, &on, &host) == 0 &&
		    subnet_overlaps(&on, subnet)) {
			subnet_format_address(host, address);
			snprintf(text, ADDRESSES_TEXT, "interface %s (%s/%u)",
			    interface->ifa_name, address, on.length);
			found = true;
		}
	}
	freeifaddrs(interfaces);
	return found;
}

/*
 * Routes.
 */

/* The list of routes, which the caller frees. NULL: see errno. */
static uint8_t *read_routes(size_t *size)
{
	int name[] = { CTL_NET, PF_ROUTE, 0, AF_INET, NET_RT_DUMP, 0 };
	uint8_t *messages = NULL;

	if (sysctl(name, 6, NULL, size, NULL, 0) != 0) {
		return NULL;
	}
	/* There may be more routes by now. */
	*size += *size / 4 + sizeof(struct rt_msghdr);
	messages = malloc(*size);
	if (messages != NULL && sysctl(name, 6, messages, size, NULL, 0) != 0) {
		free(messages);
		return NULL;
	}
	return messages;
}

/* The destination of a route; -1: not a relevant route. */
static int parse_route(const struct rt_msghdr *header, const uint8_t *at,
    const uint8_t *end, struct subnet *subnet)
{
	uint32_t address = 0;
	uint32_t mask = UINT32_MAX;

	/* Those that the kernel created for single hosts do not matter. */
	if (header->rtm_version != RTM_VERSION ||
	    (header->rtm_flags & RTF_UP) == 0 ||
	    (header->rtm_flags & (RTF_LLINFO | RTF_WASCLONED)) != 0) {
		return -1;
	}
	for (int i = 0; i < RTAX_MAX && at < end; i++) {
		size_t size = *at;

		if ((header->rtm_addrs & 1 << i) == 0) {
			continue;
		}
		if (size > (size_t)(end - at)) {
			return -1;
		}
		if (i == RTAX_DST &&
		    (size <= FAMILY || at[FAMILY] != AF_INET)) {
			return -1;
		}
		if (i == RTAX_DST) {
			address = copy_address(at, size);
		} else if (i == RTAX_NETMASK) {
			mask = copy_address(at, size);
		}
		size = size == 0 ? 4 : (size + 3) / 4 * 4;
		at += size < (size_t)(end - at) ? size : (size_t)(end - at);
	}
	return subnet_of(address, mask, subnet) == 0 &&
		subnet->length >= SHORTEST
	    ? 0
	    : -1;
}

/* Whether the route overlaps subnet, and is not through vmnet. */
static bool check_route(const struct rt_msghdr *header, const uint8_t *message,
    const struct subnet *subnet, char text[ADDRESSES_TEXT])
{
	struct subnet to = { 0 };
	char name[IF_NAMESIZE] = "?";
	char destination[SUBNET_TEXT];

	if (parse_route(header, message + sizeof(*header),
		message + header->rtm_msglen, &to) != 0 ||
	    !subnet_overlaps(&to, subnet) ||
	    (if_indextoname(header->rtm_index, name) != NULL &&
		is_of_vmnet(name))) {
		return false;
	}
	subnet_format(&to, destination);
	snprintf(
	    text, ADDRESSES_TEXT, "route to %s through %s", destination, name);
	return true;
}

static bool find_route(const struct subnet *subnet, char text[ADDRESSES_TEXT])
{
	struct rt_msghdr header = { 0 };
	size_t left = 0;
	uint8_t *messages = read_routes(&left);
	bool found = false;

	if (messages == NULL) {
		log_notice("routes: not checked: %s", strerror(errno));
		return false;
	}
	for (const uint8_t *at = messages; !found && left >= sizeof(header);
	     at += header.rtm_msglen) {
		memcpy(&header, at, sizeof(header));
		if (header.rtm_msglen < sizeof(header) ||
		    header.rtm_msglen > left) {
			break;
		}
		left -= header.rtm_msglen;
		found = check_route(&header, at, subnet, text);
	}
	free(messages);
	return found;
}

bool addresses_overlap(const struct subnet *subnet, char text[ADDRESSES_TEXT])
{
	return find_interface(subnet, false, text) || find_route(subnet, text);
}

bool addresses_find_bridge(
    const struct subnet *subnet, char text[ADDRESSES_TEXT])
{
	return find_interface(subnet, true, text);
}
