// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "vmnet-fixture.h"
#include "vmnet-guest-frame.h"
#include "vmnet-guest.h"

#define DHCP_MAGIC 0x63825363
/* ms until a client repeats its message: any message can be lost. */
#define DHCP_AGAIN 1000

struct dhcp_frame {
	struct ether_header ether;
	uint8_t version, tos;
	uint16_t length, id, fragment;
	uint8_t ttl, protocol;
	uint16_t sum;
	uint32_t from, to;
	uint16_t from_port, to_port, udp_length, udp_sum;
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
	uint8_t names[192];
	uint32_t magic;
	uint8_t options[64];
} __attribute__((packed));

static uint16_t ip_sum(const struct dhcp_frame *frame)
{
	const uint8_t *bytes = &frame->version;
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2) {
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

static void dhcp_fill(struct guest *guest, struct dhcp_frame *frame)
{
	size_t size = sizeof(*frame) - sizeof(frame->ether);

	memset(frame, 0, sizeof(*frame));
	guest_fill_ether(guest, &frame->ether, ETHERTYPE_IP);
	frame->version = 0x45;
	frame->length = htons((uint16_t)size);
	frame->ttl = 64;
	frame->protocol = IPPROTO_UDP;
	frame->to = INADDR_BROADCAST;
	frame->sum = ip_sum(frame);
	frame->from_port = htons(68);
	frame->to_port = htons(67);
	frame->udp_length = htons((uint16_t)(size - 20));
	frame->op = 1;
	frame->htype = 1;
	frame->hlen = 6;
	frame->flags = htons(0x8000);
	memcpy(frame->chaddr, guest->mac, 6);
	memcpy(&frame->xid, &guest->mac[2], 4);
	frame->magic = htonl(DHCP_MAGIC);
}

static void dhcp_send(struct guest *guest, uint8_t type, struct in_addr wanted,
    struct in_addr server)
{
	static const uint8_t ask[] = { 55, 3, 1, 3, 6 };
	struct dhcp_frame frame;
	uint8_t *option = frame.options;

	dhcp_fill(guest, &frame);
	memcpy(option, (uint8_t[]){ 53, 1, type }, 3);
	memcpy(option + 3, ask, sizeof(ask));
	option += 3 + sizeof(ask);
	if (wanted.s_addr != 0) {
		memcpy(option, (uint8_t[]){ 50, 4 }, 2);
		memcpy(option + 2, &wanted, 4);
		memcpy(option + 6, (uint8_t[]){ 54, 4 }, 2);
		memcpy(option + 8, &server, 4);
		option += 12;
	}
	*option = 255;
	CHECK_INT(guest_write(guest, &frame, sizeof(frame)), VMNET_SUCCESS);
}

/* The bytes of an option; NULL when it is not there. */
static const uint8_t *option_find(
    const uint8_t *options, size_t size, uint8_t code)
{
	size_t i = 0;

	while (i + 1 < size && options[i] != 255) {
		if (options[i] == 0) {
			i++;
			continue;
		}
		if (options[i] == code && i + 2 + options[i + 1] <= size) {
			return &options[i + 2];
		}
		i += 2 + (size_t)options[i + 1];
	}
	return NULL;
}

static struct in_addr option_address(
    const uint8_t *options, size_t size, uint8_t code)
{
	const uint8_t *bytes = option_find(options, size, code);
	struct in_addr address = { 0 };

	if (bytes != NULL) {
		memcpy(&address, bytes, sizeof(address));
	}
	return address;
}

/* Waits for an answer; its type, the rest in *guest and *server. 0: nothing
 * came for DHCP_AGAIN. */
static uint8_t dhcp_receive(struct guest *guest, struct in_addr *server)
{
	union {
		struct dhcp_frame dhcp;
		uint8_t bytes[FRAME_MAX];
	} frame;
	const size_t fixed = offsetof(struct dhcp_frame, options);
	const uint8_t *type = NULL;
	uint32_t xid;
	size_t size;

	memcpy(&xid, &guest->mac[2], 4);
	while (type == NULL) {
		size =
		    guest_read_within(guest, &frame, sizeof(frame), DHCP_AGAIN);
		if (size == 0) {
			return 0;
		}
		if (size > fixed && frame.dhcp.to_port == htons(68) &&
		    frame.dhcp.op == 2 && frame.dhcp.xid == xid) {
			size -= fixed;
			type = option_find(frame.bytes + fixed, size, 53);
		}
	}
	guest->address.s_addr = frame.dhcp.yiaddr;
	guest->mask = option_address(frame.bytes + fixed, size, 1);
	guest->router = option_address(frame.bytes + fixed, size, 3);
	guest->dns = option_address(frame.bytes + fixed, size, 6);
	*server = option_address(frame.bytes + fixed, size, 54);
	return *type;
}

/* Sends a message until it is answered; the answer's type. */
static uint8_t dhcp_ask(struct guest *guest, uint8_t type,
    struct in_addr wanted, struct in_addr *server)
{
	struct in_addr asked = *server;
	uint8_t answer = 0;

	while (answer == 0) {
		dhcp_send(guest, type, wanted, asked);
		answer = dhcp_receive(guest, server);
	}
	return answer;
}

bool guest_dhcp(struct guest *guest)
{
	struct in_addr none = { 0 };
	struct in_addr server = none;
	uint8_t answer;

	CHECK_INT(dhcp_ask(guest, 1, none, &server), 2);
	/* An offer that was late may come again. */
	do {
		answer = dhcp_ask(guest, 3, guest->address, &server);
	} while (answer == 2);
	return answer == 5;
}
