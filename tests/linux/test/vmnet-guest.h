// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A minimal guest: an interface with just enough of ARP and DHCP. It waits for
 * expected frames without a limit; the runner has a timeout.
 */

#ifndef VMNET_GUEST_H
#define VMNET_GUEST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include <vmnet/vmnet.h>

struct guest {
	interface_ref interface;
	xpc_object_t parameters;
	uint8_t mac[6]; /* what vmnet gave; may be changed */
	/* Since guest_dhcp: */
	struct in_addr address;
	struct in_addr mask;
	struct in_addr router; /* 0: none. */
	struct in_addr dns;
};

/* Waits for the completion, and returns its status. */
vmnet_return_t guest_start(struct guest *guest, vmnet_network_ref network);
/* The same with the older API; takes the description. */
vmnet_return_t guest_start_legacy(
    struct guest *guest, xpc_object_t description);
vmnet_return_t guest_stop(struct guest *guest);

/* Sends one frame; VMNET_FAILURE also if it was not accepted. */
vmnet_return_t guest_write(struct guest *guest, const void *data, size_t size);
/* Waits for one frame of at most size bytes, and returns its size. */
size_t guest_read(struct guest *guest, void *data, size_t size);
/* The same, or 0 if there is none. */
size_t guest_poll(struct guest *guest, void *data, size_t size);

/* A broadcast of no known protocol; the receiver skips all other frames. */
void guest_send_probe(struct guest *guest, const char *text);
/* Any other probe that comes first is an error. */
void guest_expect_probe(struct guest *guest, const char *text);

/* Sends an ARP request for the address, and waits for the reply. */
void guest_arp(struct guest *guest, struct in_addr address, uint8_t *mac);

/* Discover to acknowledge; false when it was refused. */
bool guest_dhcp(struct guest *guest);

#endif
