// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: serve ADDRESS BYTES
 *
 * The host's end of a measurement, since macOS has no HTTP server: it answers
 * every request with BYTES zeros, on a port that it chooses and prints. It
 * serves one client at a time, and runs until it is killed.
 */

#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char zeros[256 * 1024];

static bool write_all(int fd, const char *text, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t some = write(fd, text + done, size - done);
		if (some <= 0) {
			return false;
		}
		done += (size_t)some;
	}
	return true;
}

/* The request ends with an empty line; its content does not matter. */
static bool read_request(int fd)
{
	char text[4096];
	size_t size = 0;

	while (size < sizeof(text) - 1) {
		ssize_t some = read(fd, text + size, sizeof(text) - 1 - size);
		if (some <= 0) {
			return false;
		}
		size += (size_t)some;
		text[size] = '\0';
		if (strstr(text, "\r\n\r\n") != NULL) {
			return true;
		}
	}
	return false;
}

static void answer(int fd, size_t bytes)
{
	char header[128];

	if (!read_request(fd)) {
		return;
	}
	snprintf(header, sizeof(header),
	    "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n", bytes);
	if (!write_all(fd, header, strlen(header))) {
		return;
	}
	while (bytes > 0) {
		size_t some = bytes < sizeof(zeros) ? bytes : sizeof(zeros);
		if (!write_all(fd, zeros, some)) {
			return;
		}
		bytes -= some;
	}
}

int main(int argc, char *argv[])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
		fprintf(stderr, "usage: serve ADDRESS BYTES\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (listener < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
		err(1, "%s", argv[1]);
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0) {
			err(1, "accept");
		}
		answer(fd, strtoul(argv[2], NULL, 10));
		close(fd);
	}
}
