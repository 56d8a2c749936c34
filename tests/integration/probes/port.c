// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Interfaces of probes, see probe.h. ARP and DHCP come from the example ping,
 * whose files call the functions at the end of this one. They run on the main
 * queue.
 */

#include "probe.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <sys/uio.h>

#include "ping/guest.h"

#define PATIENCE (10 * NSEC_PER_SEC)

struct options options = { .network = "the probe's network" };
struct guest guest;

static struct port *guest_port;

vmnet_return_t port_start(struct port *port, vmnet_network_ref network)
{
	xpc_object_t keys = xpc_dictionary_create(NULL, NULL, 0);
	dispatch_semaphore_t answered = dispatch_semaphore_create(0);
	__block vmnet_return_t result = VMNET_FAILURE;

	port->queue = dispatch_queue_create("port", NULL);
	xpc_dictionary_set_bool(keys, vmnet_enable_tso_key, true);
	xpc_dictionary_set_bool(keys, vmnet_enable_checksum_offload_key, true);
	port->interface = vmnet_interface_start_with_network(network, keys,
	    port->queue, ^(vmnet_return_t status, xpc_object_t parameters) {
		    result = status;
		    if (status == VMNET_SUCCESS) {
			    const char *mac = xpc_dictionary_get_string(
				parameters, vmnet_mac_address_key);
			    port->frame_max = xpc_dictionary_get_uint64(
				parameters, vmnet_max_packet_size_key);
			    mac_parse(mac == NULL ? "" : mac, port->mac);
		    }
		    dispatch_semaphore_signal(answered);
	    });
	if (port->interface != NULL) { /* NULL: the start failed */
		dispatch_semaphore_wait(answered, DISPATCH_TIME_FOREVER);
	}
	xpc_release(keys);
	return result;
}

vmnet_return_t port_stop(struct port *port)
{
	dispatch_semaphore_t answered = dispatch_semaphore_create(0);
	__block vmnet_return_t result = VMNET_SUCCESS;
	vmnet_return_t status = vmnet_stop_interface(
	    port->interface, port->queue, ^(vmnet_return_t stopped) {
		    result = stopped;
		    dispatch_semaphore_signal(answered);
	    });

	if (status != VMNET_SUCCESS) {
		return status;
	}
	dispatch_semaphore_wait(answered, DISPATCH_TIME_FOREVER);
	return result;
}

void port_send(struct port *port, const void *frame, size_t size)
{
	struct iovec iov = { (void *)(uintptr_t)frame, size };
	struct vmpktdesc packet = { size, &iov, 1, 0 };
	int count = 1;

	vmnet_write(port->interface, &packet, &count);
}

/* Reads all pending frames; true if one of them was wanted. */
static bool read_frames(
    struct port *port, bool (^wanted)(const uint8_t *frame, size_t size))
{
	static uint8_t buffer[128 * 1024]; /* with TSO a frame has 64 KiB */
	struct iovec iov = { buffer, sizeof(buffer) };
	struct vmpktdesc packet = { sizeof(buffer), &iov, 1, 0 };
	int count = 1;

	while (vmnet_read(port->interface, &packet, &count) == VMNET_SUCCESS &&
	    count == 1) {
		if (wanted(buffer, packet.vm_pkt_size)) {
			return true;
		}
		packet.vm_pkt_size = iov.iov_len = sizeof(buffer);
	}
	return false;
}

bool port_wait(
    struct port *port, bool (^wanted)(const uint8_t *frame, size_t size))
{
	dispatch_time_t deadline = dispatch_time(DISPATCH_TIME_NOW, PATIENCE);
	dispatch_semaphore_t available = dispatch_semaphore_create(0);
	bool found = false;

	vmnet_interface_set_event_callback(port->interface,
	    VMNET_INTERFACE_PACKETS_AVAILABLE, port->queue,
	    ^(interface_event_t events, xpc_object_t event) {
		    (void)events;
		    (void)event;
		    dispatch_semaphore_signal(available);
	    });
	do {
		found = read_frames(port, wanted);
	} while (!found && dispatch_semaphore_wait(available, deadline) == 0);
	vmnet_interface_set_event_callback(
	    port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL);
	return found;
}

static bool answer(
    const uint8_t *frame, size_t size, bool (^done)(const uint8_t *, size_t))
{
	__block bool result = false;

	dispatch_sync(dispatch_get_main_queue(), ^{
		result = done(frame, size);
		if (!result) {
			frame_receive((uint8_t *)(uintptr_t)frame, size);
		}
	});
	return result;
}

bool guest_wait(struct port *port, struct in_addr address,
    bool (^wanted)(const uint8_t *frame, size_t size))
{
	guest_port = port;
	memcpy(guest.mac, port->mac, sizeof(guest.mac));
	lease.address = ntohl(address.s_addr);
	return port_wait(port, ^bool(const uint8_t *frame, size_t size) {
		return answer(frame, size, wanted);
	});
}

struct in_addr guest_dhcp(
    struct port *port, vmnet_network_ref network, const uint8_t *mac)
{
	struct in_addr address, mask;
	bool found;

	vmnet_network_get_ipv4_subnet(network, &address, &mask);
	guest_port = port;
	memcpy(guest.mac, mac, sizeof(guest.mac));
	guest.gateway = ntohl(address.s_addr);
	guest.mask = ntohl(mask.s_addr);
	dispatch_sync(dispatch_get_main_queue(), ^{
		dhcp_start();
	});
	found = port_wait(port, ^bool(const uint8_t *frame, size_t size) {
		answer(frame, size, ^bool(const uint8_t *f, size_t s) {
			(void)f;
			(void)s;
			return false;
		});
		return lease.address != 0;
	});
	if (!found) {
		cannot_tell("no DHCP server answered");
	}
	address.s_addr = htonl(lease.address);
	return address;
}

/* --- A reservation ------------------------------------------------------- */

static const ether_addr_t client = { { 0x52, 0x54, 0x00, 0x7e, 0x57, 0x01 } };

static struct in_addr reserved_address(void)
{
	struct in_addr reserved;

	inet_pton(AF_INET, subnet_address(77), &reserved);
	return reserved;
}

vmnet_network_ref create_with_reservation(void)
{
	vmnet_network_configuration_ref config =
	    configure(VMNET_SHARED_MODE, subnet_address(1), 24);
	struct in_addr reserved = reserved_address();

	vmnet_network_configuration_add_dhcp_reservation(
	    config, &client, &reserved);
	return create(config);
}

void check_reservation(struct port *port, vmnet_network_ref network)
{
	struct in_addr got;

	if (port_start(port, network) != VMNET_SUCCESS) {
		cannot_tell("no interface");
	}
	got = guest_dhcp(port, network, client.octet);
	if (got.s_addr != reserved_address().s_addr) {
		does_not_hold("%s", inet_ntoa(got));
	}
	holds("%s", inet_ntoa(got));
}

/* --- What the files of ping call ----------------------------------------- */

void frame_write(uint8_t *frame, size_t size)
{
	port_send(guest_port, frame, size);
}

void fail(const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	cannot_tell("%s", text);
}

void ready(void)
{
}

void dns_receive(unsigned to_port, const uint8_t *message, size_t size)
{
	(void)to_port;
	(void)message;
	(void)size;
}

void ping_receive(ipv4 from, const uint8_t *message, size_t size)
{
	(void)from;
	(void)message;
	(void)size;
}
