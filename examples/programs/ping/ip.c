// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: IP, UDP and the answers to echo requests.
 *
 * Received data is not trusted: every length is checked before it is used.
 */

#include "guest.h"

#include <string.h>

struct ip {
	uint8_t version_and_size; /* of the header, in words of 4 bytes */
	uint8_t service;
	uint8_t total_size[2];
	uint8_t id[2];
	uint8_t fragment[2];
	uint8_t ttl;
	uint8_t protocol;
	uint8_t checksum[2];
	uint8_t from[4];
	uint8_t to[4];
};

static bool on_subnet(ipv4 address)
{
	return ((address ^ lease.address) & lease.mask) == 0;
}

bool is_reachable(ipv4 address)
{
	return on_subnet(address) || lease.gateway != 0;
}

static void ip_fill(struct ip *ip, ipv4 to, uint8_t protocol, size_t size)
{
	memset(ip, 0, sizeof(*ip));
	ip->version_and_size = 4 << 4 | sizeof(*ip) / 4;
	put16(ip->total_size, (unsigned)(sizeof(*ip) + size));
	ip->ttl = 64;
	ip->protocol = protocol;
	put32(ip->from, lease.address);
	put32(ip->to, to);
	put16(ip->checksum, sum_finish(sum_add(0, ip, sizeof(*ip))));
}

/* Packets to addresses outside the subnet go to the gateway. */
void ip_send(ipv4 to, uint8_t protocol, const void *payload, size_t size)
{
	uint8_t packet[PACKET_MAX];

	if (size > sizeof(packet) - sizeof(struct ip)) {
		return;
	}
	ip_fill((struct ip *)packet, to, protocol, size);
	memcpy(packet + sizeof(struct ip), payload, size);
	size += sizeof(struct ip);

	if (to == BROADCAST_IP) {
		frame_send(broadcast_mac, ETHERNET_IPV4, packet, size);
	} else if (on_subnet(to)) {
		arp_resolve(to, packet, size);
	} else if (lease.gateway != 0) {
		arp_resolve(lease.gateway, packet, size);
	}
}

struct udp {
	uint8_t from[2];
	uint8_t to[2];
	uint8_t size[2]; /* with this header */
	uint8_t checksum[2];
};

/* The addresses of the IP header are part of the checksum. */
static uint32_t udp_sum(ipv4 from, ipv4 to, const void *datagram, size_t size)
{
	uint8_t pseudo[12] = { 0 };

	put32(pseudo, from);
	put32(pseudo + 4, to);
	pseudo[9] = IP_UDP;
	put16(pseudo + 10, (unsigned)size);
	return sum_add(sum_add(0, pseudo, sizeof(pseudo)), datagram, size);
}

void udp_send(ipv4 to, unsigned from_port, unsigned to_port,
    const void *payload, size_t payload_size)
{
	uint8_t datagram[PACKET_MAX];
	struct udp *udp = (struct udp *)datagram;
	size_t size = sizeof(*udp) + payload_size;

	if (size > sizeof(datagram)) {
		return;
	}
	memset(udp, 0, sizeof(*udp));
	put16(udp->from, from_port);
	put16(udp->to, to_port);
	put16(udp->size, (unsigned)size);
	memcpy(datagram + sizeof(*udp), payload, payload_size);

	uint16_t sum = sum_finish(udp_sum(lease.address, to, datagram, size));
	put16(udp->checksum, sum == 0 ? 0xffff : sum); /* 0 is "no checksum" */
	ip_send(to, IP_UDP, datagram, size);
}

static void udp_receive(
    ipv4 from, ipv4 to, const uint8_t *datagram, size_t received)
{
	const struct udp *udp = (const struct udp *)datagram;
	size_t size = received < sizeof(*udp) ? 0 : get16(udp->size);

	if (size < sizeof(*udp) || size > received) {
		return;
	}
	if (get16(udp->checksum) != 0 &&
	    sum_finish(udp_sum(from, to, datagram, size)) != 0) {
		return;
	}
	unsigned to_port = get16(udp->to);
	unsigned from_port = get16(udp->from);
	const uint8_t *payload = datagram + sizeof(*udp);
	size -= sizeof(*udp);

	if (from_port == DHCP_SERVER_PORT && to_port == DHCP_CLIENT_PORT) {
		dhcp_receive(payload, size);
	} else if (from_port == DNS_PORT && from == lease.dns) {
		dns_receive(to_port, payload, size);
	}
}

/* The size of the header, or 0 if we do not accept the packet. *size becomes
 * the size of the packet, without the padding of a short frame. */
static size_t ip_check(const uint8_t *packet, size_t *size)
{
	const struct ip *ip = (const struct ip *)packet;

	if (*size < sizeof(*ip) || ip->version_and_size >> 4 != 4) {
		return 0;
	}
	size_t header = (ip->version_and_size & 0xf) * (size_t)4;
	size_t total = get16(ip->total_size);
	if (header < sizeof(*ip) || total < header || *size < total) {
		return 0;
	}
	/* Fragments are dropped. */
	if (sum_finish(sum_add(0, packet, header)) != 0 ||
	    (get16(ip->fragment) & 0x3fff) != 0) {
		return 0;
	}
	*size = total;
	return header;
}

/* Sends an echo request back to where it came from, as a reply. The checksum of
 * the IP header stays correct when the addresses are swapped. */
static void echo_answer(uint8_t *frame, struct echo *echo, size_t size)
{
	struct ethernet *ethernet = (struct ethernet *)frame;
	struct ip *ip = (struct ip *)(ethernet + 1);
	size_t frame_size = (size_t)((uint8_t *)echo - frame) + size;

	echo->type = ECHO_REPLY;
	put16(echo->checksum, 0);
	put16(echo->checksum, sum_finish(sum_add(0, echo, size)));
	memcpy(ip->to, ip->from, sizeof(ip->to));
	put32(ip->from, lease.address);
	memcpy(ethernet->to, ethernet->from, sizeof(ethernet->to));
	memcpy(ethernet->from, guest.mac, sizeof(ethernet->from));
	frame_write(frame, frame_size);
}

static void icmp_receive(uint8_t *frame, uint8_t *message, size_t size)
{
	struct ip *ip = (struct ip *)(frame + sizeof(struct ethernet));
	struct echo *echo = (struct echo *)message;

	if (size < sizeof(*echo) ||
	    sum_finish(sum_add(0, message, size)) != 0) {
		return;
	}
	if (echo->type == ECHO_REQUEST) {
		echo_answer(frame, echo, size);
	} else if (echo->type == ECHO_REPLY) {
		ping_receive(get32(ip->from), message, size);
	}
}

void ip_receive(uint8_t *frame, size_t size)
{
	uint8_t *packet = frame + sizeof(struct ethernet);
	struct ip *ip = (struct ip *)packet;

	size -= sizeof(struct ethernet);
	size_t header = ip_check(packet, &size);
	if (header == 0) {
		return;
	}
	ipv4 to = get32(ip->to);
	bool have_address = lease.address != 0;

	/* A DHCP server sends to the address that it offers us. */
	if (ip->protocol == IP_UDP &&
	    (!have_address || to == lease.address || to == BROADCAST_IP)) {
		udp_receive(
		    get32(ip->from), to, packet + header, size - header);
	} else if (ip->protocol == IP_ICMP && have_address &&
	    to == lease.address) {
		icmp_receive(frame, packet + header, size - header);
	}
}
