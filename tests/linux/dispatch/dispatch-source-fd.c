// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Sources that wait for a descriptor: the program's (read, write), or one that
 * stands for a process (pidfd) or a file (inotify). A watch is paused from when
 * it reports until the handler has run.
 */

#include "dispatch-source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void watch_report(void *context, uint32_t events)
{
	struct dispatch_source_s *source = context;
	struct system_watch *watch;

	pthread_mutex_lock(&source->lock);
	watch = source->watch;
	if (watch != NULL) {
		system_watch_set_events(watch, 0);
	}
	pthread_mutex_unlock(&source->lock);
	if (watch != NULL) {
		source_merge(source, 1);
	}
}

void source_watch(struct dispatch_source_s *source, int fd, uint32_t events)
{
	source->watch = system_watch_create(
	    fd, events | EPOLLONESHOT, source, watch_report);
}

static void watch_closed(void *context)
{
	struct dispatch_source_s *source = context;

	if (source->fd != -1) {
		close(source->fd);
	}
	source_disarmed(source);
}

void source_watch_disarm(struct dispatch_source_s *source)
{
	struct system_watch *watch = source->watch;

	source->watch = NULL;
	if (watch == NULL) {
		source_disarmed(source);
	} else {
		system_watch_destroy(watch, watch_closed);
	}
}

/*
 * Read and write
 */
static bool fd_check(uintptr_t handle, uintptr_t mask)
{
	return handle <= INT32_MAX;
}

static void fd_arm(struct dispatch_source_s *source, uint32_t events)
{
	source_watch(source, (int)source->handle, events);
	if (source->watch == NULL) {
		system_fatal("LIBDISPATCH: %s source of %d, which is no open "
			     "descriptor",
		    source->type->name, (int)source->handle);
	}
}

static void read_arm(struct dispatch_source_s *source)
{
	fd_arm(source, EPOLLIN | EPOLLRDHUP);
}

static void fd_rearm(struct dispatch_source_s *source, uint32_t events)
{
	if (source->watch != NULL) {
		system_watch_set_events(source->watch, events | EPOLLONESHOT);
	}
}

static void read_rearm(struct dispatch_source_s *source)
{
	fd_rearm(source, EPOLLIN | EPOLLRDHUP);
}

/* An estimate of the readable bytes; for a file, the remaining bytes. */
static uintptr_t read_data(struct dispatch_source_s *source, uintptr_t data)
{
	int fd = (int)source->handle;
	struct stat status;
	off_t offset;
	int size = 0;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		offset = lseek(fd, 0, SEEK_CUR);
		return offset < status.st_size
		    ? (uintptr_t)(status.st_size - offset)
		    : 0;
	}
	if (ioctl(fd, FIONREAD, &size) == -1) {
		return 1; /* a listening socket: at least one */
	}
	return (uintptr_t)size;
}

static void write_arm(struct dispatch_source_s *source)
{
	fd_arm(source, EPOLLOUT);
}

static void write_rearm(struct dispatch_source_s *source)
{
	fd_rearm(source, EPOLLOUT);
}

/* An estimate of the room in the buffer. */
static uintptr_t write_data(struct dispatch_source_s *source, uintptr_t data)
{
	return 4096;
}

const struct dispatch_source_type_s _dispatch_source_type_read = {
	.name = "read",
	.merge = SOURCE_OR,
	.zero = true,
	.check = fd_check,
	.arm = read_arm,
	.rearm = read_rearm,
	.disarm = source_watch_disarm,
	.data = read_data,
};

const struct dispatch_source_type_s _dispatch_source_type_write = {
	.name = "write",
	.merge = SOURCE_OR,
	.zero = true,
	.check = fd_check,
	.arm = write_arm,
	.rearm = write_rearm,
	.disarm = source_watch_disarm,
	.data = write_data,
};

/*
 * Processes. Only their exit can be observed.
 */
