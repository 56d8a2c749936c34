// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: vmnetctl
 *
 * Prints the state of vmnetd: one line for each network and each interface, in
 * the form name=value. For tests and for debugging.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/unix.h"
#include "../vmnet/vmnet-wire.h"

int main(void)
{
	static char reply[WIRE_MESSAGE_MAX];
	struct wire_header request = { .type = WIRE_DUMP };
	const char *directory = getenv("STANDIN_DIR");
	char path[256];
	ssize_t size;
	int fd;

	log_start("vmnetctl", false);
	snprintf(path, sizeof(path), "%s/%s",
	    directory == NULL ? "/run/standin" : directory, WIRE_SOCKET);
	fd = unix_connect(path, SOCK_SEQPACKET);
	if (fd == -1) {
		log_error("%s: %m", path);
		return 1;
	}
	if (unix_send(fd, &request, sizeof(request), NULL, 0) == -1) {
		log_error("send: %m");
		return 1;
	}
	size = unix_receive(fd, reply, sizeof(reply), NULL, NULL);
	if (size < (ssize_t)sizeof(request)) {
		log_error("no answer");
		return 1;
	}
	size -= (ssize_t)sizeof(request);
	if (fwrite(reply + sizeof(request), 1, (size_t)size, stdout) !=
	    (size_t)size) {
		log_error("stdout: %m");
		return 1;
	}
	return 0;
}
