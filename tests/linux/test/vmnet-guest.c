// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "vmnet-guest.h"

#include <poll.h>

#include "vmnet-fixture.h"
#include "vmnet-guest-frame.h"
#include "../vmnet/vmnet-standin.h"

#define PROBE_TYPE 0x88b5 /* for local experiments, says IEEE 802 */

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

size_t guest_read_within(
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
	return guest_read_within(guest, data, size, -1);
}

void guest_fill_ether(
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

	guest_fill_ether(guest, &frame.ether, PROBE_TYPE);
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

	guest_fill_ether(guest, &frame.ether, ETHERTYPE_ARP);
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