static bool proc_check(uintptr_t handle, uintptr_t mask)
{
	return (mask & DISPATCH_PROC_EXIT) != 0;
}

/* On the source's queue. */
static void proc_gone(void *context)
{
	source_merge(context, 1);
	object_release(context);
}

static void proc_arm(struct dispatch_source_s *source)
{
	source->fd = (int)syscall(SYS_pidfd_open, (pid_t)source->handle, 0);
	if (source->fd != -1) {
		source_watch(source, source->fd, EPOLLIN);
		return;
	}
	/* It has already exited: macOS also reports the exit immediately. */
	object_retain(source);
	queue_async(source->queue, proc_gone, source);
}

static uintptr_t proc_data(struct dispatch_source_s *source, uintptr_t data)
{
	return DISPATCH_PROC_EXIT;
}

const struct dispatch_source_type_s _dispatch_source_type_proc = {
	.name = "proc",
	.merge = SOURCE_OR,
	.check = proc_check,
	.arm = proc_arm,
	.disarm = source_watch_disarm,
	.data = proc_data,
};

/*
 * Files
 */
static const struct {
	uintptr_t vnode;
	uint32_t inotify;
} vnode_events[] = {
	{ DISPATCH_VNODE_DELETE, IN_DELETE_SELF | IN_ATTRIB },
	{ DISPATCH_VNODE_WRITE, IN_MODIFY | IN_CREATE | IN_DELETE },
	{ DISPATCH_VNODE_EXTEND, IN_MODIFY },
	{ DISPATCH_VNODE_ATTRIB, IN_ATTRIB },
	{ DISPATCH_VNODE_LINK, IN_ATTRIB },
	{ DISPATCH_VNODE_RENAME, IN_MOVE_SELF },
};

#define VNODE_EVENTS (sizeof(vnode_events) / sizeof(vnode_events[0]))

static void vnode_arm(struct dispatch_source_s *source)
{
	char path[64];
	uint32_t mask = 0;

	for (size_t i = 0; i < VNODE_EVENTS; i++) {
		if ((source->mask & vnode_events[i].vnode) != 0) {
			mask |= vnode_events[i].inotify;
		}
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)source->handle);
	source->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (source->fd == -1 ||
	    inotify_add_watch(source->fd, path, mask) == -1) {
		system_fatal(
		    "LIBDISPATCH: vnode source of %d: %m", (int)source->handle);
	}
	source_watch(source, source->fd, EPOLLIN);
}

static void vnode_rearm(struct dispatch_source_s *source)
{
	fd_rearm(source, EPOLLIN);
}

/* The program holds the file open: the last unlink shows as an attribute. */
static uint32_t vnode_unlinked(const struct dispatch_source_s *source)
{
	struct stat status;

	if (fstat((int)source->handle, &status) == 0 && status.st_nlink == 0) {
		return IN_DELETE_SELF;
	}
	return 0;
}

static uintptr_t vnode_data(struct dispatch_source_s *source, uintptr_t data)
{
	char buffer[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	uint32_t seen = 0;
	ssize_t size;

	size = read(source->fd, buffer, sizeof(buffer));
	for (ssize_t at = 0; at < size;
	     at += (ssize_t)sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(buffer + at);
		seen |= event->mask;
	}
	seen |= vnode_unlinked(source);
	data = 0;
	for (size_t i = 0; i < VNODE_EVENTS; i++) {
		if ((seen & vnode_events[i].inotify) != 0) {
			data |= vnode_events[i].vnode;
		}
	}
	if ((seen & IN_DELETE_SELF) == 0) {
		data &= ~(uintptr_t)DISPATCH_VNODE_DELETE;
	}
	return data & source->mask;
}

const struct dispatch_source_type_s _dispatch_source_type_vnode = {
	.name = "vnode",
	.merge = SOURCE_OR,
	.check = fd_check,
	.arm = vnode_arm,
	.rearm = vnode_rearm,
	.disarm = source_watch_disarm,
	.data = vnode_data,
};
