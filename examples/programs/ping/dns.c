// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: DNS, one question: the IPv4 address of a name.
 */

#include "guest.h"

#include <stdlib.h>
#include <string.h>

enum { DNS_TRIES = 3, DNS_NAME_MAX = 253 };
enum { DNS_A = 1, DNS_IN = 1, DNS_NO_SUCH_NAME = 3 };

struct dns {
	uint8_t id[2];
	uint8_t flags; /* 0x80: a response, 1: recursion desired */
	uint8_t code;  /* low 4 bits: the error */
	uint8_t questions[2];
	uint8_t answers[2];
	uint8_t authorities[2];
	uint8_t additional[2];
};

static struct {
	uint8_t query[sizeof(struct dns) + DNS_NAME_MAX + 2 + 4];
	size_t size; /* of the query; 0: no query is pending */
	uint16_t port;
	unsigned tries;
} dns;

/* Length and bytes of each label, then an empty label. False: invalid name. */
static bool dns_put_name(const char *name)
{
	if (strlen(name) > DNS_NAME_MAX) {
		return false;
	}
	while (*name != '\0') {
		size_t length = strcspn(name, ".");

		if (length == 0 || length > 63) {
			return false;
		}
		dns.query[dns.size++] = (uint8_t)length;
		memcpy(dns.query + dns.size, name, length);
		dns.size += length;
		name += length;
		name += *name == '.';
	}
	dns.query[dns.size++] = 0;
	return true;
}

static void dns_try(void)
{
	if (dns.tries == DNS_TRIES) {
		fail("%s: no DNS server answered", options.target);
		return;
	}
	dns.tries++;
	timer_start(&step_timer, 2, dns_try);
	udp_send(lease.dns, dns.port, DNS_PORT, dns.query, dns.size);
}

void dns_start(void)
{
	struct dns *header = (struct dns *)dns.query;

	if (lease.dns == 0 || !is_reachable(lease.dns)) {
		fail(
		    "%s: no DNS server on %s", options.target, options.network);
		return;
	}
	put16(header->id, arc4random());
	header->flags = 1;
	put16(header->questions, 1);
	dns.size = sizeof(*header);
	if (!dns_put_name(options.target)) {
		fail("%s: not an address or a host name", options.target);
		return;
	}
	put16(dns.query + dns.size, DNS_A);
	put16(dns.query + dns.size + 2, DNS_IN);
	dns.size += 4;
	dns.port = (uint16_t)(49152 + arc4random() % 16384);
	dns_try();
}

/* The end of the name that begins at offset, or size if it has none. */
static size_t dns_skip_name(const uint8_t *message, size_t size, size_t offset)
{
	while (offset < size && message[offset] != 0) {
		if (message[offset] >= 0xc0) { /* a pointer to the rest */
			return size - offset < 2 ? size : offset + 2;
		}
		offset += 1 + (size_t)message[offset];
	}
	return offset < size ? offset + 1 : size;
}

/* Returns the first address among the answers, or 0. Aliases, which the server
 * has already resolved, may precede it. */
static ipv4 dns_find_address(const uint8_t *message, size_t size)
{
	enum { TYPE = 0, CLASS = 2, DATA_SIZE = 8, DATA = 10 };
	unsigned answers = get16(((const struct dns *)message)->answers);
	size_t offset = dns.size;

	for (; answers > 0; answers--) {
		offset = dns_skip_name(message, size, offset);
		if (size - offset < DATA) {
			break;
		}
		const uint8_t *record = message + offset;
		size_t data_size = get16(record + DATA_SIZE);
		if (size - offset - DATA < data_size) {
			break;
		}
		if (get16(record + TYPE) == DNS_A &&
		    get16(record + CLASS) == DNS_IN && data_size == 4) {
			return get32(record + DATA);
		}
		offset += DATA + data_size;
	}
	return 0;
}

/* It is the answer if it has our ID and repeats the question. */
static bool dns_is_ours(const uint8_t *message, size_t size)
{
	const struct dns *header = (const struct dns *)message;
	const size_t question = sizeof(*header);

	return dns.size != 0 && size >= dns.size &&
	    memcmp(header->id, dns.query, sizeof(header->id)) == 0 &&
	    (header->flags & 0x80) != 0 && get16(header->questions) == 1 &&
	    memcmp(message + question, dns.query + question,
		dns.size - question) == 0;
}

void dns_receive(unsigned to_port, const uint8_t *message, size_t size)
{
	if (to_port != dns.port || !dns_is_ours(message, size)) {
		return;
	}
	unsigned code = ((const struct dns *)message)->code & 0xf;
	ipv4 address = code == 0 ? dns_find_address(message, size) : 0;
	dns.size = 0;
	timer_stop(&step_timer);
	if (address != 0) {
		ping_start(address);
	} else if (code == 0 || code == DNS_NO_SUCH_NAME) {
		fail("%s: no such name", options.target);
	} else {
		fail("%s: DNS error %u", options.target, code);
	}
}
