/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * Usage: vmnetctl
 *
 * Prints what vmnetd has: a line for each network and for each interface, in
 * words of the form name=value.  For tests, and for people who look on.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../vmnet/vmnet-wire.h"

static int connect_to_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *directory = getenv("STANDIN_DIR");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
		directory == NULL ? "/run/standin" : directory,
		WIRE_SOCKET) >= (int)sizeof(address.sun_path)) {
		fprintf(stderr, "vmnetctl: STANDIN_DIR is too long\n");
		exit(1);
	}
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		perror(address.sun_path);
		exit(1);
	}
	return fd;
}

int main(void)
{
	static char reply[WIRE_MESSAGE_MAX];
	struct wire_header request = { .type = WIRE_DUMP };
	int fd = connect_to_server();
	ssize_t size;

	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0) {
		perror("vmnetctl: send");
		return 1;
	}
	size = recv(fd, reply, sizeof(reply), 0);
	if (size < (ssize_t)sizeof(request)) {
		fprintf(stderr, "vmnetctl: no answer\n");
		return 1;
	}
	size -= (ssize_t)sizeof(request);
	if (fwrite(reply + sizeof(request), 1, (size_t)size, stdout) !=
	    (size_t)size) {
		perror("vmnetctl");
		return 1;
	}
	return 0;
}
