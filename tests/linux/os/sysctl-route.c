// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The table of IPv4 routes as macOS lists it: sockaddrs of BSD, which begin
 * with a length, and masks that end with their last byte that is not 0.
 */

#include "sysctl-route.h"

#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS 4 /* where it is in a sockaddr_in */

struct entry {
	struct rt_msghdr header;
	uint8_t destination[16];
	uint8_t gateway[16];
	uint8_t mask[8];
};

static void make(struct entry *entry, const char *device, const uint32_t *route)
{
	uint8_t *mask = entry->mask;

	memset(entry, 0, sizeof(*entry));
	entry->header.rtm_msglen = sizeof(*entry);
	entry->header.rtm_version = RTM_VERSION;
	entry->header.rtm_type = RTM_GET;
	entry->header.rtm_index = (u_short)if_nametoindex(device);
	/* Linux has the same numbers for these three. */
	entry->header.rtm_flags =
	    (int)route[2] & (RTF_UP | RTF_GATEWAY | RTF_HOST);
	entry->header.rtm_addrs = RTA_DST | RTA_GATEWAY | RTA_NETMASK;
	entry->destination[0] = sizeof(entry->destination);
	entry->destination[1] = AF_INET;
	memcpy(entry->destination + ADDRESS, &route[0], 4);
	entry->gateway[0] = sizeof(entry->gateway);
	entry->gateway[1] = AF_INET;
	memcpy(entry->gateway + ADDRESS, &route[1], 4);
	memcpy(mask + ADDRESS, &route[3], 4);
	mask[0] = sizeof(entry->mask);
	while (mask[0] > ADDRESS && mask[mask[0] - 1] == 0) {
		mask[0]--;
	}
	if (mask[0] == ADDRESS) {
		mask[0] = 0;
	}
}

int sysctl_routes(void *buffer, size_t *size)
{
	FILE *file = fopen("/proc/net/route", "re");
	char line[256];
	char device[IF_NAMESIZE];
	size_t used = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		uint32_t route[4];
		struct entry entry;

		if (sscanf(line, "%15s %x %x %x %*d %*d %*d %x", device,
			&route[0], &route[1], &route[2], &route[3]) != 5) {
			continue;
		}
		make(&entry, device, route);
		if (buffer != NULL && used + sizeof(entry) <= *size) {
			memcpy((char *)buffer + used, &entry, sizeof(entry));
		}
		used += sizeof(entry);
	}
	if (file != NULL) {
		fclose(file);
	}
	if (buffer != NULL && used > *size) {
		errno = ENOMEM;
		return -1;
	}
	*size = used;
	return 0;
}
