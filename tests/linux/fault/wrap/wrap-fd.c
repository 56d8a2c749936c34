// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Linked into the program: calls that create descriptors, which a test can make
 * fail, and the features of macOS's open() and fcntl() that Linux does not
 * have. The names are those of ld's --wrap (see names).
 */

#define __APPLE__ 1
#include "../standin-internal.h"
#include "wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

int __real_open(const char *path, int flags, ...);
int __real_openat(int at, const char *path, int flags, ...);
int __real_dup(int fd);
int __real_dup2(int fd, int to);
int __real_dup3(int fd, int to, int flags);
int __real_socket(int family, int type, int protocol);
int __real_socketpair(int family, int type, int protocol, int fds[2]);
int __real_accept(int fd, struct sockaddr *address, socklen_t *size);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int f);
int __real_pipe(int fds[2]);
int __real_pipe2(int fds[2], int flags);
int __real_fcntl(int fd, int command, ...);

int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
int __wrap_openat64(int at, const char *path, int flags, ...);
int __wrap_dup(int fd);
int __wrap_dup2(int fd, int to);
int __wrap_dup3(int fd, int to, int flags);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socketpair(int family, int type, int protocol, int fds[2]);
int __wrap_accept(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int f);
int __wrap_pipe(int fds[2]);
int __wrap_pipe2(int fds[2], int flags);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);

static bool refuse(void)
{
	if (standin_fault("fd")) {
		errno = EMFILE;
		return true;
	}
	return false;
}

/* The file is locked before it is cut. */
static int open_locked(int at, const char *path, int flags, mode_t mode)
{
	int plain = flags & ~(O_EXLOCK | O_SHLOCK | O_TRUNC);
	int lock = (flags & O_EXLOCK) != 0 ? LOCK_EX : LOCK_SH;
	int fd = __real_openat(at, path, plain, mode);
	int failure;

	if (fd == -1) {
		return -1;
	}
	if ((flags & O_NONBLOCK) != 0) {
		lock |= LOCK_NB;
	}
	if (flock(fd, lock) == 0 &&
	    ((flags & O_TRUNC) == 0 || ftruncate(fd, 0) == 0)) {
		return fd;
	}
	failure = errno;
	close(fd);
	errno = failure;
	return -1;
}

static int openat_mode(int at, const char *path, int flags, mode_t mode)
{
	if (refuse()) {
		return -1;
	}
	if ((flags & (O_EXLOCK | O_SHLOCK)) != 0) {
		return open_locked(at, path, flags, mode);
	}
	return __real_openat(at, path, flags, mode);
}

/* Only these two read the mode. */
static bool has_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE(mode, flags)                                                      \
	do {                                                                   \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, flags);                                           \
		mode = has_mode(flags) ? va_arg(ap, mode_t) : 0;               \
		va_end(ap);                                                    \
	} while (0)

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode;

	MODE(mode, flags);
	return openat_mode(AT_FDCWD, path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode;

	MODE(mode, flags);
	return openat_mode(AT_FDCWD, path, flags, mode);
}

int __wrap_openat(int at, const char *path, int flags, ...)
{
	mode_t mode;

	MODE(mode, flags);
	return openat_mode(at, path, flags, mode);
}

int __wrap_openat64(int at, const char *path, int flags, ...)
{
	mode_t mode;

	MODE(mode, flags);
	return openat_mode(at, path, flags, mode);
}

int __wrap_dup(int fd)
{
	return refuse() ? -1 : __real_dup(fd);
}

int __wrap_dup2(int fd, int to)
{
	return refuse() ? -1 : __real_dup2(fd, to);
}

int __wrap_dup3(int fd, int to, int flags)
{
	return refuse() ? -1 : __real_dup3(fd, to, flags);
}

int __wrap_socket(int family, int type, int protocol)
{
	int fd = refuse() ? -1 : __real_socket(family, type, protocol);

	if (fd != -1) {
		standin_datagram_created(fd);
	}
	return fd;
}

int __wrap_socketpair(int family, int type, int protocol, int fds[2])
{
	if (refuse() || __real_socketpair(family, type, protocol, fds) == -1) {
		return -1;
	}
	standin_datagram_created(fds[0]);
	standin_datagram_created(fds[1]);
	return 0;
}

int __wrap_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return refuse() ? -1 : __real_accept(fd, address, size);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int f)
{
	return refuse() ? -1 : __real_accept4(fd, address, size, f);
}

int __wrap_pipe(int fds[2])
{
	return refuse() ? -1 : __real_pipe(fds);
}

int __wrap_pipe2(int fds[2], int flags)
{
	return refuse() ? -1 : __real_pipe2(fds, flags);
}

static int get_path(int fd, char *path)
{
	char link[32];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, path, MAXPATHLEN - 1);
	if (size == -1) {
		errno = EBADF;
		return -1;
	}
	path[size] = '\0';
	return 0;
}

static int fcntl_any(int fd, int command, void *argument)
{
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && refuse()) {
		return -1;
	}
	switch (command) {
	case F_FULLFSYNC:
		return fsync(fd);
	case F_GETPATH:
		return get_path(fd, argument);
	case F_SETNOSIGPIPE:
		return standin_ignore_sigpipe((int)(intptr_t)argument);
	default:
		return __real_fcntl(fd, command, argument);
	}
}

/* The third argument is an int, a pointer or missing: all fit a pointer. */
#define ARGUMENT(argument, command)                                            \
	do {                                                                   \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, command);                                         \
		argument = va_arg(ap, void *);                                 \
		va_end(ap);                                                    \
	} while (0)

int __wrap_fcntl(int fd, int command, ...)
{
	void *argument;

	ARGUMENT(argument, command);
	return fcntl_any(fd, command, argument);
}

int __wrap_fcntl64(int fd, int command, ...)
{
	void *argument;

	ARGUMENT(argument, command);
	return fcntl_any(fd, command, argument);
}
