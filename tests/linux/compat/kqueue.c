// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * kqueue and kevent (see kqueue.h).
 */

#include "kqueue.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#define KQUEUE_EVENTS 64

/* Of all kqueues: programs have few of both. */
static struct knote *knotes;
static pthread_mutex_t knotes_lock = PTHREAD_MUTEX_INITIALIZER;

static void knote_remove(struct knote *knote)
{
	struct knote **link = &knotes;

	while (*link != knote) {
		link = &(*link)->next;
	}
	*link = knote->next;
	epoll_ctl(knote->kq, EPOLL_CTL_DEL, knote->fd, NULL);
	knote_destroy(knote);
}

/* A closed kqueue leaves its knotes, which are freed when its number is
 * reused. */
int kqueue(void)
{
	int kq = epoll_create1(EPOLL_CLOEXEC);
	struct knote *knote;
	struct knote *next;

	pthread_mutex_lock(&knotes_lock);
	for (knote = knotes; kq != -1 && knote != NULL; knote = next) {
		next = knote->next;
		if (knote->kq == kq) {
			knote_remove(knote);
		}
	}
	pthread_mutex_unlock(&knotes_lock);
	return kq;
}

static struct knote *knote_find(int kq, const struct kevent *change)
{
	struct knote *knote;

	for (knote = knotes; knote != NULL; knote = knote->next) {
		if (knote->kq == kq && knote->event.ident == change->ident &&
		    knote->event.filter == change->filter) {
			break;
		}
	}
	return knote;
}

static int knote_update(struct knote *knote, int operation)
{
	struct epoll_event event = { .events = knote->disabled ? 0 : EPOLLIN,
		.data.ptr = knote };

	return epoll_ctl(knote->kq, operation, knote->fd, &event);
}

static int knote_add(int kq, const struct kevent *change)
{
	struct knote *knote = knote_create(kq, change);

	if (knote == NULL) {
		return errno;
	}
	knote->disabled = (change->flags & EV_DISABLE) != 0;
	if (knote_update(knote, EPOLL_CTL_ADD) != 0) {
		int error = errno;

		knote_destroy(knote);
		return error;
	}
	knote->next = knotes;
	knotes = knote;
	if (change->filter == EVFILT_USER) {
		knote_touch(knote, change);
	}
	return 0;
}

/* Returns an errno. */
static int change_apply(int kq, const struct kevent *change)
{
	struct knote *knote = knote_find(kq, change);

	if (knote != NULL && (change->flags & EV_ADD) != 0 &&
	    change->filter == EVFILT_TIMER) {
		knote_remove(knote); /* adding again sets the time anew */
		knote = NULL;
	}
	if (knote == NULL) {
		return (change->flags & EV_ADD) == 0 ? ENOENT
						     : knote_add(kq, change);
	}
	if ((change->flags & EV_DELETE) != 0) {
		knote_remove(knote);
		return 0;
	}
	if ((change->flags & EV_ADD) != 0) {
		knote->event.udata = change->udata;
	}
	if (change->filter == EVFILT_USER) {
		knote_touch(knote, change);
	}
	knote->disabled = (change->flags & EV_DISABLE) != 0 ||
	    (knote->disabled && (change->flags & EV_ENABLE) == 0);
	return knote_update(knote, EPOLL_CTL_MOD) == 0 ? 0 : errno;
}

/* Returns the number of results written, or -1. */
static int changes_apply(int kq, const struct kevent *changes, int count,
    struct kevent *results, int room)
{
	int used = 0;
	int error;

	for (int i = 0; i < count; i++) {
		pthread_mutex_lock(&knotes_lock);
		error = change_apply(kq, &changes[i]);
		pthread_mutex_unlock(&knotes_lock);
		if (error == 0 && (changes[i].flags & EV_RECEIPT) == 0) {
			continue;
		}
		if (used == room) {
			errno = error;
			return -1;
		}
		results[used] = changes[i];
		results[used].flags = EV_ERROR;
		results[used].data = error;
		used++;
	}
	return used;
}

/* It may have been removed since epoll reported it. The lock is held. */
static bool knote_known(const struct knote *wanted)
{
	const struct knote *knote = knotes;

	while (knote != NULL && knote != wanted) {
		knote = knote->next;
	}
	return knote != NULL;
}

static bool knote_deliver(struct knote *knote, struct kevent *result)
{
	uint16_t flags;

	if (!knote_known(knote) || knote->disabled ||
	    !knote_report(knote, result)) {
		return false;
	}
	flags = result->flags;
	if ((flags & EV_ONESHOT) != 0) {
		knote_remove(knote);
	} else if ((flags & EV_DISPATCH) != 0) {
		knote->disabled = true;
		knote_update(knote, EPOLL_CTL_MOD);
	}
	return true;
}

static int milliseconds(const struct timespec *timeout)
{
	int64_t total;

	if (timeout == NULL) {
		return -1;
	}
	total = timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
	return total > INT_MAX ? INT_MAX : (int)total;
}

int kevent(int kq, const struct kevent *changelist, int nchanges,
    struct kevent *eventlist, int nevents, const struct timespec *timeout)
{
	struct epoll_event events[KQUEUE_EVENTS];
	sigset_t blocked;
	int used = changes_apply(kq, changelist, nchanges, eventlist, nevents);
	int count;

	if (used != 0 || nevents == 0) {
		return used;
	}
	/* An ignored signal does not wake us: the manager thread takes it. */
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	signals_add_quiet(&blocked);
	do {
		count = epoll_pwait(kq, events,
		    nevents < KQUEUE_EVENTS ? nevents : KQUEUE_EVENTS,
		    milliseconds(timeout), &blocked);
		if (count == -1) {
			return -1;
		}
		pthread_mutex_lock(&knotes_lock);
		for (int i = 0; i < count; i++) {
			if (knote_deliver(
				events[i].data.ptr, &eventlist[used])) {
				used++;
			}
		}
		pthread_mutex_unlock(&knotes_lock);
	} while (used == 0 && count > 0 && timeout == NULL);
	return used;
}
