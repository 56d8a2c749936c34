// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What <sys/socket.h> and <sys/un.h> have on macOS and not on Linux. cc sends a
 * program's setsockopt() and getsockopt() through libstandinwrap.a, which knows
 * these options.
 */

#include_next <sys/socket.h>

#if defined(__APPLE__) && !defined(STANDIN_SYS_SOCKET_H)
#define STANDIN_SYS_SOCKET_H

/* Our own numbers: Linux uses Apple's for other options. */
#define SOL_LOCAL 0x6c6f63
#define LOCAL_PEERCRED 0x001
#define LOCAL_PEERPID 0x002
#define LOCAL_PEEREPID 0x003

/* Setting it on one socket disables SIGPIPE for the whole process. */
#define SO_NOSIGPIPE 0x1022

/* As in Apple's sources; programs on macOS declare these themselves. */
#ifdef PRIVATE
struct msghdr_x {
	void *msg_name;
	socklen_t msg_namelen;
	struct iovec *msg_iov;
	int msg_iovlen;
	void *msg_control;
	socklen_t msg_controllen;
	int msg_flags;
	size_t msg_datalen; /* out: bytes of this message */
};

#ifdef __cplusplus
extern "C" {
#endif

/* The number of messages transferred; -1 and errno if there is none. */
ssize_t sendmsg_x(
    int fd, const struct msghdr_x *messages, unsigned int count, int flags);
ssize_t recvmsg_x(
    int fd, const struct msghdr_x *messages, unsigned int count, int flags);

#ifdef __cplusplus
}
#endif
#endif

#endif
