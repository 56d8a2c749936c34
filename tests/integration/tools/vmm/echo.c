// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm.h"

#define ETHERNET_IPV4 0x0800
#define ETHERNET_ARP 0x0806
#define ECHO_SIZE (ETHERNET_SIZE + 28)
#define ECHO_ID 0x564d

static uint8_t request[ECHO_SIZE];

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

void act_answer(char *arguments[])
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
	/* The signal is blocked everywhere else. */
	while (ppoll(&ready, 1, NULL, &none) >= 0) {
		answer(ready.fd, receive(ready.fd, 0), mac, address);
	}
	if (errno != EINTR) {
		err(FAILED, "poll");
	}
}

struct pinger {
	uint8_t mac[6];
	uint8_t address[4];
	uint8_t peer_mac[6];
	uint8_t peer[4];
};

static void send_echo(int fd, const struct pinger *pinger, unsigned sequence)
{
	uint8_t *ip = request + ETHERNET_SIZE;
	uint8_t *icmp = ip + 20;

	memset(request, 0, ECHO_SIZE);
	memcpy(request, pinger->peer_mac, 6);
	memcpy(request + 6, pinger->mac, 6);
	put16(request + 12, ETHERNET_IPV4);
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
	send_all(fd, request, ECHO_SIZE);
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

void act_ping(char *arguments[])
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
