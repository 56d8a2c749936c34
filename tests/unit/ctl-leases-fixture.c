// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: client/ctl/leases.c

#include "ctl-leases-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char folder[] = "/tmp/ctl-leases.XXXXXX";
char leases_file[64];
char reservations_file[64];

void write_bytes(const char *path, const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void read_files(
    struct leases *leases, const char *text, const char *reservations)
{
	const char *failed = NULL;

	write_bytes(leases_file, text, strlen(text));
	write_bytes(reservations_file, reservations, strlen(reservations));
	assert_int_equal(
	    leases_read(leases, leases_file, reservations_file, &failed), 0);
}

int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	snprintf(leases_file, sizeof(leases_file), "%s/leases", folder);
	snprintf(
	    reservations_file, sizeof(reservations_file), "%s/tab", folder);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	unlink(leases_file);
	unlink(reservations_file);
	return rmdir(folder);
}
