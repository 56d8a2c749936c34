// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: vmm ACTION...
 *
 * Stands for a VMM in the tests of examples/programs/vmnet-run.c: it gets the descriptor
 * of a datagram socket and does, one after the other,
 *
 *   say TEXT                 prints it
 *   send FD COUNT SIZE       sends so many frames to everybody, whatever SIZE
 *                            is; waits while the socket has no room
 *   read FD COUNT SIZE       waits for so many frames of send's, which have to
 *                            have that size, be in order and unharmed
 *   drain FD                 reads all that is there, and prints how much
 *   crawl FD MILLISECONDS    reads a frame, then nothing for so long, and so on
 *                            until a signal
 *   answer FD MAC ADDRESS    says so, and answers ARP and echo requests
 *                            until SIGTERM
 *   ping FD MAC ADDRESS PEER-MAC PEER
 *                            asks PEER for an echo, 20 ms after the last one,
 *                            until a signal; prints "PEER answers N" for each
 *                            answer
 *   wait                     waits for a signal, and prints its name
 *   close FD
 *   exit STATUS
 *   kill SIGNAL              itself, by number
 *
 * What cannot be done ends it with a message and status 9.
 */

#include <arpa/inet.h>
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

#define FAILED 9

#define FRAME_MAX 65536
#define ETHERNET_SIZE 14
#define ETHERNET_IPV4 0x0800
#define ETHERNET_ARP 0x0806
/* For experiments: no network stack listens. */
#define ETHERNET_OURS 0x88b5

static uint8_t frame[FRAME_MAX];
static uint8_t wanted[FRAME_MAX];

static const struct {
	int number;
	const char *name;
} signals[] = { { SIGINT, "INT" }, { SIGTERM, "TERM" }, { SIGHUP, "HUP" },
	{ SIGQUIT, "QUIT" }, { SIGUSR1, "USR1" }, { SIGUSR2, "USR2" } };
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static long number(const char *text)
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

/* A frame of ours: from nobody to everybody, a number, and a pattern. */
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

static void send_all(int fd, const uint8_t *bytes, size_t size)
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

static size_t receive(int fd, int flags)
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

static void handle_signal(int number)
{
	(void)number;
}

static uint16_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++) {
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	}
	while (sum > 0xffff) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

/* The request becomes the reply, if it is for us. */
static bool answer_arp(size_t size, const uint8_t *mac, const uint8_t *address)
{
	uint8_t *arp = frame + ETHERNET_SIZE;

	if (size < ETHERNET_SIZE + 28 || get16(arp + 6) != 1 ||
	    memcmp(arp + 24, address, 4) != 0) {
		return false;
	}
	put16(arp + 6, 2);
	memcpy(arp + 18, arp + 8, 10);
	memcpy(arp + 8, mac, 6);
	memcpy(arp + 14, address, 4);
	return true;
}

static bool answer_echo(size_t size, const uint8_t *address)
{
	uint8_t *ip = frame + ETHERNET_SIZE;
	uint8_t *icmp = ip + 20;

	if (size < ETHERNET_SIZE + 28 || ip[0] != 0x45 || ip[9] != 1 ||
	    memcmp(ip + 16, address, 4) != 0 || icmp[0] != 8 ||
	    get16(ip + 2) < 28 || get16(ip + 2) > size - ETHERNET_SIZE) {
		return false;
	}
	memcpy(ip + 16, ip + 12, 4);
	memcpy(ip + 12, address, 4);
	icmp[0] = 0;
	put16(icmp + 2, 0);
	put16(icmp + 2, checksum(icmp, (size_t)get16(ip + 2) - 20));
	return true;
}

static void answer(
    int fd, size_t size, const uint8_t *mac, const uint8_t *address)
{
	bool known = false;

	if (size < ETHERNET_SIZE) {
		return;
	}
	if (get16(frame + 12) == ETHERNET_ARP) {
		known = answer_arp(size, mac, address);
	} else if (get16(frame + 12) == ETHERNET_IPV4) {
		known = answer_echo(size, address);
	}
	if (known) {
		memcpy(frame, frame + 6, 6);
		memcpy(frame + 6, mac, 6);
		send_all(fd, frame, size);
	}
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
		&mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
		errx(FAILED, "not a MAC address: %s", text);
	}
}

