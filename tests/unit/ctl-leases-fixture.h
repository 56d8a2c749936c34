// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The two files of bootpd for each test, in a folder of the group.
 */

#ifndef CTL_LEASES_FIXTURE_H
#define CTL_LEASES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/leases.h"

#define NOW 1000
#define IP(a, b, c, d)                                                         \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define ENTRY(name, ip, hw, lease)                                             \
	"{\n\tname=" name "\n\tip_address=" ip "\n\thw_address=" hw            \
	"\n\tidentifier=" hw "\n\tlease=" lease "\n}\n"

extern char folder[];
extern char leases_file[64];
extern char reservations_file[64];

/* Of the group. */
int setup(void **state);
int teardown(void **state);

void write_bytes(const char *path, const char *bytes, size_t size);

/* Writes both files, and reads them into leases. */
void read_files(
    struct leases *leases, const char *text, const char *reservations);

#endif
