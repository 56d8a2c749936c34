// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: standin-clock FILE create|show|TIME
 *
 * Makes a clock for STANDIN_CLOCK, shows it, or advances it by TIME: a number
 * of nanoseconds, or with a unit: ns, us, ms, s, m, h.
 */

#include "../standin-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void die(const char *name)
{
	fprintf(stderr, "standin-clock: %s: %s\n", name, strerror(errno));
	exit(1);
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: standin-clock FILE create|show|TIME\n");
	exit(2);
}

static uint64_t parse(const char *text)
{
	static const struct {
		const char *name;
		uint64_t nanoseconds;
	} units[] = {
		{ "", 1 },
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60000000000 },
		{ "h", 3600000000000 },
	};
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (end != text && errno == 0 &&
		    strcmp(end, units[i].name) == 0) {
			return number * units[i].nanoseconds;
		}
	}
	usage();
}

/* The file gets its name when it is complete. */
static void create(const char *name)
{
	struct standin_clock_page page = { 0 };
	char temporary[4096];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", name);
	standin_clock_page_init(&page);
	fd = mkstemp(temporary);
	if (fd == -1 || fchmod(fd, 0666) == -1 ||
	    write(fd, &page, sizeof(page)) != (ssize_t)sizeof(page) ||
	    rename(temporary, name) == -1) {
		die(name);
	}
}

int main(int argc, char **argv)
{
	struct standin_clock_page *page;
	int fd;

	if (argc != 3) {
		usage();
	}
	if (strcmp(argv[2], "create") == 0) {
		create(argv[1]);
		return 0;
	}
	fd = open(argv[1], O_RDWR);
	if (fd == -1) {
		die(argv[1]);
	}
	page = mmap(
	    NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		die(argv[1]);
	}
	if (strcmp(argv[2], "show") != 0) {
		standin_clock_page_advance(page, parse(argv[2]));
	}
	printf(
	    "%" PRIu64 "\n", __atomic_load_n(&page->uptime, __ATOMIC_SEQ_CST));
	return 0;
}
