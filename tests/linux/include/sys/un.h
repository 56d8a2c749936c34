// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * macOS's declarations for UNIX sockets. sun_len is stored where the kernel
 * ignores it: after the path, which is as long as on macOS.
 */

#ifndef __APPLE__
#include_next <sys/un.h>
#elif !defined(STANDIN_SYS_UN_H)
#define STANDIN_SYS_UN_H

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

struct sockaddr_un {
	sa_family_t sun_family;
	char sun_path[104];
	unsigned char sun_len;
};

#define SUN_LEN(address)                                                       \
	(offsetof(struct sockaddr_un, sun_path) + strlen((address)->sun_path))

#endif
