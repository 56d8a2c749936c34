// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "log.h"
#include "routes.h"
#include "text.h"

/* Copies the address, because a sockaddr may be unaligned. On systems where it
 * has a length, a mask ends after its last non-zero byte, see route(4). */
static uint32_t get_address(const struct sockaddr *from)
{
	struct sockaddr_in address = { 0 };
	size_t size = sizeof(address);

#ifdef SIN6_LEN /* RFC 3493: sockaddrs have a length */
	if (from->sa_len < size) {
		size = from->sa_len;
	}
#endif
	memcpy(&address, from, size);
	return ntohl(address.sin_addr.s_addr);
}

/* vmnet's bridges have numbers from 100 up; bridge0 and similar ones are the
 * Mac's own. */
static bool is_of_vmnet(const char *name)
{
	static const char bridge[] = "bridge";
	unsigned long number = 0;

	return strncmp(name, bridge, sizeof(bridge) - 1) == 0 &&
	    text_to_number(
		name + sizeof(bridge) - 1, 100, UINT32_MAX, &number) == 0;
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

static bool find_route(const struct subnet *subnet, char text[ADDRESSES_TEXT])
{
	struct routes routes = { 0 };
	struct subnet to = { 0 };
	size_t offset = 0;
	unsigned index = 0;
	bool found = false;

	if (routes_read(&routes) != 0) {
		log_notice("routes: not checked: %s", strerror(errno));
		return false;
	}
	while (!found && routes_next(&routes, &offset, &to, &index)) {
		char name[IF_NAMESIZE] = "?";
		char destination[SUBNET_TEXT];

		if (subnet_overlaps(&to, subnet) &&
		    (if_indextoname(index, name) == NULL ||
			!is_of_vmnet(name))) {
			subnet_format(&to, destination);
			snprintf(text, ADDRESSES_TEXT, "route to %s through %s",
			    destination, name);
			found = true;
		}
	}
	routes_free(&routes);
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
