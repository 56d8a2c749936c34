// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * One thread that waits for descriptors, timers, signals, and requests of other
 * threads. It starts with the first request.
 */

#include "manager.h"
#include "dispatch-internal.h"
#include "../fault/standin-internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MANAGER_EVENTS 64

struct post {
	struct post *next;
	dispatch_function_t work;
	void *context;
};

static struct {
	pthread_mutex_t lock;
	struct post *posts;
	struct post **posts_tail;
	bool started;
	pthread_t thread;
	atomic_bool running;
	int epoll;
	int wake;
	int timer;
	uint64_t armed;
} manager = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.posts_tail = &manager.posts,
	.epoll = -1,
};

int manager_epoll(void)
{
	return manager.epoll;
}

void manager_wake(void)
{
	static const uint64_t one = 1;
	int saved = errno;
	ssize_t size;

	/* Fails only when the counter is full: then it is awake. */
	size = write(manager.wake, &one, sizeof(one));
	(void)size;
	errno = saved;
}

static void posts_run(void)
{
	struct post *post;
	struct post *next;

	pthread_mutex_lock(&manager.lock);
	post = manager.posts;
	manager.posts = NULL;
	manager.posts_tail = &manager.posts;
	pthread_mutex_unlock(&manager.lock);
	for (; post != NULL; post = next) {
		next = post->next;
		post->work(post->context);
		free(post);
	}
}

static void manager_arm(uint64_t deadline)
{
	struct itimerspec spec = { 0 };

	if (deadline == manager.armed) {
		return;
	}
	manager.armed = deadline;
	if (deadline != UINT64_MAX) {
		spec.it_value.tv_sec = (time_t)(deadline / NSEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(deadline % NSEC_PER_SEC);
	}
	timerfd_settime(manager.timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void drain(int fd)
{
	uint64_t count;
	ssize_t size = read(fd, &count, sizeof(count));

	(void)size;
}

static void manager_wait(bool block)
{
	struct epoll_event events[MANAGER_EVENTS];
	int count;

	count =
	    epoll_wait(manager.epoll, events, MANAGER_EVENTS, block ? -1 : 0);
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == manager.wake) {
			drain(manager.wake);
		} else if (events[i].data.fd == manager.timer) {
			drain(manager.timer);
			manager.armed = 0;
		} else {
			watches_run(events[i].data.fd, events[i].events);
		}
	}
}

static void *manager_thread(void *unused)
{
	uint64_t deadline;

	manager.thread = pthread_self();
	atomic_store(&manager.running, true);
	for (;;) {
		posts_run();
		deadline = timers_run();
		/* A clock that others advance needs no timer: they wake us. */
		manager_arm(standin_clock_is_fake() ? UINT64_MAX : deadline);
		manager_wait(!watches_run_always());
	}
	return NULL;
}

static void manager_add(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd == -1 ||
	    epoll_ctl(manager.epoll, EPOLL_CTL_ADD, fd, &event) == -1) {
		abort();
	}
}

static void manager_spawn(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, &attr, manager_thread, NULL) != 0) {
		abort();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

void manager_start(void)
{
	pthread_mutex_lock(&manager.lock);
	if (!manager.started) {
		manager.started = true;
		manager.armed = UINT64_MAX;
		manager.epoll = epoll_create1(EPOLL_CLOEXEC);
		manager.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		manager.timer =
		    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		manager_add(manager.wake);
		manager_add(manager.timer);
		manager_spawn();
	}
	pthread_mutex_unlock(&manager.lock);
}

void system_manager_post(void *context, dispatch_function_t work)
{
	struct post *post = calloc(1, sizeof(*post));

	if (post == NULL) {
		abort();
	}
	post->work = work;
	post->context = context;
	manager_start();
	pthread_mutex_lock(&manager.lock);
	*manager.posts_tail = post;
	manager.posts_tail = &post->next;
	pthread_mutex_unlock(&manager.lock);
	manager_wake();
}

static void unblock(void *context)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, (int)(intptr_t)context);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void manager_unblock(int signo)
{
	system_manager_post((void *)(intptr_t)signo, unblock);
}

bool manager_is_current(void)
{
	return atomic_load(&manager.running) &&
	    pthread_equal(manager.thread, pthread_self()) != 0;
}

void manager_clock_changed(void)
{
	manager_start();
	manager_wake();
}

static void manager_forget(void)
{
	if (manager.started) {
		close(manager.epoll);
		close(manager.wake);
		close(manager.timer);
	}
	pthread_mutex_init(&manager.lock, NULL);
	manager.started = false;
	atomic_store(&manager.running, false);
	manager.posts = NULL;
	manager.posts_tail = &manager.posts;
	timers_forget();
	watches_forget();
}

__attribute__((constructor)) static void manager_init(void)
{
	pthread_atfork(NULL, NULL, manager_forget);
}
