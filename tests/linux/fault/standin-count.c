// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Counts the live objects of each type.
 */

#include <standin.h>

#include "../os/system.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_TYPES 128

/*
 * Types are added and never removed. The counters are relaxed: if they ordered
 * memory accesses, ThreadSanitizer would miss data races of the program.
 */
static struct {
	const char *_Atomic type;
	atomic_long alive;
} counts[COUNT_TYPES];

static size_t count_find(const char *type, bool add)
{
	const char *known;

	for (size_t i = 0; i < COUNT_TYPES; i++) {
		known =
		    atomic_load_explicit(&counts[i].type, memory_order_relaxed);
		if (known == NULL &&
		    (!add ||
			atomic_compare_exchange_strong(
			    &counts[i].type, &known, type))) {
			return add ? i : COUNT_TYPES;
		}
		if (known == type || strcmp(known, type) == 0) {
			return i;
		}
	}
	system_fatal("STANDIN: too many types of objects");
}

void standin_count_add(const char *type, int delta)
{
	atomic_fetch_add_explicit(
	    &counts[count_find(type, true)].alive, delta, memory_order_relaxed);
}

long standin_objects_alive(const char *type)
{
	long sum = 0;
	size_t i;

	if (type != NULL) {
		i = count_find(type, false);
		return i == COUNT_TYPES ? 0 : atomic_load(&counts[i].alive);
	}
	for (i = 0; i < COUNT_TYPES && counts[i].type != NULL; i++) {
		sum += atomic_load(&counts[i].alive);
	}
	return sum;
}

__attribute__((destructor)) static void count_report(void)
{
	const char *name = getenv("STANDIN_COUNT");
	long alive;
	int fd;

	if (name == NULL || name[0] == '\0') {
		return;
	}
	fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd == -1) {
		system_fatal("STANDIN: STANDIN_COUNT=%s: cannot open", name);
	}
	for (size_t i = 0; i < COUNT_TYPES && counts[i].type != NULL; i++) {
		alive = atomic_load(&counts[i].alive);
		if (alive != 0) {
			dprintf(fd, "%s %ld\n", counts[i].type, alive);
		}
	}
	close(fd);
}
