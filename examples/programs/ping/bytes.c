// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: bytes, addresses and checksums.
 *
 * Numbers in packets are big-endian and need not be aligned: the structs of the
 * other files consist of bytes, and only get16() to put32() access them.
 */

#include "guest.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t get32(const uint8_t *bytes)
{
	return (uint32_t)get16(bytes) << 16 | get16(bytes + 2);
}

void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

void put32(uint8_t *bytes, uint32_t value)
{
	put16(bytes, value >> 16);
	put16(bytes + 2, value & 0xffff);
}

struct text ip_text(ipv4 address)
{
	struct text text = { "none" };
	struct in_addr in = { .s_addr = htonl(address) };

	if (address != 0) {
		inet_ntop(AF_INET, &in, text.s, sizeof(text.s));
	}
	return text;
}

const uint8_t broadcast_mac[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 6) == 0;
}

/* A unicast address. */
bool mac_is_host(const uint8_t *mac)
{
	static const uint8_t zero[6] = { 0 };

	return (mac[0] & 1) == 0 && !mac_equal(mac, zero);
}

bool mac_parse(const char *text, uint8_t *mac)
{
	for (int i = 0; i < 6; i++) {
		char *end = NULL;

		if (!isxdigit((unsigned char)*text)) {
			return false;
		}
		unsigned long value = strtoul(text, &end, 16);
		if (value > 0xff || *end != (i < 5 ? ':' : '\0')) {
			return false;
		}
		mac[i] = (uint8_t)value;
		text = end + 1;
	}
	return mac_is_host(mac);
}

uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (; size >= 2; size -= 2, bytes += 2) {
		sum += get16(bytes);
	}
	if (size == 1) {
		sum += (uint32_t)bytes[0] << 8;
	}
	return (sum & 0xffff) + (sum >> 16);
}

/* The result for data that contains its correct checksum is 0. */
uint16_t sum_finish(uint32_t sum)
{
	while (sum > 0xffff) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}
