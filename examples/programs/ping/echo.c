// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: the echo requests, and the counts at the end.
 *
 * One echo request at a time: the next is sent when the last one was answered
 * or timed out, and the interval is over.
 */

#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PING_DATA = 56 }; /* bytes, as ping(8) */

static struct {
	ipv4 target;
	uint16_t id;
	unsigned sent;
	unsigned answered;
	double sent_at;
	bool waiting; /* for the answer to the last one sent */
} ping;

void ping_finish(void)
{
	if (ping.sent > 0) {
		printf("%u packet%s sent, %u received\n", ping.sent,
		    ping.sent == 1 ? "" : "s", ping.answered);
	}
	finish(ping.answered == ping.sent ? STATUS_OK : STATUS_LOST);
}

static void ping_next(void);

void ping_wait(void)
{
	double rest = ping.sent_at + options.interval - seconds_now();

	ping.waiting = false;
	timer_stop(&step_timer);
	if (ping.sent < options.count) {
		timer_start(&step_timer, rest > 0 ? rest : 0, ping_next);
	} else if (options.hold) {
		printf(
		    "holding %s until interrupted\n", ip_text(lease.address).s);
	} else {
		ping_finish();
	}
}

static void ping_timeout(void)
{
	printf("no answer from %s: icmp_seq=%u\n", ip_text(ping.target).s,
	    ping.sent);
	ping_wait();
}

/* The data are the numbers from 0, as ping(8) sends them. */
static void ping_fill(uint8_t *message, uint8_t type)
{
	struct echo *echo = (struct echo *)message;

	*echo = (struct echo){ .type = type };
	put16(echo->id, ping.id);
	put16(echo->sequence, ping.sent);
	for (size_t i = 0; i < PING_DATA; i++) {
		message[sizeof(*echo) + i] = (uint8_t)i;
	}
	put16(echo->checksum,
	    sum_finish(sum_add(0, message, sizeof(*echo) + PING_DATA)));
}

static void ping_next(void)
{
	uint8_t message[sizeof(struct echo) + PING_DATA];

	ping.sent++;
	ping.sent_at = seconds_now();
	ping.waiting = true;
	timer_start(&step_timer, options.timeout, ping_timeout);
	ping_fill(message, ECHO_REQUEST);
	ip_send(ping.target, IP_ICMP, message, sizeof(message));
}

void ping_start(ipv4 target)
{
	struct text text = ip_text(target);
	const char *name = options.target == NULL ? text.s : options.target;

	if (!is_reachable(target)) {
		fail("%s: not on the network %s, which has no gateway", name,
		    options.network);
		return;
	}
	printf("PING %s", name);
	if (strcmp(name, text.s) != 0) {
		printf(" (%s)", text.s);
	}
	printf(": %d data bytes\n", PING_DATA);
	ping.target = target;
	ping.id = (uint16_t)arc4random();
	ping_wait();
}

/* Only a reply that is what we expect, to the byte, counts. */
void ping_receive(ipv4 from, const uint8_t *message, size_t size)
{
	uint8_t expected[sizeof(struct echo) + PING_DATA];
	double elapsed = seconds_now() - ping.sent_at;

	ping_fill(expected, ECHO_REPLY);
	if (!ping.waiting || from != ping.target || size != sizeof(expected) ||
	    memcmp(message, expected, size) != 0) {
		return;
	}
	ping.answered++;
	printf("%zu bytes from %s: icmp_seq=%u time=%.3f ms\n", size,
	    ip_text(from).s, ping.sent, elapsed * 1000);
	ping_wait();
}
