// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Each message is a struct rt_msghdr, followed by the addresses listed in its
 * rtm_addrs, each a sockaddr that contains its length, padded to a multiple of
 * 4 bytes. A mask ends after its last non-zero byte, see route(4).
 */

#include "routes.h"

#include <arpa/inet.h>
#include <net/route.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

/* A sockaddr_in: its length, its family, 2 bytes of port, and the address. */
#define FAMILY 1
#define ADDRESS 4

#define SHORTEST 8

int routes_read(struct routes *routes)
{
	int name[] = { CTL_NET, PF_ROUTE, 0, AF_INET, NET_RT_DUMP, 0 };

	*routes = (struct routes){ 0 };
	if (sysctl(name, 6, NULL, &routes->size, NULL, 0) != 0) {
		return -1;
	}
	/* There may be more routes by now. */
	routes->size += routes->size / 4 + sizeof(struct rt_msghdr);
	routes->messages = malloc(routes->size);
	if (routes->messages == NULL) {
		return -1;
	}
	if (sysctl(name, 6, routes->messages, &routes->size, NULL, 0) != 0) {
		routes_free(routes);
		return -1;
	}
	return 0;
}

void routes_free(struct routes *routes)
{
	free(routes->messages);
	*routes = (struct routes){ 0 };
}

/* The address of a sockaddr, which may be truncated. */
static uint32_t get_address(const uint8_t *from, size_t size)
{
	uint8_t bytes[4] = { 0 };
	uint32_t address = 0;

	if (size > ADDRESS) {
		size -= ADDRESS;
		memcpy(bytes, from + ADDRESS,
		    size < sizeof(bytes) ? size : sizeof(bytes));
	}
	memcpy(&address, bytes, sizeof(address));
	return ntohl(address);
}

/* -1: not a relevant route. */
static int parse(const struct rt_msghdr *header, const uint8_t *at,
    const uint8_t *end, struct subnet *subnet)
{
	uint32_t address = 0;
	uint32_t mask = UINT32_MAX;

	if ((header->rtm_flags & RTF_UP) == 0 ||
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
			address = get_address(at, size);
		} else if (i == RTAX_NETMASK) {
			mask = get_address(at, size);
		}
		size = size == 0 ? 4 : (size + 3) / 4 * 4;
		at += size < (size_t)(end - at) ? size : (size_t)(end - at);
	}
	return subnet_of(address, mask, subnet) == 0 &&
		subnet->length >= SHORTEST
	    ? 0
	    : -1;
}

bool routes_next(const struct routes *routes, size_t *offset,
    struct subnet *subnet, unsigned *interface)
{
	const uint8_t *messages = routes->messages;
	struct rt_msghdr header;

	while (routes->size - *offset >= sizeof(header)) {
		const uint8_t *at = messages + *offset;

		memcpy(&header, at, sizeof(header));
		if (header.rtm_msglen < sizeof(header) ||
		    header.rtm_msglen > routes->size - *offset) {
			return false;
		}
		*offset += header.rtm_msglen;
		*interface = header.rtm_index;
		if (header.rtm_version == RTM_VERSION &&
		    parse(&header, at + sizeof(header), messages + *offset,
			subnet) == 0) {
			return true;
		}
	}
	return false;
}
