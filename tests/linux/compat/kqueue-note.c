// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The knotes: what a kqueue watches (see kqueue.h).
 */

#include "kqueue.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void knote_signal(struct knote *knote)
{
	uint64_t one = 1;
	ssize_t size = write(knote->fd, &one, sizeof(one));

	(void)size;
}

static void knote_drain(struct knote *knote)
{
	uint64_t count;
	ssize_t size = read(knote->fd, &count, sizeof(count));

	(void)size;
}

/* READ and WRITE. Regular files are always ready. */
static int open_fd(struct knote *knote, uint32_t events)
{
	struct epoll_event event = { .events = events };

	if ((knote->event.flags & EV_CLEAR) != 0) {
		event.events |= EPOLLET;
	}
	knote->fd = epoll_create1(EPOLL_CLOEXEC);
	if (knote->fd == -1) {
		return -1;
	}
	if (epoll_ctl(knote->fd, EPOLL_CTL_ADD, (int)knote->event.ident,
		&event) == 0) {
		return 0;
	}
	if (errno != EPERM) {
		return -1;
	}
	close(knote->fd);
	knote->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	return knote->fd == -1 ? -1 : 0;
}

static void source_event(void *context)
{
	struct knote *knote = context;

	atomic_fetch_add(
	    &knote->count, dispatch_source_get_data(knote->source));
	knote_signal(knote);
}

static void source_gone(void *context)
{
	struct knote *knote = context;

	dispatch_release(knote->source);
	close(knote->fd);
	free(knote);
}

static void set_timer(struct knote *knote)
{
	uint64_t period = (uint64_t)knote->event.data;

	if ((knote->event.fflags & NOTE_SECONDS) != 0) {
		period *= NSEC_PER_SEC;
	} else if ((knote->event.fflags & NOTE_USECONDS) != 0) {
		period *= NSEC_PER_USEC;
	} else if ((knote->event.fflags & NOTE_NSECONDS) == 0) {
		period *= NSEC_PER_MSEC;
	}
	if ((knote->event.fflags & NOTE_ABSOLUTE) != 0) {
		dispatch_source_set_timer(knote->source,
		    dispatch_walltime(&(struct timespec){ 0 }, (int64_t)period),
		    DISPATCH_TIME_FOREVER, 0);
		return;
	}
	dispatch_source_set_timer(knote->source,
	    dispatch_time(DISPATCH_TIME_NOW, (int64_t)period),
	    (knote->event.flags & EV_ONESHOT) != 0 ? DISPATCH_TIME_FOREVER
						   : period,
	    0);
}

static int open_source(
    struct knote *knote, dispatch_source_type_t type, uintptr_t mask)
{
	uintptr_t handle =
	    type == DISPATCH_SOURCE_TYPE_TIMER ? 0 : knote->event.ident;

	knote->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (knote->fd == -1) {
		return -1;
	}
	knote->source = dispatch_source_create(
	    type, handle, mask, dispatch_get_global_queue(0, 0));
	if (knote->source == NULL) {
		errno = EINVAL;
		return -1;
	}
	dispatch_set_context(knote->source, knote);
	dispatch_source_set_event_handler_f(knote->source, source_event);
	dispatch_source_set_cancel_handler_f(knote->source, source_gone);
	if (type == DISPATCH_SOURCE_TYPE_TIMER) {
		set_timer(knote);
	}
	dispatch_activate(knote->source);
	return 0;
}

static int knote_open(struct knote *knote)
{
	switch (knote->event.filter) {
	case EVFILT_READ:
		return open_fd(knote, EPOLLIN | EPOLLRDHUP);
	case EVFILT_WRITE:
		return open_fd(knote, EPOLLOUT);
	case EVFILT_SIGNAL:
		return open_source(knote, DISPATCH_SOURCE_TYPE_SIGNAL, 0);
	case EVFILT_TIMER:
		return open_source(knote, DISPATCH_SOURCE_TYPE_TIMER, 0);
	case EVFILT_PROC:
		if (kill((pid_t)knote->event.ident, 0) != 0 && errno == ESRCH) {
			return -1;
		}
		return open_source(knote, DISPATCH_SOURCE_TYPE_PROC,
		    knote->event.fflags & NOTE_EXIT);
	case EVFILT_USER:
		knote->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		return knote->fd == -1 ? -1 : 0;
	default:
		errno = EINVAL;
		return -1;
	}
}

