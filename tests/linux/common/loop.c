// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

static int epoll = -1;
static void (*child_reaped)(pid_t pid, int status);
static void (*stop_asked)(void);

static _Noreturn void loop_fail(const char *what)
{
	log_error("%s: %m", what);
	abort();
}

static void loop_control(int operation, struct watch *watch)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };

	if (epoll == -1) {
		epoll = epoll_create1(EPOLL_CLOEXEC);
	}
	if (epoll_ctl(epoll, operation, watch->fd, &event) == -1) {
		loop_fail("epoll");
	}
}

void loop_add(struct watch *watch)
{
	loop_control(EPOLL_CTL_ADD, watch);
}

void loop_remove(struct watch *watch)
{
	loop_control(EPOLL_CTL_DEL, watch);
}

static void signals_reap(void)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	while (pid > 0) {
		child_reaped(pid, status);
		pid = waitpid(-1, &status, WNOHANG);
	}
}

static void signals_ready(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info)) {
		return;
	}
	if (info.ssi_signo == SIGCHLD) {
		signals_reap();
	} else {
		stop_asked();
	}
}

void loop_signals(void (*reaped)(pid_t pid, int status), void (*stop)(void))
{
	static struct watch signals = { .ready = signals_ready };
	sigset_t set;

	child_reaped = reaped;
	stop_asked = stop;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals.fd == -1) {
		loop_fail("signalfd");
	}
	loop_add(&signals);
}

void loop_run(bool (*goes_on)(void))
{
	do {
		struct epoll_event event;
		/* One at a time: a handler may remove and free any watch. */
		int count = epoll_wait(epoll, &event, 1, -1);

		if (count == -1 && errno != EINTR) {
			loop_fail("epoll_wait");
		}
		if (count == 1) {
			struct watch *watch = event.data.ptr;

			watch->ready(watch);
		}
	} while (goes_on());
}
