// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The files of macOS's DHCP server, for programs that look into them:
 * /etc/bootptab has the reservations of the networks that run, and
 * /var/db/dhcpd_leases is kept by bootpd-lease, which dnsmasq calls.
 */

#include "vmnetd.h"

#include <arpa/inet.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

#define BOOTPTAB "/etc/bootptab"

static void write_network(FILE *file, const struct network *network)
{
	char address[INET_ADDRSTRLEN];

	for (uint32_t i = 0; i < network->reservation_count; i++) {
		const struct wire_reservation *item = &network->reservations[i];

		inet_ntop(AF_INET, &item->address, address, sizeof(address));
		fprintf(file, "host%u 1 %02x:%02x:%02x:%02x:%02x:%02x %s\n", i,
		    item->mac[0], item->mac[1], item->mac[2], item->mac[3],
		    item->mac[4], item->mac[5], address);
	}
}

void bootpd_write_reservations(void)
{
	FILE *file;

	if (!options.bootpd_files) {
		return;
	}
	file = fopen(BOOTPTAB ".new", "we");
	if (file == NULL) {
		log_error(BOOTPTAB ": %m");
		return;
	}
	fputs("%%\n", file);
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		if (network->dhcp != NULL) {
			write_network(file, network);
		}
	}
	if (fclose(file) != 0 || rename(BOOTPTAB ".new", BOOTPTAB) == -1) {
		log_error(BOOTPTAB ": %m");
	}
}

bool bootpd_script(char *path, size_t size)
{
	char self[256] = "";

	if (!options.bootpd_files ||
	    readlink("/proc/self/exe", self, sizeof(self) - 1) == -1) {
		return false;
	}
	snprintf(path, size, "%s/bootpd-lease", dirname(self));
	return true;
}
