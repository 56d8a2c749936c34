// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The addresses of guests: the leases that macOS's DHCP server has granted, and
 * its reservations.
 *
 * Guests control parts of these files, such as their host names. Whatever the
 * files contain, a returned lease has an IPv4 address, and its names are
 * printable ASCII without spaces.
 */

#ifndef CTL_LEASES_H
#define CTL_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEASES_FILE "/var/db/dhcpd_leases"
#define RESERVATIONS_FILE "/etc/bootptab"

/* The rest of a file beyond these limits is not read. */
#define LEASES_MAX 16384
#define LEASES_FILE_MAX (8 << 20) /* bytes */

struct lease {
	uint32_t ip;        /* in the byte order of the host */
	char mac[18];       /* "52:54:00:12:34:56"; "": not known */
	char client_id[97]; /* hexadecimal, as the file has it; "": none */
	char name[64];      /* of the guest; "": none */
	int64_t expires;    /* seconds since 1970; 0: there is no lease */
	bool reserved;
};

struct leases {
	struct lease *items; /* in the order of the addresses */
	size_t count;
	size_t skipped; /* entries that were invalid or beyond the limit */
};

/*
 * Reads both files; a missing file counts as empty. Returns 0, or -1 with errno
 * and, in *failed, the path of the file that cannot be read.
 */
int leases_read(struct leases *leases, const char *leases_file,
    const char *reservations_file, const char **failed);
void leases_destroy(struct leases *leases);

/*
 * Finds the address of a guest in a subnet (mask 0: in any) by its MAC address
 * or its name: a reservation or, among the leases that have not expired, the
 * one that expires last. NULL: there is none.
 */
const struct lease *leases_find(const struct leases *leases, uint32_t subnet,
    uint32_t mask, const char *guest, int64_t now);

/* Converts "52:54:0:12:34:56" and "52-54-00-12-34-56" to
 * "52:54:00:12:34:56". */
bool lease_mac(const char *text, char mac[18]);

/* "192.168.64.0/24" */
bool lease_subnet(const char *text, uint32_t *subnet, uint32_t *mask);

/* "reserved", "dynamic" or "expired" */
const char *lease_kind(const struct lease *lease, int64_t now);

#endif
