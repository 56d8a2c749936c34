// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * We parse addresses ourselves: inet_aton() accepts "10" and "0x0a.1", and how
 * inet_pton() handles leading zeros depends on the system.
 */

#include "subnet.h"

#include <stddef.h>
#include <stdio.h>

/* /16 is the largest subnet that vmnet is known to accept; a /30 has no room
 * for DHCP addresses besides the host. */
#define LENGTH_MIN 16
#define LENGTH_MAX 29

static const struct subnet private_ranges[] = {
	{ 0x0a000000, 8 },
	{ 0xac100000, 12 },
	{ 0xc0a80000, 16 },
};

/* Reads a decimal number up to max, without leading zeros; moves *text. */
static int parse_decimal(const char **text, uint32_t max, uint32_t *number)
{
	const char *start = *text;
	uint32_t value = 0;

	while (**text >= '0' && **text <= '9') {
		value = value * 10 + (uint32_t)(**text - '0');
		(*text)++;
		if (value > max) {
			return -1;
		}
	}
	if (*text == start || (*start == '0' && *text - start > 1)) {
		return -1;
	}
	*number = value;
	return 0;
}

/* Reads "192.168.100.0" and moves *text to the position after it. */
static int parse_address(const char **text, uint32_t *address)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t octet = 0;

		if (i > 0) {
			if (**text != '.') {
				return -1;
			}
			(*text)++;
		}
		if (parse_decimal(text, 255, &octet) != 0) {
			return -1;
		}
		value = value << 8 | octet;
	}
	*address = value;
	return 0;
}

int subnet_parse_address(const char *text, uint32_t *address)
{
	uint32_t parsed = 0;

	if (parse_address(&text, &parsed) != 0 || *text != '\0') {
		return -1;
	}
	*address = parsed;
	return 0;
}

static bool is_private(const struct subnet *subnet)
{
	for (size_t i = 0;
	     i < sizeof(private_ranges) / sizeof(private_ranges[0]); i++) {
		if (subnet_overlaps(&private_ranges[i], subnet)) {
			return true;
		}
	}
	return false;
}

/* NULL, or what is wrong. The address becomes the network's. */
static const char *check(struct subnet *subnet)
{
	static char hint[96];
	uint32_t host = 0;
	char meant[SUBNET_TEXT];

	if (subnet->length < LENGTH_MIN || subnet->length > LENGTH_MAX) {
		return "the prefix must be /16 to /29";
	}
	if (!is_private(subnet)) {
		return "it is not in 10.0.0.0/8, 172.16.0.0/12 or "
		       "192.168.0.0/16";
	}
	host = subnet->address & ~subnet_mask(subnet);
	subnet->address -= host;
	if (host <= 1) {
		return NULL;
	}
	subnet_format(subnet, meant);
	snprintf(hint, sizeof(hint),
	    "the address is neither the network's nor the gateway's; did you "
	    "mean %s?",
	    meant);
	return hint;
}

int subnet_parse(const char *text, struct subnet *subnet, const char **reason)
{
	struct subnet result = { 0 };
	uint32_t length = 0;

	*reason = "expected IPv4 CIDR notation, such as 192.168.100.0/24";
	if (parse_address(&text, &result.address) != 0 || *text != '/') {
		return -1;
	}
	text++;
	if (parse_decimal(&text, UINT8_MAX, &length) != 0 || *text != '\0') {
		return -1;
	}
	result.length = (uint8_t)length;
	*reason = check(&result);
	if (*reason != NULL) {
		return -1;
	}
	*subnet = result;
	return 0;
}

void subnet_format_address(uint32_t address, char text[ADDRESS_TEXT])
{
	snprintf(text, ADDRESS_TEXT, "%u.%u.%u.%u", address >> 24,
	    address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

void subnet_format(const struct subnet *subnet, char text[SUBNET_TEXT])
{
	char address[ADDRESS_TEXT];

	subnet_format_address(subnet->address, address);
	snprintf(text, SUBNET_TEXT, "%s/%u", address, subnet->length);
}

uint32_t subnet_mask(const struct subnet *subnet)
{
	return subnet->length == 0 ? 0 : UINT32_MAX << (32 - subnet->length);
}

int subnet_of(uint32_t address, uint32_t mask, struct subnet *subnet)
{
	struct subnet result = { 0 };

	while (result.length < 32 && mask >> (31 - result.length) & 1) {
		result.length++;
	}
	if (mask != subnet_mask(&result)) {
		return -1;
	}
	result.address = address & mask;
	*subnet = result;
	return 0;
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	uint32_t mask = subnet_mask(a->length < b->length ? a : b);

	return (a->address & mask) == (b->address & mask);
}
