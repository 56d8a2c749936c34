/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 */

#include <errno.h>
#include <stdarg.h>
#include <sys/epoll.h>

#include "vmnetd.h"

static int epoll = -1;
static bool stopped;

int loop_add(struct watch *watch)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };

	if (epoll < 0) {
		epoll = epoll_create1(EPOLL_CLOEXEC);
		if (epoll < 0) {
			return -1;
		}
	}
	return epoll_ctl(epoll, EPOLL_CTL_ADD, watch->fd, &event);
}

void loop_remove(struct watch *watch)
{
	epoll_ctl(epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

int loop_run(void)
{
	struct epoll_event event;
	struct watch *watch;

	while (!stopped) {
		/* One at a time: a handler may remove and free any watch. */
		int n = epoll_wait(epoll, &event, 1, -1);

		if (n < 0 && errno != EINTR) {
			return -1;
		}
		if (n == 1) {
			watch = event.data.ptr;
			watch->ready(watch);
		}
	}
	return 0;
}

void loop_stop(void)
{
	stopped = true;
}

void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	flockfile(stderr);
	fputs("vmnetd: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	funlockfile(stderr);
	va_end(arguments);
}
