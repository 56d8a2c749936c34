// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reading and writing frames, and the event that reports them. The checks are
 * strict where macOS documents a rule: a program that breaks one should learn
 * it here.
 */

#include "libvmnet.h"

#include <Block.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define IOVECS_MAX 64

static size_t iov_room(const struct vmpktdesc *packet)
{
	size_t room = 0;

	for (uint32_t i = 0; i < packet->vm_pkt_iovcnt; i++) {
		room += packet->vm_pkt_iov[i].iov_len;
	}
	return room;
}

static vmnet_return_t check_packets(
    const struct vmpktdesc *packets, const int *count)
{
	if (packets == NULL || count == NULL || *count < 0) {
		return VMNET_INVALID_ARGUMENT;
	}
	if (*count > PACKETS_MAX) {
		return VMNET_TOO_MANY_PACKETS;
	}
	for (int i = 0; i < *count; i++) {
		if (packets[i].vm_flags != 0 || packets[i].vm_pkt_iov == NULL ||
		    packets[i].vm_pkt_iovcnt == 0 ||
		    packets[i].vm_pkt_iovcnt > IOVECS_MAX ||
		    packets[i].vm_pkt_size > iov_room(&packets[i])) {
			return VMNET_INVALID_ARGUMENT;
		}
	}
	return VMNET_SUCCESS;
}

/* VMNET_SUCCESS with *size 0: there is no packet. */
static vmnet_return_t read_packet(
    struct vmnet_interface *interface, struct vmpktdesc *packet)
{
	ssize_t size = readv(
	    interface->fd, packet->vm_pkt_iov, (int)packet->vm_pkt_iovcnt);

	if (size != -1) {
		packet->vm_pkt_size = (size_t)size;
		return VMNET_SUCCESS;
	}
	packet->vm_pkt_size = 0;
	/* Other errors: the network is gone, and the tap with it. */
	return errno == EAGAIN || errno == EINTR ? VMNET_SUCCESS
						 : VMNET_FAILURE;
}

static vmnet_return_t read_packets(
    struct vmnet_interface *interface, struct vmpktdesc *packets, int *count)
{
	vmnet_return_t status = VMNET_SUCCESS;
	int i;

	for (i = 0; i < *count; i++) {
		/* This also catches the size that the last read left there. */
		if (packets[i].vm_pkt_size < interface->packet_max) {
			return VMNET_INVALID_ARGUMENT;
		}
	}
	for (i = 0; i < *count; i++) {
		status = read_packet(interface, &packets[i]);
		if (status != VMNET_SUCCESS || packets[i].vm_pkt_size == 0) {
			break;
		}
	}
	*count = i;
	return i > 0 ? VMNET_SUCCESS : status;
}

vmnet_return_t vmnet_read(
    interface_ref wanted, struct vmpktdesc *packets, int *pktcnt)
{
	vmnet_return_t status = fault(__func__);
	struct vmnet_interface *interface;

	if (status == VMNET_SUCCESS) {
		status = check_packets(packets, pktcnt);
	}
	if (status != VMNET_SUCCESS) {
		return status;
	}
	interface = interface_use(wanted, &status);
	if (interface == NULL) {
		return status;
	}
	status = read_packets(interface, packets, pktcnt);
	interface_unuse(interface);
	return status;
}

static vmnet_return_t write_packet(
    struct vmnet_interface *interface, const struct vmpktdesc *packet)
{
	struct iovec iov[IOVECS_MAX];
	size_t left = packet->vm_pkt_size;
	uint32_t i;

	/* The buffers may be longer than the frame. */
	for (i = 0; left > 0; i++) {
		iov[i] = packet->vm_pkt_iov[i];
		if (iov[i].iov_len > left) {
			iov[i].iov_len = left;
		}
		left -= iov[i].iov_len;
	}
	if (writev(interface->fd, iov, (int)i) != -1) {
		return VMNET_SUCCESS;
	}
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ||
		errno == ENOMEM
	    ? VMNET_BUFFER_EXHAUSTED
	    : VMNET_FAILURE;
}

static vmnet_return_t write_packets(struct vmnet_interface *interface,
    const struct vmpktdesc *packets, int *count)
{
	vmnet_return_t status = VMNET_SUCCESS;
	int i;

	for (i = 0; i < *count && status == VMNET_SUCCESS; i++) {
		if (packets[i].vm_pkt_size > interface->packet_max) {
			status = VMNET_PACKET_TOO_BIG;
		} else if (packets[i].vm_pkt_size <
		    sizeof(struct ether_header)) {
			status = VMNET_INVALID_ARGUMENT;
		}
	}
	/* If the caller made an error, none of the packets is read. */
	if (status != VMNET_SUCCESS) {
		*count = 0;
		return status;
	}
	for (i = 0; i < *count; i++) {
		status = write_packet(interface, &packets[i]);
		if (status != VMNET_SUCCESS) {
			break;
		}
	}
	*count = i;
	return i > 0 ? VMNET_SUCCESS : status;
}

