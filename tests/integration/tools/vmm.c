// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: vmm ACTION...
 *
 * Replaces a VMM in the tests of examples/programs/vmnet-run.c: it gets the
 * descriptor of a datagram socket and executes these actions in turn:
 *
 *   say TEXT                 prints the text
 *   send FD COUNT SIZE       broadcasts this many frames of any size; waits
 *                            while the socket is full
 *   read FD COUNT SIZE       waits for this many frames of send, and checks
 *                            their size, order and content
 *   drain FD                 reads all pending frames, and prints their number
 *   crawl FD MILLISECONDS    reads one frame, pauses for this time, and repeats
 *                            this until a signal
 *   answer FD MAC ADDRESS    prints "answering ADDRESS", and answers ARP and
 *                            echo requests until SIGTERM
 *   ping FD MAC ADDRESS PEER-MAC PEER
 *                            sends PEER an echo request every 20 ms until a
 *                            signal; prints "PEER answers N" for each reply
 *   wait                     waits for a signal, and prints its name
 *   close FD
 *   exit STATUS
 *   kill SIGNAL              itself, by number
 *
 * If an action fails, it prints a message and exits with status 9.
 */

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/vmm.h"

/* The EtherType for experiments: network stacks ignore it. */
#define ETHERNET_OURS 0x88b5

uint8_t frame[FRAME_MAX];
static uint8_t wanted[FRAME_MAX];

static const struct {
	int number;
	const char *name;
} signals[] = { { SIGINT, "INT" }, { SIGTERM, "TERM" }, { SIGHUP, "HUP" },
	{ SIGQUIT, "QUIT" }, { SIGUSR1, "USR1" }, { SIGUSR2, "USR2" } };
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

long number(const char *text)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < 0) {
		errx(FAILED, "not a number: %s", text);
	}
	return value;
}

static size_t frame_size(const char *text)
{
	long size = number(text);

	if (size > FRAME_MAX) {
		errx(FAILED, "too long: %s", text);
	}
	return (size_t)size;
}

static void put_line(const char *text)
{
	puts(text);
	fflush(stdout);
}

/* A test frame: a broadcast from an unused address, with a number and a
 * pattern. */
static void frame_fill(uint8_t *bytes, size_t size, uint32_t sequence)
{
	memset(bytes, 0xff, 6);
	memcpy(bytes + 6, "\x52\x54\x00\x00\x00\x01", 6);
	put16(bytes + 12, ETHERNET_OURS);
	put16(bytes + 14, sequence >> 16);
	put16(bytes + 16, sequence & 0xffff);
	for (size_t i = 18; i < size; i++) {
		bytes[i] = (uint8_t)(i + sequence);
	}
}

void send_all(int fd, const uint8_t *bytes, size_t size)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	ssize_t sent = send(fd, bytes, size, 0);

	while (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
		if (poll(&room, 1, -1) < 0) {
			err(FAILED, "poll");
		}
		sent = send(fd, bytes, size, 0);
	}
	if (sent < 0) {
		err(FAILED, "send");
	}
}

/* send FD COUNT SIZE */
static void act_send(char *arguments[])
{
	int fd = (int)number(arguments[0]);
	long count = number(arguments[1]);
	size_t size = frame_size(arguments[2]);

	for (long i = 0; i < count; i++) {
		frame_fill(frame, size, (uint32_t)i);
		send_all(fd, frame, size);
	}
}

size_t receive(int fd, int flags)
{
	ssize_t size = recv(fd, frame, sizeof(frame), flags);

	if (size < 0 && errno != EAGAIN) {
		err(FAILED, "recv");
	}
	return size < 0 ? 0 : (size_t)size;
}

static bool is_ours(size_t size)
{
	return size >= ETHERNET_SIZE && get16(frame + 12) == ETHERNET_OURS;
}

/* read FD COUNT SIZE */
static void act_read(char *arguments[])
{
	int fd = (int)number(arguments[0]);
	long count = number(arguments[1]);
	size_t expected = frame_size(arguments[2]);
	long i = 0;

	while (i < count) {
		size_t size = receive(fd, 0);
		if (!is_ours(size)) {
			continue;
		}
		frame_fill(wanted, expected, (uint32_t)i);
		if (size != expected || memcmp(frame, wanted, size) != 0) {
			errx(FAILED, "frame %ld: %zu bytes, number %u", i, size,
			    get16(frame + 16));
		}
		i++;
	}
	printf("read %ld frames\n", count);
	fflush(stdout);
}

/* drain FD */
static void act_drain(char *arguments[])
{
	int fd = (int)number(arguments[0]);
	long count = 0;

	while (receive(fd, MSG_DONTWAIT) > 0) {
		count++;
	}
	printf("drained %ld frames\n", count);
	fflush(stdout);
}

/* crawl FD MILLISECONDS */
static void act_crawl(char *arguments[])
{
	int fd = (int)number(arguments[0]);
	long pace = number(arguments[1]);
	const struct timespec time = { pace / 1000, pace % 1000 * 1000000 };
	sigset_t set;

	sigfillset(&set);
	put_line("crawling");
	while (sigtimedwait(&set, NULL, &time) < 0) {
		(void)receive(fd, MSG_DONTWAIT);
	}
}

static sigset_t all_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		sigaddset(&set, signals[i].number);
	}
	return set;
}

static void act_wait(char *arguments[])
{
	sigset_t set = all_signals();
	int got = 0;

	(void)arguments;
	if (sigwait(&set, &got) != 0) {
		err(FAILED, "sigwait");
	}
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		if (signals[i].number == got) {
			put_line(signals[i].name);
		}
	}
}

static void act_say(char *arguments[])
{
	put_line(arguments[0]);
}

static void act_close(char *arguments[])
{
	if (close((int)number(arguments[0])) != 0) {
		err(FAILED, "close");
	}
}

static void act_exit(char *arguments[])
{
	exit((int)number(arguments[0]));
}

static void act_kill(char *arguments[])
{
	sigset_t set = all_signals();

	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise((int)number(arguments[0]));
	errx(FAILED, "still alive");
}

static const struct action {
	const char *name;
	int arguments;
	void (*act)(char *arguments[]);
} actions[] = {
	{ "say", 1, act_say },
	{ "send", 3, act_send },
	{ "read", 3, act_read },
	{ "drain", 1, act_drain },
	{ "crawl", 2, act_crawl },
	{ "answer", 3, act_answer },
	{ "ping", 5, act_ping },
	{ "wait", 0, act_wait },
	{ "close", 1, act_close },
	{ "exit", 1, act_exit },
	{ "kill", 1, act_kill },
};
#define ACTION_COUNT (sizeof(actions) / sizeof(actions[0]))

static const struct action *find(const char *name)
{
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (strcmp(actions[i].name, name) == 0) {
			return &actions[i];
		}
	}
	errx(FAILED, "no such action: %s", name);
}

int main(int argc, char *argv[])
{
	sigset_t set = all_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i < argc;) {
		const struct action *action = find(argv[i]);
		i++;
		if (i + action->arguments > argc) {
			errx(FAILED, "%s: too few arguments", action->name);
		}
		action->act(argv + i);
		i += action->arguments;
	}
	return 0;
}
