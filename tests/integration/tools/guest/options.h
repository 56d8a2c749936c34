// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The options of guest.c.
 */

#ifndef GUEST_OPTIONS_H
#define GUEST_OPTIONS_H

#include <stdint.h>

#include <vmnet/vmnet.h>

struct guest_options {
	vmnet_network_configuration_ref config;
	const char *export;
	const char *import;
	const char *network;
	const char *mac;
	const char *address;
};

extern struct guest_options options;

/* Ends the process if they are invalid. */
void options_parse(int argc, char **argv);

void parse_mac(const char *text, uint8_t *mac);

#endif
