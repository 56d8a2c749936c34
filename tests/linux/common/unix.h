// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Unix sockets: listen, connect, and messages that carry descriptors. Every
 * descriptor made here is close-on-exec. Failures: -1 with errno.
 */

#ifndef COMMON_UNIX_H
#define COMMON_UNIX_H

#include <sys/socket.h>
#include <sys/types.h>

/* The maximum number of descriptors in one sendmsg() (SCM_MAX_FD). */
#define UNIX_FDS_MAX 253

/*
 * type: SOCK_STREAM or SOCK_SEQPACKET, with SOCK_NONBLOCK if wanted. The path
 * appears by rename() when the socket already listens with its final mode:
 * a program that sees it can connect, and a program that watches the directory
 * gets one IN_MOVED_TO. Any file that was at the path is replaced.
 */
int unix_listen(const char *path, int type, mode_t mode, int backlog);

int unix_connect(const char *path, int type);

/* Sends all of data, and waits while a stream is full. Never raises SIGPIPE. */
int unix_send(int fd, const void *data, size_t size, const int *fds, int nfds);

/* Sends one message on a SOCK_SEQPACKET. It never waits for a peer that does
 * not read, but fails with EAGAIN. */
int unix_send_now(
    int fd, const void *data, size_t size, const int *fds, int nfds);

/*
 * Calls recvmsg() once, and returns the size of the message, or 0 at the end of
 * file. *nfds is the capacity of fds before the call, and the number of
 * received descriptors after it. If the message or a descriptor does not fit,
 * the call fails with EMSGSIZE, and all received descriptors are closed.
 */
ssize_t unix_receive(int fd, void *data, size_t size, int *fds, int *nfds);

/* The credentials of the process that connected. */
int unix_peer(int fd, struct ucred *peer);

#endif
