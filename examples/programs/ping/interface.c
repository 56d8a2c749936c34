// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: the network and the interface.
 *
 * This is the only file that talks to vmnet-broker and to vmnet. Its input and
 * output are whole Ethernet frames.
 *
 * vmnet reports that packets are available, not how many: read until none is
 * left. An interface is stopped before the process exits, and the exit waits
 * for the completion of the stop.
 */

#include "guest.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

struct guest guest;

static struct {
	vmnet_network_ref network;
	interface_ref interface;
	size_t frame_max; /* bytes, with the Ethernet header */
	uint8_t *received;
	bool started;
	bool stopping;
	int status; /* the exit status after the stop */
} net;

void frame_write(uint8_t *frame, size_t size)
{
	struct iovec iov = { .iov_base = frame, .iov_len = size };
	struct vmpktdesc packet = {
		.vm_pkt_size = size,
		.vm_pkt_iov = &iov,
		.vm_pkt_iovcnt = 1,
	};
	int count = 1;

	/* As on a real network, the sender retransmits a lost frame: there is
	 * nothing to wait for here. */
	vmnet_return_t status = vmnet_write(net.interface, &packet, &count);
	if (status != VMNET_SUCCESS) {
		fprintf(stderr, "ping: %s: vmnet_write: status %u\n",
		    options.network, (unsigned)status);
	}
}

/* One frame; 0: no frame. */
static size_t frame_read(void)
{
	struct iovec iov = {
		.iov_base = net.received,
		.iov_len = net.frame_max,
	};
	struct vmpktdesc packet = {
		.vm_pkt_size = net.frame_max,
		.vm_pkt_iov = &iov,
		.vm_pkt_iovcnt = 1,
	};
	int count = 1;

	vmnet_return_t status = vmnet_read(net.interface, &packet, &count);
	if (status != VMNET_SUCCESS) {
		fail("%s: vmnet_read: status %u", options.network,
		    (unsigned)status);
		return 0;
	}
	return count == 1 && packet.vm_pkt_size <= net.frame_max
	    ? packet.vm_pkt_size
	    : 0;
}

/* We may stop after any frame. */
static void packets_available(void)
{
	while (!net.stopping) {
		size_t size = frame_read();

		if (size == 0) {
			break;
		}
		frame_receive(net.received, size);
	}
}

static _Noreturn void exit_now(void)
{
	if (net.network != NULL) {
		CFRelease(net.network);
	}
	exit(net.status);
}

static void stop_interface(void)
{
	dhcp_release();
	vmnet_return_t status = vmnet_stop_interface(net.interface,
	    dispatch_get_main_queue(), ^(vmnet_return_t stopped) {
		    (void)stopped; /* an error cannot be handled here */
		    exit_now();
	    });
	if (status != VMNET_SUCCESS) {
		exit_now();
	}
}

void finish(int status)
{
	if (net.stopping) {
		return;
	}
	net.stopping = true;
	net.status = status;
	timer_stop(&step_timer);
	timer_stop(&lease_timer);
	if (net.interface == NULL) {
		exit_now();
	}
	/* An interface that is still starting is stopped as soon as it has
	 * started. */
	if (net.started) {
		stop_interface();
	}
}

/* Takes from vmnet's description of the interface what we need. */
static bool interface_describe(xpc_object_t param)
{
	const char *mac =
	    xpc_dictionary_get_string(param, vmnet_mac_address_key);
	uint64_t size =
	    xpc_dictionary_get_uint64(param, vmnet_max_packet_size_key);

	if (options.has_mac) {
		memcpy(guest.mac, options.mac, sizeof(guest.mac));
	} else if (mac == NULL || !mac_parse(mac, guest.mac)) {
		return false;
	}
	if (size < sizeof(struct ethernet) + PACKET_MAX ||
	    size > sizeof(struct ethernet) + UINT16_MAX) {
		return false;
	}
	net.frame_max = (size_t)size;
	net.received = malloc(net.frame_max);
	return net.received != NULL;
}

static void interface_started(vmnet_return_t status, xpc_object_t param)
{
	if (status != VMNET_SUCCESS) {
		net.interface = NULL;
		net.stopping = false;
		fail("%s: cannot start an interface: vmnet status %u",
		    options.network, (unsigned)status);
		return;
	}
	net.started = true;
	if (net.stopping) {
		stop_interface();
		return;
	}
	if (!interface_describe(param)) {
		fail("%s: vmnet returned no usable MAC address or frame size",
		    options.network);
		return;
	}
	status = vmnet_interface_set_event_callback(net.interface,
	    VMNET_INTERFACE_PACKETS_AVAILABLE, dispatch_get_main_queue(),
	    ^(interface_event_t events, xpc_object_t event) {
		    (void)events;
		    (void)event;
		    packets_available();
	    });
	if (status != VMNET_SUCCESS) {
		fail("%s: cannot receive frames: vmnet status %u",
		    options.network, (unsigned)status);
		return;
	}
	dhcp_start();
}

void interface_start(void)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);

	net.interface = vmnet_interface_start_with_network(net.network,
	    description, dispatch_get_main_queue(),
	    ^(vmnet_return_t status, xpc_object_t param) {
		    interface_started(status, param);
	    });
	xpc_release(description);
	if (net.interface == NULL) {
		fail("%s: cannot start an interface", options.network);
	}
}

void network_acquire(void)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	vmnet_return_t vmnet_status = VMNET_SUCCESS;
	struct in_addr gateway = { 0 };
	struct in_addr mask = { 0 };

	xpc_object_t serialization =
	    vmnet_broker_acquire_network(options.network, &status);
	if (serialization == NULL) {
		fail("%s: %s", options.network, vmnet_broker_last_reason());
		return;
	}
	net.network = vmnet_network_create_with_serialization(
	    serialization, &vmnet_status);
	xpc_release(serialization);
	if (net.network == NULL) {
		fail("%s: cannot use the network: vmnet status %u",
		    options.network, (unsigned)vmnet_status);
		return;
	}
	vmnet_network_get_ipv4_subnet(net.network, &gateway, &mask);
	guest.gateway = ntohl(gateway.s_addr);
	guest.mask = ntohl(mask.s_addr);
}
