// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Watches for events of descriptors. epoll accepts a descriptor only once, so
 * all its watches share an entry. Called and freed by the manager thread only.
 */

#include "manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct system_watch {
	struct system_watch *next; /* with the same descriptor */
	struct system_watch *next_always;
	int fd;
	uint32_t events;
	bool always; /* epoll does not take it: always ready */
	bool dead;
	void *context;
	system_watch_handler handler;
	dispatch_function_t finished;
};

static struct {
	pthread_mutex_t lock;
	struct system_watch **by_fd;
	size_t room;
	struct system_watch *always;
} watches = { .lock = PTHREAD_MUTEX_INITIALIZER };

void watches_forget(void)
{
	pthread_mutex_init(&watches.lock, NULL);
	free(watches.by_fd);
	watches.by_fd = NULL;
	watches.room = 0;
	watches.always = NULL;
}

static void watches_grow(size_t fd)
{
	size_t room = watches.room == 0 ? 64 : watches.room;

	while (room <= fd) {
		room *= 2;
	}
	if (room == watches.room) {
		return;
	}
	watches.by_fd = realloc(watches.by_fd, room * sizeof(*watches.by_fd));
	if (watches.by_fd == NULL) {
		abort();
	}
	memset(watches.by_fd + watches.room, 0,
	    (room - watches.room) * sizeof(*watches.by_fd));
	watches.room = room;
}

/* The events that all watches of the descriptor want together. */
static uint32_t watches_events(int fd)
{
	uint32_t events = 0;

	for (struct system_watch *watch = watches.by_fd[fd]; watch != NULL;
	     watch = watch->next) {
		events |= watch->events;
	}
	return events;
}

static int watches_update(int fd)
{
	struct epoll_event event = { .events = watches_events(fd),
		.data.fd = fd };

	if (event.events == 0) {
		/* Paused: epoll would report a hang-up again and again. */
		epoll_ctl(manager_epoll(), EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (epoll_ctl(manager_epoll(), EPOLL_CTL_MOD, fd, &event) == 0) {
		return 0;
	}
	if (errno != ENOENT) {
		return -1;
	}
	return epoll_ctl(manager_epoll(), EPOLL_CTL_ADD, fd, &event);
}

static void watch_unlink(struct system_watch *watch)
{
	struct system_watch **link = &watches.by_fd[watch->fd];

	if (watch->always) {
		link = &watches.always;
		while (*link != watch) {
			link = &(*link)->next_always;
		}
		*link = watch->next_always;
		return;
	}
	while (*link != watch) {
		link = &(*link)->next;
	}
	*link = watch->next;
}

static int watch_link(struct system_watch *watch)
{
	watches_grow((size_t)watch->fd);
	watch->next = watches.by_fd[watch->fd];
	watches.by_fd[watch->fd] = watch;
	/* For a paused watch epoll_ctl() may not run, and it reports what epoll
	 * can watch. */
	if (watches_update(watch->fd) == 0) {
		return 0;
	}
	watch_unlink(watch);
	if (errno != EPERM) {
		return -1;
	}
	watch->always = true;
	watch->next_always = watches.always;
	watches.always = watch;
	return 0;
}

struct system_watch *system_watch_create(
    int fd, uint32_t events, void *context, system_watch_handler handler)
{
	struct system_watch *watch;
	int error = 0;

	if (fcntl(fd, F_GETFD) == -1) {
		return NULL;
	}
	watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		abort();
	}
	watch->fd = fd;
	watch->events = events;
	watch->context = context;
	watch->handler = handler;
	manager_start();
	pthread_mutex_lock(&watches.lock);
	if (watch_link(watch) != 0) {
		error = errno;
	}
	pthread_mutex_unlock(&watches.lock);
	if (error != 0) {
		free(watch);
		errno = error;
		return NULL;
	}
	if (watch->always) {
		manager_wake();
	}
	return watch;
}

void system_watch_set_events(struct system_watch *watch, uint32_t events)
{
	bool always;
	bool paused; /* by epoll, when it reported */

	pthread_mutex_lock(&watches.lock);
	paused = events == 0 && (watch->events & EPOLLONESHOT) != 0;
	if (!watch->dead && watch->events != events) {
		watch->events = events;
		if (!paused && !watch->always &&
		    watches_update(watch->fd) != 0 && errno == EPERM) {
			watch_unlink(watch);
			watch->always = true;
			watch->next_always = watches.always;
			watches.always = watch;
		}
	}
	always = watch->always && events != 0;
	pthread_mutex_unlock(&watches.lock);
	if (always) {
		manager_wake();
	}
}

static void watch_finish(void *context)
{
	struct system_watch *watch = context;

	if (watch->finished != NULL) {
		watch->finished(watch->context);
	}
	free(watch);
}

void system_watch_destroy(
    struct system_watch *watch, dispatch_function_t finished)
{
	if (watch == NULL) {
		return;
	}
	pthread_mutex_lock(&watches.lock);
	watch->dead = true;
	watch->events = 0;
	watch_unlink(watch);
	if (!watch->always) {
		watches_update(watch->fd);
	}
	pthread_mutex_unlock(&watches.lock);
	watch->finished = finished;
	system_manager_post(watch, watch_finish);
}

/* The events that the watch gets; 0: none. The lock is held. */
static uint32_t watch_wants(const struct system_watch *watch, uint32_t events)
{
	if (watch->dead || watch->events == 0) {
		return 0;
	}
	return events & (watch->events | EPOLLERR | EPOLLHUP);
}

/*
 * A handler may destroy any watch, this one as well; it stays allocated until
 * the manager goes around, but leaves the list. So: collect first, then call.
 */
#define WATCHES_PER_FD 16

static size_t watches_collect(
    struct system_watch *watch, bool always, struct system_watch **found)
{
	size_t count = 0;

	for (; watch != NULL && count < WATCHES_PER_FD;
	     watch = always ? watch->next_always : watch->next) {
		found[count] = watch;
		count++;
	}
	return count;
}

static bool watches_call(
    struct system_watch **found, size_t count, uint32_t events)
{
	bool called = false;
	uint32_t wanted;

	for (size_t i = 0; i < count; i++) {
		pthread_mutex_lock(&watches.lock);
		wanted = watch_wants(found[i], events);
		pthread_mutex_unlock(&watches.lock);
		if (wanted != 0) {
			found[i]->handler(found[i]->context, wanted);
			called = true;
		}
	}
	return called;
}

void watches_run(int fd, uint32_t events)
{
	struct system_watch *found[WATCHES_PER_FD];
	size_t count;
	bool once;

	pthread_mutex_lock(&watches.lock);
	once = (watches_events(fd) & EPOLLONESHOT) != 0;
	count = watches_collect(watches.by_fd[fd], false, found);
	pthread_mutex_unlock(&watches.lock);
	watches_call(found, count, events);
	if (once) {
		/* epoll has paused all watches of the descriptor. */
		pthread_mutex_lock(&watches.lock);
		if (watches_events(fd) != 0) {
			watches_update(fd);
		}
		pthread_mutex_unlock(&watches.lock);
	}
}

bool watches_run_always(void)
{
	struct system_watch *found[WATCHES_PER_FD];
	size_t count;

	pthread_mutex_lock(&watches.lock);
	count = watches_collect(watches.always, true, found);
	pthread_mutex_unlock(&watches.lock);
	return watches_call(found, count, EPOLLIN | EPOLLOUT);
}