struct knote *knote_create(int kq, const struct kevent *change)
{
	struct knote *knote = calloc(1, sizeof(*knote));
	int error;

	if (knote == NULL) {
		abort();
	}
	knote->event = *change;
	knote->kq = kq;
	knote->fd = -1;
	if (knote_open(knote) != 0) {
		error = errno;
		if (knote->fd != -1) {
			close(knote->fd);
		}
		free(knote);
		errno = error;
		return NULL;
	}
	return knote;
}

void knote_destroy(struct knote *knote)
{
	if (knote->source != NULL) {
		dispatch_source_cancel(knote->source);
		return; /* source_gone() does the rest */
	}
	close(knote->fd);
	free(knote);
}

void knote_touch(struct knote *knote, const struct kevent *change)
{
	uint32_t flags = change->fflags & NOTE_FFLAGSMASK;

	switch (change->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		knote->fflags &= flags;
		break;
	case NOTE_FFOR:
		knote->fflags |= flags;
		break;
	case NOTE_FFCOPY:
		knote->fflags = flags;
		break;
	}
	if ((change->fflags & NOTE_TRIGGER) != 0) {
		knote_signal(knote);
	}
}

/* Fills in the state of a descriptor, for READ and WRITE. */
static bool report_fd(struct knote *knote, struct kevent *event)
{
	struct epoll_event inner = { 0 };
	int size = 0;

	/* With an eventfd instead of an epoll, it is a regular file. */
	if (epoll_wait(knote->fd, &inner, 1, 0) == 0) {
		return false;
	}
	if ((inner.events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) {
		event->flags |= EV_EOF;
	}
	if (knote->event.filter == EVFILT_WRITE) {
		event->data = 4096;
	} else if (ioctl((int)event->ident, FIONREAD, &size) == 0) {
		event->data = size;
	} else {
		event->data = 1; /* a listening socket: at least one */
	}
	return true;
}

static bool report_exit(struct knote *knote, struct kevent *event)
{
	siginfo_t info = { 0 };

	knote_drain(knote);
	event->fflags = NOTE_EXIT;
	event->flags |= EV_EOF | EV_ONESHOT;
	if ((knote->event.fflags & NOTE_EXITSTATUS) != 0 &&
	    waitid(P_PID, (id_t)event->ident, &info,
		WEXITED | WNOWAIT | WNOHANG) == 0) {
		event->fflags |= NOTE_EXITSTATUS;
		event->data = info.si_code == CLD_EXITED ? info.si_status << 8
							 : info.si_status;
	}
	return true;
}

bool knote_report(struct knote *knote, struct kevent *event)
{
	*event = knote->event;
	event->flags &= (uint16_t) ~(EV_ADD | EV_ENABLE | EV_RECEIPT);
	event->fflags = 0;
	event->data = 0;
	switch (knote->event.filter) {
	case EVFILT_READ:
	case EVFILT_WRITE:
		return report_fd(knote, event);
	case EVFILT_PROC:
		if (kill((pid_t)knote->event.ident, 0) != 0 && errno == ESRCH) {
			return -1;
		}
		return report_exit(knote, event);
	case EVFILT_USER:
		event->fflags = knote->fflags;
		if ((knote->event.flags & EV_CLEAR) != 0) {
			knote_drain(knote);
		}
		return true;
	default:
		knote_drain(knote);
		event->flags |= EV_CLEAR;
		event->data = (intptr_t)atomic_exchange(&knote->count, 0);
		return event->data != 0;
	}
}
