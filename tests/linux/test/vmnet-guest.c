// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "vmnet-guest.h"

#include <poll.h>

#include "vmnet-fixture.h"
#include "../vmnet/vmnet-standin.h"

#define FRAME_MAX 1514
#define PROBE_TYPE 0x88b5 /* for local experiments, says IEEE 802 */
#define DHCP_MAGIC 0x63825363
/* When a client sends its message again, in ms: any of them can be lost. */
#define DHCP_AGAIN 1000

static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

struct arp_frame {
	struct ether_header ether;
	uint16_t hardware, protocol;
	uint8_t hardware_size, protocol_size;
	uint16_t operation;
	uint8_t from_mac[6];
	uint32_t from;
	uint8_t to_mac[6];
	uint32_t to;
} __attribute__((packed));

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

static vmnet_return_t wait_started(struct guest *guest,
    interface_ref (^begin)(dispatch_queue_t queue,
	vmnet_start_interface_completion_handler_t handler))
{
	dispatch_queue_t queue = dispatch_queue_create("guest", NULL);
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	__block vmnet_return_t result = 0;
	__block xpc_object_t parameters = NULL;
	const char *mac;

	guest->interface = begin(
	    queue, ^(vmnet_return_t status, xpc_object_t interface_param) {
		    result = status;
		    if (interface_param != NULL) {
			    parameters = xpc_retain(interface_param);
		    }
		    dispatch_semaphore_signal(done);
	    });
	CHECK_TRUE(guest->interface != NULL);
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	CHECK_INT(parameters != NULL, result == VMNET_SUCCESS);
	guest->parameters = parameters;
	mac = parameters == NULL
	    ? NULL
	    : xpc_dictionary_get_string(parameters, vmnet_mac_address_key);
	if (mac != NULL) {
		CHECK_INT(sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx",
			      &guest->mac[0], &guest->mac[1], &guest->mac[2],
			      &guest->mac[3], &guest->mac[4], &guest->mac[5]),
		    6);
	}
	dispatch_release(done);
	dispatch_release(queue);
	return result;
}

vmnet_return_t guest_start(struct guest *guest, vmnet_network_ref network)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	vmnet_return_t status;

	memset(guest, 0, sizeof(*guest));
	status = wait_started(guest,
	    ^interface_ref(dispatch_queue_t queue,
		vmnet_start_interface_completion_handler_t handler) {
		    return vmnet_interface_start_with_network(
			network, description, queue, handler);
	    });
	xpc_release(description);
	return status;
}

vmnet_return_t guest_start_legacy(struct guest *guest, xpc_object_t description)
{
	vmnet_return_t status;

	memset(guest, 0, sizeof(*guest));
	status = wait_started(guest,
	    ^interface_ref(dispatch_queue_t queue,
		vmnet_start_interface_completion_handler_t handler) {
		    return vmnet_start_interface(description, queue, handler);
	    });
	xpc_release(description);
	return status;
}

vmnet_return_t guest_stop(struct guest *guest)
{
	dispatch_queue_t queue = dispatch_queue_create("guest", NULL);
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	__block vmnet_return_t result = 0;
	vmnet_return_t status = vmnet_stop_interface(
	    guest->interface, queue, ^(vmnet_return_t stopped) {
		    result = stopped;
		    dispatch_semaphore_signal(done);
	    });

	if (status == VMNET_SUCCESS) {
		dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
		status = result;
		xpc_release(guest->parameters);
		guest->parameters = NULL;
	}
	dispatch_release(done);
	dispatch_release(queue);
	return status;
}

vmnet_return_t guest_write(struct guest *guest, const void *data, size_t size)
{
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct vmpktdesc packet = { size, &iov, 1, 0 };
	int count = 1;
	vmnet_return_t status = vmnet_write(guest->interface, &packet, &count);

	return status == VMNET_SUCCESS && count != 1 ? VMNET_FAILURE : status;
}

size_t guest_poll(struct guest *guest, void *data, size_t size)
{
	uint8_t buffer[FRAME_MAX];
	struct iovec iov = { buffer, sizeof(buffer) };
	struct vmpktdesc packet = { sizeof(buffer), &iov, 1, 0 };
	int count = 1;

	CHECK_INT(vmnet_read(guest->interface, &packet, &count), VMNET_SUCCESS);
	if (count == 0) {
		return 0;
	}
	if (packet.vm_pkt_size < size) {
		size = packet.vm_pkt_size;
	}
	memcpy(data, buffer, size);
	return size;
}

/* 0: none came within the time, in ms; -1: there is no limit. */
static size_t read_within(
    struct guest *guest, void *data, size_t size, int timeout)
{
	struct pollfd tap = { .events = POLLIN };

	tap.fd = standin_vmnet_interface_descriptor(guest->interface);

	for (;;) {
		size_t got = guest_poll(guest, data, size);

		if (got > 0 || poll(&tap, 1, timeout) == 0) {
			return got;
		}
	}
}

size_t guest_read(struct guest *guest, void *data, size_t size)
{
	return read_within(guest, data, size, -1);
}

static void ether_fill(
    struct guest *guest, struct ether_header *ether, uint16_t type)
{
	memcpy(ether->ether_dhost, all, 6);
	memcpy(ether->ether_shost, guest->mac, 6);
	ether->ether_type = htons(type);
}

void guest_send_probe(struct guest *guest, const char *text)
{
	struct {
		struct ether_header ether;
		char text[64];
	} frame = { 0 };

	ether_fill(guest, &frame.ether, PROBE_TYPE);
	snprintf(frame.text, sizeof(frame.text), "%s", text);
	CHECK_INT(guest_write(guest, &frame, sizeof(frame)), VMNET_SUCCESS);
}

void guest_expect_probe(struct guest *guest, const char *text)
{
	struct {
		struct ether_header ether;
		char text[FRAME_MAX];
	} frame;

	do {
		memset(&frame, 0, sizeof(frame));
		guest_read(guest, &frame, FRAME_MAX);
	} while (frame.ether.ether_type != htons(PROBE_TYPE));
	CHECK_STRING(frame.text, text);
}

void guest_arp(struct guest *guest, struct in_addr address, uint8_t *mac)
{
	struct arp_frame frame = { .hardware = htons(1),
		.protocol = htons(ETHERTYPE_IP),
		.hardware_size = 6,
		.protocol_size = 4,
		.operation = htons(1) };

	ether_fill(guest, &frame.ether, ETHERTYPE_ARP);
	memcpy(frame.from_mac, guest->mac, 6);
	frame.from = guest->address.s_addr;
	frame.to = address.s_addr;
	CHECK_INT(guest_write(guest, &frame, sizeof(frame)), VMNET_SUCCESS);
	do {
		memset(&frame, 0, sizeof(frame));
		guest_read(guest, &frame, sizeof(frame));
	} while (frame.ether.ether_type != htons(ETHERTYPE_ARP) ||
	    frame.operation != htons(2) || frame.from != address.s_addr);
	memcpy(mac, frame.from_mac, 6);
}

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
	ether_fill(guest, &frame->ether, ETHERTYPE_IP);
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
		size = read_within(guest, &frame, sizeof(frame), DHCP_AGAIN);
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
