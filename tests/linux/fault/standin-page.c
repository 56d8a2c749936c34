// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The page that contains a fake clock.
 */

#include "standin-internal.h"

#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t real(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void standin_clock_page_init(struct standin_clock_page *page)
{
	page->uptime = real(CLOCK_MONOTONIC);
	page->wall = real(CLOCK_REALTIME) - page->uptime;
	page->magic = STANDIN_CLOCK_MAGIC;
}

void standin_clock_page_advance(
    struct standin_clock_page *page, uint64_t nanoseconds)
{
	__atomic_fetch_add(&page->uptime, nanoseconds, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&page->seq, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &page->seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