vmnet_return_t vmnet_write(
    interface_ref wanted, struct vmpktdesc *packets, int *pktcnt)
{
	vmnet_return_t status = fault(__func__);
	struct vmnet_interface *interface;

	if (status == VMNET_SUCCESS) {
		status = check_packets(packets, pktcnt);
	}
	if (status != VMNET_SUCCESS) {
		return status;
	}
	interface = interface_use(wanted, &status);
	if (interface == NULL) {
		return status;
	}
	status = write_packets(interface, packets, pktcnt);
	interface_unuse(interface);
	return status;
}

/* The source, and what its handlers need; lives until it is cancelled. */
struct event {
	struct vmnet_interface *interface; /* used, so that fd stays open */
	dispatch_source_t source;
	vmnet_interface_event_callback_t callback;
};

static void event_fire(struct event *event)
{
	struct pollfd state = { .fd = event->interface->fd, .events = POLLIN };
	xpc_object_t dictionary;

	if (poll(&state, 1, 0) != 1) {
		return; /* another thread has read it meanwhile */
	}
	if ((state.revents & POLLIN) == 0) {
		/* The tap is gone: no frames will arrive, and the event would
		 * repeat forever. */
		dispatch_source_cancel(event->source);
		return;
	}
	dictionary = xpc_dictionary_create(NULL, NULL, 0);
	/* A tap does not report the number of frames: there is at least one,
	 * and the event repeats while there are more. */
	xpc_dictionary_set_uint64(
	    dictionary, vmnet_estimated_packets_available_key, 1);
	event->callback(VMNET_INTERFACE_PACKETS_AVAILABLE, dictionary);
	xpc_release(dictionary);
}

static void event_free(struct event *event)
{
	Block_release(event->callback);
	interface_unuse(event->interface);
	free(event);
}

/* NULL when there is no memory. */
static dispatch_source_t event_source(struct vmnet_interface *interface,
    dispatch_queue_t queue, vmnet_interface_event_callback_t callback)
{
	struct event *event = calloc(1, sizeof(*event));
	vmnet_return_t status;

	if (event == NULL) {
		return NULL;
	}
	event->interface = interface_use(interface, &status);
	event->source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_READ, (uintptr_t)interface->fd, 0, queue);
	if (event->interface == NULL || event->source == NULL) {
		if (event->interface != NULL) {
			interface_unuse(event->interface);
		}
		free(event);
		return NULL;
	}
	event->callback = Block_copy(callback);
	dispatch_source_set_event_handler(event->source, ^{
		event_fire(event);
	});
	dispatch_source_set_cancel_handler(event->source, ^{
		event_free(event);
	});
	dispatch_resume(event->source);
	return event->source;
}

static void event_replace(
    struct vmnet_interface *interface, dispatch_source_t source)
{
	dispatch_source_t old;

	pthread_mutex_lock(&interface->event_lock);
	old = interface->source;
	interface->source = source;
	pthread_mutex_unlock(&interface->event_lock);
	if (old != NULL) {
		dispatch_source_cancel(old);
		dispatch_release(old);
	}
}

void event_stop(struct vmnet_interface *interface)
{
	event_replace(interface, NULL);
}

vmnet_return_t vmnet_interface_set_event_callback(interface_ref wanted,
    interface_event_t event_mask, dispatch_queue_t queue,
    vmnet_interface_event_callback_t callback)
{
	vmnet_return_t status = fault(__func__);
	dispatch_source_t source = NULL;
	struct vmnet_interface *interface;

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if ((queue == NULL) != (callback == NULL) ||
	    (callback != NULL &&
		event_mask != VMNET_INTERFACE_PACKETS_AVAILABLE)) {
		return VMNET_INVALID_ARGUMENT;
	}
	interface = interface_use(wanted, &status);
	if (interface == NULL) {
		return status;
	}
	if (callback != NULL) {
		source = event_source(interface, queue, callback);
		if (source == NULL) {
			status = VMNET_MEM_FAILURE;
		}
	}
	if (status == VMNET_SUCCESS) {
		event_replace(interface, source);
	}
	interface_unuse(interface);
	return status;
}
