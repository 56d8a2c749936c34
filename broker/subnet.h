// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * IPv4 addresses and subnets, in host byte order.
 */

#ifndef SUBNET_H
#define SUBNET_H

#include <stdbool.h>
#include <stdint.h>

#define SUBNET_TEXT 19  /* "255.255.255.255/32" */
#define ADDRESS_TEXT 16 /* "255.255.255.255" */

/* The host bits of address, after the first `length` bits, are 0. */
struct subnet {
	uint32_t address;
	uint8_t length;
};

/*
 * Reads "192.168.100.0/24", or with the address of its gateway, the first one:
 * "192.168.100.1/24". Inside 10/8, 172.16/12 or 192.168/16, of length 16 to 29,
 * without leading zeros or spaces. 0, or -1 and what is wrong with it in
 * reason, until the next call.
 */
int subnet_parse(const char *text, struct subnet *subnet, const char **reason);

/* Reads "192.168.100.2". 0, or -1. */
int subnet_parse_address(const char *text, uint32_t *address);

void subnet_format(const struct subnet *subnet, char text[SUBNET_TEXT]);
void subnet_format_address(uint32_t address, char text[ADDRESS_TEXT]);

uint32_t subnet_mask(const struct subnet *subnet);

/* The subnet of a host. 0, or -1 if mask is not contiguous. */
int subnet_of(uint32_t address, uint32_t mask, struct subnet *subnet);

bool subnet_overlaps(const struct subnet *a, const struct subnet *b);

#endif
