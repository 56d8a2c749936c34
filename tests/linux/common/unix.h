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

/* What one sendmsg() carries at most (SCM_MAX_FD). */
#define UNIX_FDS_MAX 253

/*
 * type: SOCK_STREAM or SOCK_SEQPACKET, with SOCK_NONBLOCK if wanted. The path
 * appears by rename() when the socket already listens with its final mode:
 * a program that sees it can connect, and a program that watches the directory
 * gets one IN_MOVED_TO. Any file that was at the path is replaced.
 */
int unix_listen(const char *path, int type, mode_t mode, int backlog);

int unix_connect(const char *path, int type);

/* Sends all of data (a stream that is full is waited for). Never SIGPIPE. */
int unix_send(int fd, const void *data, size_t size, const int *fds, int nfds);

/* One message of a SOCK_SEQPACKET, now or not at all (EAGAIN): it never waits
 * for a peer that does not read. */
int unix_send_now(
    int fd, const void *data, size_t size, const int *fds, int nfds);

/*
 * One recvmsg(): its size, 0 at end of file. *nfds: how many fds has room for,
 * then how many came. A message or a descriptor that does not fit is an error
 * (EMSGSIZE), and everything that came with it is closed.
 */
ssize_t unix_receive(int fd, void *data, size_t size, int *fds, int *nfds);

/* The credentials of the process that connected. */
int unix_peer(int fd, struct ucred *peer);

#endif
