// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_INTERNAL_H
#define STANDIN_INTERNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <standin.h>

/*
 * The clock's page, in memory or in the file that STANDIN_CLOCK names. To
 * advance it, add to the time, then to seq, and wake the futex seq.
 */
struct standin_clock_page {
	uint32_t seq;
	uint32_t magic;
	uint64_t uptime;
	/* What to add to the uptime for the nanoseconds since 1970. */
	uint64_t wall;
};

#define STANDIN_CLOCK_MAGIC 0x6b6c6f63

/* Fills in the page: the clock is stopped at the current time. */
void standin_clock_page_init(struct standin_clock_page *page);

/* Advances the clock and wakes all threads that wait on the page. */
void standin_clock_page_advance(
    struct standin_clock_page *page, uint64_t nanoseconds);

/* Whether the clock stands still until it is advanced. */
bool standin_clock_is_fake(void);

/* For libstandinwrap: as clock_gettime(2). */
int standin_clock_gettime(clockid_t id, struct timespec *now);

/*
 * For libstandinwrap: as sigaction(2), but a signal source that stands in for
 * the program's disposition stays.
 */
int standin_sigaction(
    int signo, const struct sigaction *action, struct sigaction *old);

#endif
