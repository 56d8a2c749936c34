// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: relay TAP FD
 *
 * The baseline for vmnet-run: the minimal program that moves frames between a
 * datagram socket, which it inherits as descriptor FD, and a tap. Each
 * direction has a thread, which waits in its system call and then moves all
 * frames that have arrived in one batch. Nothing is counted, dropped or
 * checked, and a lost network is not handled.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define FRAME_ROOM 2048

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	char frames[BATCH][FRAME_ROOM];
};

static int tap;
static int guest;
static struct batch to_guest;
static struct batch from_guest;

static void fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void batch_reset(struct batch *batch)
{
	for (int i = 0; i < BATCH; i++) {
		batch->iov[i].iov_base = batch->frames[i];
		batch->iov[i].iov_len = FRAME_ROOM;
		batch->messages[i].msg_hdr =
		    (struct msghdr){ .msg_iov = &batch->iov[i],
			    .msg_iovlen = 1 };
	}
}

static void send_batch(struct batch *batch, int count)
{
	int sent = 0;

	while (sent < count) {
		int some = sendmmsg(guest, batch->messages + sent,
		    (unsigned)(count - sent), MSG_NOSIGNAL);
		if (some < 0) {
			fail("sendmmsg");
		}
		sent += some;
	}
}

/* The tap returns one frame per call, and does not block. */
static void *forward_to_guest(void *unused)
{
	struct pollfd ready = { .fd = tap, .events = POLLIN };

	for (;;) {
		int count = 0;

		batch_reset(&to_guest);
		while (count < BATCH) {
			ssize_t size =
			    read(tap, to_guest.frames[count], FRAME_ROOM);
			if (size < 0 && errno != EAGAIN) {
				fail("tap: read");
			}
			if (size < 0) {
				break;
			}
			to_guest.iov[count++].iov_len = (size_t)size;
		}
		send_batch(&to_guest, count);
		if (count < BATCH && poll(&ready, 1, -1) < 0) {
			fail("poll");
		}
	}
	return unused;
}

/* Waits for the first frame, and reads all others that have arrived. */
static void forward_from_guest(void)
{
	for (;;) {
		int count;

		batch_reset(&from_guest);
		count = recvmmsg(
		    guest, from_guest.messages, BATCH, MSG_WAITFORONE, NULL);
		if (count < 0) {
			fail("recvmmsg");
		}
		for (int i = 0; i < count; i++) {
			/* If the tap is full, the frame is lost, as on a
			 * wire. */
			(void)!write(tap, from_guest.frames[i],
			    from_guest.messages[i].msg_len);
		}
	}
}

static void open_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0) {
		fail(name);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;

	guest = argc == 3 ? atoi(argv[2]) : 0;
	if (guest < 3) {
		fprintf(stderr, "usage: relay TAP FD\n");
		return 2;
	}
	open_tap(argv[1]);
	if (pthread_create(&thread, NULL, forward_to_guest, NULL) != 0) {
		fail("cannot start a thread");
	}
	forward_from_guest();
	return 1;
}
