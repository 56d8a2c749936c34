// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Linked into the program: calls that depend on the stand-in's clock and signal
 * sources.
 */

#include "../standin-internal.h"

#include <sys/time.h>

int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_gettimeofday(struct timeval *now, void *zone);
time_t __wrap_time(time_t *now);
int __wrap_sigaction(
    int signo, const struct sigaction *action, struct sigaction *old);
sighandler_t __wrap_signal(int signo, sighandler_t handler);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	return standin_clock_gettime(id, now);
}

int __wrap_gettimeofday(struct timeval *now, void *zone)
{
	struct timespec time;

	if (standin_clock_gettime(CLOCK_REALTIME, &time) == -1) {
		return -1;
	}
	now->tv_sec = time.tv_sec;
	now->tv_usec = time.tv_nsec / 1000;
	return 0;
}

time_t __wrap_time(time_t *now)
{
	struct timespec time;

	if (standin_clock_gettime(CLOCK_REALTIME, &time) == -1) {
		return -1;
	}
	if (now != NULL) {
		*now = time.tv_sec;
	}
	return time.tv_sec;
}

int __wrap_sigaction(
    int signo, const struct sigaction *action, struct sigaction *old)
{
	return standin_sigaction(signo, action, old);
}

sighandler_t __wrap_signal(int signo, sighandler_t handler)
{
	struct sigaction action = { .sa_handler = handler,
		.sa_flags = SA_RESTART };
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	if (standin_sigaction(signo, &action, &old) == -1) {
		return SIG_ERR;
	}
	return old.sa_handler;
}
