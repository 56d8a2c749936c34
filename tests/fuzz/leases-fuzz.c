// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: client/ctl/leases.c

/*
 * libFuzzer on the files of macOS's DHCP server, which contain text that guests
 * choose. The input up to the first line "%%" is the file of leases; the rest,
 * with that line, is the file of reservations. Whatever they contain, both are
 * read; the result is sorted, contains each address once and can be printed on
 * a terminal; and a guest is found by its name or MAC address, unless its lease
 * has expired.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/leases.h"

#define NOW 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input {
	char path[64];
	int fd;
} leases_file = { .fd = -1 }, reservations_file = { .fd = -1 };

static void require(bool condition)
{
	if (!condition) {
		__builtin_trap();
	}
}

static void remove_files(void)
{
	unlink(leases_file.path);
	unlink(reservations_file.path);
}

/* The process uses one file, in memory if there is such a file system. */
static void write_file(struct input *input, const uint8_t *data, size_t size)
{
	if (input->fd < 0) {
		snprintf(input->path, sizeof(input->path),
		    "%s/leases-fuzz.XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		input->fd = mkstemp(input->path);
		require(input->fd >= 0);
	}
	require(ftruncate(input->fd, 0) == 0);
	require(pwrite(input->fd, data, size, 0) == (ssize_t)size);
}

static void write_files(const uint8_t *data, size_t size)
{
	static const char separator[] = "\n%%\n";
	const uint8_t *second =
	    size == 0 ? NULL : memmem(data, size, separator, strlen(separator));
	size_t first = second == NULL ? size : (size_t)(second + 1 - data);

	if (leases_file.fd < 0) {
		atexit(remove_files);
	}
	write_file(&leases_file, data, first);
	write_file(&reservations_file, data + first, size - first);
}

static void require_word(const char *word, size_t size)
{
	size_t length = strnlen(word, size);

	require(length < size);
	for (size_t i = 0; i < length; i++) {
		require(word[i] > ' ' && word[i] < 0x7f);
	}
}

static void require_found(
    const struct leases *leases, const struct lease *lease)
{
	const struct lease *found = NULL;

	if (lease->mac[0] == '\0' ||
	    strcmp(lease_kind(lease, NOW), "expired") == 0) {
		return;
	}
	found = leases_find(leases, 0, 0, lease->mac, NOW);
	require(found != NULL && strcmp(found->mac, lease->mac) == 0);
	found = leases_find(leases, lease->ip, UINT32_MAX, lease->mac, NOW);
	require(found == lease);
}

static void require_lease(const struct leases *leases, size_t i)
{
	const struct lease *lease = &leases->items[i];
	char mac[18];

	require(i == 0 || lease[-1].ip < lease->ip);
	require(lease->mac[0] == '\0' ||
	    (lease_mac(lease->mac, mac) && strcmp(lease->mac, mac) == 0));
	require(lease->expires >= 0 && lease->expires <= UINT32_MAX);
	require(lease->reserved || (lease->ip != 0 && lease->expires != 0));
	require_word(lease->client_id, sizeof(lease->client_id));
	require_word(lease->name, sizeof(lease->name));
	require_found(leases, lease);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct leases leases;
	const char *failed = NULL;

	write_files(data, size);
	require(leases_read(&leases, leases_file.path, reservations_file.path,
		    &failed) == 0);
	require(leases.count <= LEASES_MAX);
	for (size_t i = 0; i < leases.count; i++) {
		require_lease(&leases, i);
	}
	leases_destroy(&leases);
	return 0;
}
