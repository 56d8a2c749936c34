// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * kqueue(2) built on epoll: each knote has a descriptor that is readable while
 * there is an event, and the kqueue is an epoll of all of them. READ and
 * WRITE have an epoll of their own in between, since one epoll knows a
 * descriptor only once; SIGNAL, TIMER and PROC are dispatch sources that feed
 * an eventfd.
 */

#ifndef KQUEUE_INTERNAL_H
#define KQUEUE_INTERNAL_H

#include "../dispatch/dispatch-internal.h"

#include <sys/event.h>

struct knote {
	struct knote *next;
	struct kevent event; /* as it was added */
	int kq;
	int fd; /* readable while there is an event */
	bool disabled;
	dispatch_source_t source;
	atomic_ulong count; /* signals, expirations */
	uint32_t fflags;    /* of USER */
};

/* NULL and errno. The knote is not in any kqueue yet. */
struct knote *knote_create(int kq, const struct kevent *change);
void knote_destroy(struct knote *knote);

/* Fills in the event; returns false if there is none after all. */
bool knote_report(struct knote *knote, struct kevent *event);

/* EVFILT_USER: NOTE_TRIGGER, and the arithmetic of fflags. */
void knote_touch(struct knote *knote, const struct kevent *change);

#endif
