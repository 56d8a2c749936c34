// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The clock: the kernel's, or one that a test advances.
 */

#include "../dispatch/dispatch-internal.h"
#include "standin-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mach/mach_time.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct standin_clock_page *_Atomic clock_page;
static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;
static bool clock_shared;
static uint32_t clock_seen; /* by the thread that follows the clock */

bool standin_clock_is_fake(void)
{
	return atomic_load_explicit(&clock_page, memory_order_acquire) != NULL;
}

/* Wakes the manager when another process has advanced the clock. */
static void *clock_follow(void *context)
{
	struct standin_clock_page *page = context;
	uint32_t seen = clock_seen;
	uint32_t seq;

	for (;;) {
		seq = __atomic_load_n(&page->seq, __ATOMIC_SEQ_CST);
		if (seq != seen) {
			seen = seq;
			manager_clock_changed();
		}
		syscall(SYS_futex, &page->seq, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
	return NULL;
}

static void clock_follow_start(struct standin_clock_page *page)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;

	/* Not by the thread: the clock may be advanced before it runs. */
	clock_seen = __atomic_load_n(&page->seq, __ATOMIC_SEQ_CST);
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, &attr, clock_follow, page) != 0) {
		abort();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

static void clock_forget(void)
{
	pthread_mutex_init(&clock_lock, NULL);
	if (clock_shared) {
		clock_follow_start(clock_page);
	}
}

/* A process that may not write the file can still read its clock. */
static void *clock_map(int fd, bool *writable)
{
	void *page;

	*writable = true;
	page = mmap(NULL, sizeof(struct standin_clock_page),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		*writable = false;
		page = mmap(NULL, sizeof(struct standin_clock_page), PROT_READ,
		    MAP_SHARED, fd, 0);
	}
	return page;
}

static bool clock_writable = true;

__attribute__((constructor)) static void clock_init(void)
{
	const char *name = getenv("STANDIN_CLOCK");
	struct standin_clock_page *page;
	int fd;

	if (name == NULL || name[0] == '\0') {
		return;
	}
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd == -1) {
		fd = open(name, O_RDONLY | O_CLOEXEC);
	}
	if (fd == -1 ||
	    lseek(fd, 0, SEEK_END) < (off_t)sizeof(struct standin_clock_page)) {
		system_fatal("STANDIN: STANDIN_CLOCK=%s: not a clock", name);
	}
	page = clock_map(fd, &clock_writable);
	close(fd);
	if (page == MAP_FAILED || page->magic != STANDIN_CLOCK_MAGIC) {
		system_fatal("STANDIN: STANDIN_CLOCK=%s: not a clock", name);
	}
	clock_shared = true;
	atomic_store(&clock_page, page);
	clock_follow_start(page);
	pthread_atfork(NULL, NULL, clock_forget);
}

/* Stops the clock at the current time. */
static struct standin_clock_page *clock_stop(void)
{
	struct standin_clock_page *page;

	pthread_mutex_lock(&clock_lock);
	page = atomic_load(&clock_page);
	if (page == NULL) {
		page = calloc(1, sizeof(*page));
		if (page == NULL) {
			abort();
		}
		standin_clock_page_init(page);
		atomic_store_explicit(&clock_page, page, memory_order_release);
	}
	pthread_mutex_unlock(&clock_lock);
	return page;
}

void standin_clock_advance(uint64_t nanoseconds)
{
	struct standin_clock_page *page = clock_stop();

	if (!clock_writable) {
		system_fatal("STANDIN: STANDIN_CLOCK may not be written");
	}
	standin_clock_page_advance(page, nanoseconds);
	manager_clock_changed();
}

static uint64_t real(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t system_uptime(void)
{
	struct standin_clock_page *page =
	    atomic_load_explicit(&clock_page, memory_order_acquire);

	if (page == NULL) {
		return real(CLOCK_MONOTONIC);
	}
	return __atomic_load_n(&page->uptime, __ATOMIC_SEQ_CST);
}

uint64_t system_walltime(void)
{
	struct standin_clock_page *page =
	    atomic_load_explicit(&clock_page, memory_order_acquire);

	if (page == NULL) {
		return real(CLOCK_REALTIME);
	}
	return page->wall + __atomic_load_n(&page->uptime, __ATOMIC_SEQ_CST);
}

uint64_t standin_clock_now(void)
{
	return system_uptime();
}

int standin_clock_gettime(clockid_t id, struct timespec *now)
{
	uint64_t nanoseconds;

	if (!standin_clock_is_fake()) {
		return clock_gettime(id, now);
	}
	switch (id) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		nanoseconds = system_uptime();
		break;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		nanoseconds = system_walltime();
		break;
	default:
		return clock_gettime(id, now);
	}
	now->tv_sec = (time_t)(nanoseconds / NSEC_PER_SEC);
	now->tv_nsec = (long)(nanoseconds % NSEC_PER_SEC);
	return 0;
}

uint64_t clock_gettime_nsec_np(clockid_t id)
{
	struct timespec now;

	if (standin_clock_gettime(id, &now) == -1) {
		return 0;
	}
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t mach_absolute_time(void)
{
	return system_uptime();
}

uint64_t mach_approximate_time(void)
{
	return system_uptime();
}

uint64_t mach_continuous_time(void)
{
	return system_uptime();
}

uint64_t mach_continuous_approximate_time(void)
{
	return system_uptime();
}

kern_return_t mach_timebase_info(mach_timebase_info_t info)
{
	info->numer = 1;
	info->denom = 1;
	return KERN_SUCCESS;
}

kern_return_t mach_wait_until(uint64_t deadline)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond;
	int error = 0;

	system_cond_init(&cond);
	pthread_mutex_lock(&lock);
	while (error != ETIMEDOUT) {
		error = system_cond_wait(&cond, &lock, deadline);
	}
	pthread_mutex_unlock(&lock);
	pthread_cond_destroy(&cond);
	return KERN_SUCCESS;
}