static void parse_address(const char *text, uint8_t address[4])
{
	if (inet_pton(AF_INET, text, address) != 1) {
		errx(FAILED, "not an IPv4 address: %s", text);
	}
}

/* answer FD MAC ADDRESS */
static void act_answer(char *arguments[])
{
	struct pollfd ready = { .fd = (int)number(arguments[0]),
		.events = POLLIN };
	struct sigaction action = { .sa_handler = handle_signal };
	sigset_t none;
	uint8_t address[4];
	uint8_t mac[6];

	parse_mac(arguments[1], mac);
	parse_address(arguments[2], address);
	sigemptyset(&none);
	sigaction(SIGTERM, &action, NULL);
	printf("answering %s\n", arguments[2]);
	fflush(stdout);
	/* The signal is blocked but here. */
	while (ppoll(&ready, 1, NULL, &none) >= 0) {
		answer(ready.fd, receive(ready.fd, 0), mac, address);
	}
	if (errno != EINTR) {
		err(FAILED, "poll");
	}
}

#define ECHO_SIZE (ETHERNET_SIZE + 28)
#define ECHO_ID 0x564d

struct pinger {
	uint8_t mac[6];
	uint8_t address[4];
	uint8_t peer_mac[6];
	uint8_t peer[4];
};

static void send_echo(int fd, const struct pinger *pinger, unsigned sequence)
{
	uint8_t *ip = wanted + ETHERNET_SIZE;
	uint8_t *icmp = ip + 20;

	memset(wanted, 0, ECHO_SIZE);
	memcpy(wanted, pinger->peer_mac, 6);
	memcpy(wanted + 6, pinger->mac, 6);
	put16(wanted + 12, ETHERNET_IPV4);
	ip[0] = 0x45;
	put16(ip + 2, 28);
	ip[8] = 64;
	ip[9] = 1;
	memcpy(ip + 12, pinger->address, 4);
	memcpy(ip + 16, pinger->peer, 4);
	put16(ip + 10, checksum(ip, 20));
	icmp[0] = 8;
	put16(icmp + 4, ECHO_ID);
	put16(icmp + 6, sequence & 0xffff);
	put16(icmp + 2, checksum(icmp, 8));
	send_all(fd, wanted, ECHO_SIZE);
}

static bool is_echo(size_t size, const struct pinger *pinger)
{
	const uint8_t *ip = frame + ETHERNET_SIZE;

	return size >= ECHO_SIZE && memcmp(frame, pinger->mac, 6) == 0 &&
	    get16(frame + 12) == ETHERNET_IPV4 && ip[9] == 1 &&
	    memcmp(ip + 12, pinger->peer, 4) == 0 &&
	    memcmp(ip + 16, pinger->address, 4) == 0 && ip[20] == 0 &&
	    get16(ip + 24) == ECHO_ID;
}

/* ping FD MAC ADDRESS PEER-MAC PEER */
static void act_ping(char *arguments[])
{
	const struct timespec pause = { 0, 20 * 1000000 };
	int fd = (int)number(arguments[0]);
	struct pinger pinger;
	sigset_t set;
	unsigned answers = 0;

	parse_mac(arguments[1], pinger.mac);
	parse_address(arguments[2], pinger.address);
	parse_mac(arguments[3], pinger.peer_mac);
	parse_address(arguments[4], pinger.peer);
	sigfillset(&set);
	for (unsigned i = 0; sigtimedwait(&set, NULL, &pause) < 0; i++) {
		size_t size = 0;
		do {
			size = receive(fd, MSG_DONTWAIT);
			if (is_echo(size, &pinger)) {
				answers++;
				printf(
				    "%s answers %u\n", arguments[4], answers);
				fflush(stdout);
			}
		} while (size > 0);
		send_echo(fd, &pinger, i);
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
			errx(FAILED, "%s: too few words", action->name);
		}
		action->act(argv + i);
		i += action->arguments;
	}
	return 0;
}
