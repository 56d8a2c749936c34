// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: frames FD COUNT
 *
 * A measurement that needs no VM: sends COUNT frames of 1514 bytes to the
 * datagram socket FD as fast as it accepts them, and prints the rate in
 * thousands of frames per second. Their destination address is not in use, and
 * their type is the one for local experiments.
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char *argv[])
{
	static const unsigned char header[14] = { 0x02, 0, 0, 0, 0, 1, 0x02, 0,
		0, 0, 0, 2, 0x88, 0xb5 };
	/* A full socket blocks on Linux, and is an error on macOS. */
	static const struct timespec pause = { .tv_nsec = 20000 };
	static char frame[1514];
	double begin = now();
	long sent = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: frames FD COUNT\n");
		return 2;
	}
	memcpy(frame, header, sizeof(header));
	while (sent < atol(argv[2])) {
		if (send(atoi(argv[1]), frame, sizeof(frame), 0) >= 0) {
			sent++;
		} else if (errno == ENOBUFS) {
			nanosleep(&pause, NULL);
		} else {
			err(1, "send");
		}
	}
	printf("%.1f\n", (double)sent / (now() - begin) / 1000);
	return 0;
}
