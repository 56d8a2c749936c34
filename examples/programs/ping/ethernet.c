// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: Ethernet frames and ARP.
 *
 * ARP finds the MAC address of an IP address. We send to one neighbour at a
 * time, so it is enough to remember two: the DHCP server, and the neighbour
 * that got the last packet. While a MAC address is unknown, one packet is
 * parked, and it is sent when the answer arrives. Retransmitting a lost packet
 * also repeats the ARP request, so ARP needs no timer.
 */

#include "guest.h"

#include <string.h>

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
	uint8_t hardware[2]; /* 1: Ethernet */
	uint8_t protocol[2]; /* as in the Ethernet header */
	uint8_t hardware_size;
	uint8_t protocol_size;
	uint8_t operation[2];
	uint8_t sender_mac[6];
	uint8_t sender_ip[4];
	uint8_t target_mac[6];
	uint8_t target_ip[4];
};

static struct neighbour {
	ipv4 ip;
	uint8_t mac[6];
	bool known;
	uint8_t parked[PACKET_MAX];
	size_t parked_size; /* 0: none */
} dhcp_server, other;

void frame_send(
    const uint8_t *to, unsigned type, const void *payload, size_t size)
{
	uint8_t frame[sizeof(struct ethernet) + PACKET_MAX];
	struct ethernet *ethernet = (struct ethernet *)frame;

	memcpy(ethernet->to, to, sizeof(ethernet->to));
	memcpy(ethernet->from, guest.mac, sizeof(ethernet->from));
	put16(ethernet->type, type);
	memcpy(frame + sizeof(*ethernet), payload, size);
	frame_write(frame, sizeof(*ethernet) + size);
}

static void arp_send(unsigned operation, const uint8_t *mac, ipv4 ip)
{
	struct arp arp = { .hardware_size = 6, .protocol_size = 4 };

	put16(arp.hardware, 1);
	put16(arp.protocol, ETHERNET_IPV4);
	put16(arp.operation, operation);
	memcpy(arp.sender_mac, guest.mac, sizeof(arp.sender_mac));
	put32(arp.sender_ip, lease.address);
	if (operation == ARP_REPLY) {
		memcpy(arp.target_mac, mac, sizeof(arp.target_mac));
	}
	put32(arp.target_ip, ip);
	frame_send(mac, ETHERNET_ARP, &arp, sizeof(arp));
}

static bool arp_is_valid(const struct arp *arp)
{
	return get16(arp->hardware) == 1 &&
	    get16(arp->protocol) == ETHERNET_IPV4 && arp->hardware_size == 6 &&
	    arp->protocol_size == 4 && mac_is_host(arp->sender_mac);
}

static void neighbour_learn(
    struct neighbour *neighbour, ipv4 ip, const uint8_t *mac)
{
	if (neighbour->ip != ip || ip == 0) {
		return;
	}
	memcpy(neighbour->mac, mac, sizeof(neighbour->mac));
	neighbour->known = true;
	if (neighbour->parked_size != 0) {
		frame_send(neighbour->mac, ETHERNET_IPV4, neighbour->parked,
		    neighbour->parked_size);
		neighbour->parked_size = 0;
	}
}

static void arp_receive(const uint8_t *payload, size_t size)
{
	const struct arp *arp = (const struct arp *)payload;

	if (size < sizeof(*arp) || !arp_is_valid(arp) || lease.address == 0) {
		return;
	}
	/* Requests contain the sender's addresses, just like replies. */
	ipv4 sender = get32(arp->sender_ip);
	neighbour_learn(&dhcp_server, sender, arp->sender_mac);
	neighbour_learn(&other, sender, arp->sender_mac);
	if (get16(arp->operation) == ARP_REQUEST &&
	    get32(arp->target_ip) == lease.address) {
		arp_send(ARP_REPLY, arp->sender_mac, sender);
	}
}

void arp_resolve(ipv4 ip, const void *packet, size_t size)
{
	struct neighbour *neighbour =
	    ip == lease.server ? &dhcp_server : &other;

	if (neighbour->ip != ip) {
		neighbour->ip = ip;
		neighbour->known = false;
	}
	if (neighbour->known) {
		frame_send(neighbour->mac, ETHERNET_IPV4, packet, size);
		return;
	}
	memcpy(neighbour->parked, packet, size);
	neighbour->parked_size = size;
	arp_send(ARP_REQUEST, broadcast_mac, ip);
}

void arp_announce(void)
{
	/* The request is a broadcast: a neighbour that had another MAC address
	 * for our IP address learns the correct one. */
	dhcp_server.ip = lease.server;
	arp_send(ARP_REQUEST, broadcast_mac, lease.server);
}

void frame_receive(uint8_t *frame, size_t size)
{
	const struct ethernet *ethernet = (const struct ethernet *)frame;

	if (size < sizeof(*ethernet) || !mac_is_host(ethernet->from)) {
		return;
	}
	if (!mac_equal(ethernet->to, guest.mac) &&
	    !mac_equal(ethernet->to, broadcast_mac)) {
		return;
	}
	if (get16(ethernet->type) == ETHERNET_ARP) {
		arp_receive(
		    frame + sizeof(*ethernet), size - sizeof(*ethernet));
	} else if (get16(ethernet->type) == ETHERNET_IPV4) {
		ip_receive(frame, size);
	}
}
