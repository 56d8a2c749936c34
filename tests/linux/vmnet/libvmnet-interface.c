// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Interfaces from start to stop. All that were started and have not ended are
 * in a list; a thread that uses one holds it there, so that it is not freed
 * meanwhile.
 */

#include "libvmnet.h"

#include <Block.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <standin.h>

#include "vmnet-standin.h"

#define COUNT_TYPE "vmnet-interface"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vmnet_interface *interfaces;

static void interface_free(struct vmnet_interface *interface)
{
	if (interface->fd != -1) {
		close(interface->fd);
	}
	dispatch_release(interface->worker);
	pthread_mutex_destroy(&interface->event_lock);
	free(interface);
	standin_count_add(COUNT_TYPE, -1);
}

/* Returns it only if it is in the list: a stale reference may point
 * anywhere. */
static struct vmnet_interface *find(interface_ref wanted)
{
	struct vmnet_interface *interface = interfaces;

	while (interface != NULL && interface != wanted) {
		interface = interface->next;
	}
	return interface;
}

struct vmnet_interface *interface_use(
    interface_ref wanted, vmnet_return_t *status)
{
	struct vmnet_interface *interface;

	pthread_mutex_lock(&lock);
	interface = find(wanted);
	if (interface == NULL) {
		*status = VMNET_INVALID_ARGUMENT;
	} else if (interface->state != INTERFACE_RUNNING) {
		*status = interface->state == INTERFACE_STARTING
		    ? VMNET_SETUP_INCOMPLETE
		    : VMNET_INVALID_ACCESS;
		interface = NULL;
	} else {
		*status = VMNET_SUCCESS;
		interface->uses++;
	}
	pthread_mutex_unlock(&lock);
	return interface;
}

void interface_unuse(struct vmnet_interface *interface)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = --interface->uses == 0;
	pthread_mutex_unlock(&lock);
	if (last) {
		interface_free(interface);
	}
}

/* Removes it from the list, and frees it when it is no longer used. */
static void interface_end(struct vmnet_interface *interface)
{
	struct vmnet_interface **link = &interfaces;

	pthread_mutex_lock(&lock);
	while (*link != interface) {
		link = &(*link)->next;
	}
	*link = interface->next;
	pthread_mutex_unlock(&lock);
	if (interface->network != NULL) {
		CFRelease(interface->network);
	}
	interface_unuse(interface);
}

/* False: another thread was faster. */
static bool state_change(struct vmnet_interface *interface,
    enum interface_state from, enum interface_state to)
{
	bool changed;

	pthread_mutex_lock(&lock);
	changed = interface->state == from;
	if (changed) {
		interface->state = to;
	}
	pthread_mutex_unlock(&lock);
	return changed;
}

/* NULL when there is no memory. */
static struct vmnet_interface *interface_allocate(
    vmnet_network_ref network, const struct wire_start *request)
{
	struct vmnet_interface *interface = calloc(1, sizeof(*interface));

	if (interface == NULL) {
		return NULL;
	}
	interface->worker =
	    dispatch_queue_create("com.apple.vmnet.interface", NULL);
	interface->uses = 1; /* the list's */
	interface->state = INTERFACE_STARTING;
	interface->fd = -1;
	memcpy(interface->id, request->interface_id, sizeof(interface->id));
	pthread_mutex_init(&interface->event_lock, NULL);
	if (network != NULL) {
		interface->network =
		    (vmnet_network_ref)(uintptr_t)CFRetain(network);
	}
	standin_count_add(COUNT_TYPE, 1);
	pthread_mutex_lock(&lock);
	interface->next = interfaces;
	interfaces = interface;
	pthread_mutex_unlock(&lock);
	return interface;
}

static xpc_object_t parameters_create(
    const struct vmnet_interface *interface, const struct wire_started *started)
{
	xpc_object_t parameters = xpc_dictionary_create(NULL, NULL, 0);
	const uint8_t *mac = started->mac;
	char text[24];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
	    mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (interface->show_mac) {
		xpc_dictionary_set_string(
		    parameters, vmnet_mac_address_key, text);
	}
	xpc_dictionary_set_uuid(
	    parameters, vmnet_interface_id_key, interface->id);
	xpc_dictionary_set_uint64(parameters, vmnet_mtu_key, started->mtu);
	xpc_dictionary_set_uint64(
	    parameters, vmnet_max_packet_size_key, interface->packet_max);
	xpc_dictionary_set_uint64(
	    parameters, vmnet_read_max_packets_key, PACKETS_MAX);
	xpc_dictionary_set_uint64(
	    parameters, vmnet_write_max_packets_key, PACKETS_MAX);
	if (interface->network == NULL) {
		legacy_parameters(parameters, started);
	}
	return parameters;
}

/* A pending start; owned by the worker's block. */
struct start {
	struct vmnet_interface *interface;
	struct wire_start request;
	vmnet_return_t status; /* known before: vmnetd is not asked */
	dispatch_queue_t queue;
	vmnet_start_interface_completion_handler_t handler;
	xpc_object_t parameters;
};

/* Until now it was starting, also for a caller that has not learned of the
	 * failure. */
static void start_report(struct start *start)
{
	if (start->status == VMNET_SUCCESS) {
		state_change(
		    start->interface, INTERFACE_STARTING, INTERFACE_RUNNING);
	} else {
		interface_end(start->interface);
	}
	start->handler(start->status, start->parameters);
	if (start->parameters != NULL) {
		xpc_release(start->parameters);
	}
	Block_release(start->handler);
	dispatch_release(start->queue);
	free(start);
}

static void start_run(struct start *start)
{
	struct vmnet_interface *interface = start->interface;
	struct wire_started started;
	struct call call = { .request = &start->request,
		.request_size = sizeof(start->request),
		.reply = &started,
		.reply_size = sizeof(started),
		.minimum = sizeof(started) };

	if (start->status == VMNET_SUCCESS) {
		start->status = client_call(&call);
		if (start->status == VMNET_SUCCESS && call.fd == -1) {
			start->status = VMNET_FAILURE;
		}
	}
	if (start->status == VMNET_SUCCESS) {
		interface->number = started.interface;
		interface->fd = call.fd;
		interface->packet_max =
		    started.mtu + sizeof(struct ether_header);
		start->parameters = parameters_create(interface, &started);
	}
	dispatch_async(start->queue, ^{
		start_report(start);
	});
}

static vmnet_return_t describe(
    xpc_object_t description, struct wire_start *request)
{
	const uint8_t *id;

	if (xpc_dictionary_get_bool(description, vmnet_enable_isolation_key)) {
		request->flags |= WIRE_ISOLATED;
	}
	if (xpc_dictionary_get_bool(description, vmnet_enable_tso_key) &&
	    xpc_dictionary_get_bool(
		description, vmnet_enable_checksum_offload_key)) {
		request->flags |= WIRE_OFFLOAD;
	}
	id = (request->flags & WIRE_LEGACY) == 0
	    ? NULL
	    : xpc_dictionary_get_uuid(description, vmnet_interface_id_key);
	if (id != NULL) {
		memcpy(request->interface_id, id, WIRE_ID_SIZE);
	} else if (getrandom(request->interface_id, WIRE_ID_SIZE, 0) !=
	    WIRE_ID_SIZE) {
		return VMNET_FAILURE;
	}
	return VMNET_SUCCESS;
}

static bool wants_mac(xpc_object_t description, bool legacy)
{
	xpc_object_t value = xpc_dictionary_get_value(
	    description, vmnet_allocate_mac_address_key);

	/* With a network there is one, regardless of the key. */
	return !legacy || value == NULL ||
	    xpc_get_type(value) != XPC_TYPE_BOOL || xpc_bool_get_value(value);
}

interface_ref interface_begin(struct wire_start *request,
    vmnet_network_ref network, xpc_object_t description, dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler)
{
	struct start *start = calloc(1, sizeof(*start));
	struct vmnet_interface *interface;

	if (start == NULL) {
		return NULL;
	}
	request->header.type = WIRE_START;
	/* An earlier error is reported like the status of a reply. */
	start->status = (vmnet_return_t)request->header.status;
	if (start->status == VMNET_SUCCESS) {
		start->status = describe(description, request);
	}
	start->request = *request;
	interface = interface_allocate(network, request);
	if (interface == NULL) {
		free(start);
		return NULL;
	}
	interface->show_mac = wants_mac(description, network == NULL);
	start->interface = interface;
	start->queue = queue;
	dispatch_retain(queue);
	start->handler = Block_copy(handler);
	dispatch_async(interface->worker, ^{
		start_run(start);
	});
	return interface;
}

interface_ref vmnet_interface_start_with_network(vmnet_network_ref network,
    xpc_object_t interface_desc, dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler)
{
	struct wire_start request = { 0 };

	request.header.status = fault(__func__);
	/* A status that does not exist: refused at once (standin.h). */
	if (request.header.status < VMNET_SUCCESS || network == NULL ||
	    queue == NULL || handler == NULL || interface_desc == NULL ||
	    xpc_get_type(interface_desc) != XPC_TYPE_DICTIONARY) {
		return NULL;
	}
	network_check(network, __func__);
	network_check_executable(network);
	memcpy(request.network, network->network.id, sizeof(request.network));
	return interface_begin(
	    &request, network, interface_desc, queue, handler);
}

static void stop_run(struct vmnet_interface *interface, dispatch_queue_t queue,
    vmnet_interface_completion_handler_t handler)
{
	struct wire_stop request = { .header = { .type = WIRE_STOP },
		.interface = interface->number };

	event_stop(interface);
	/* If vmnetd has exited, its interface is gone, too. */
	(void)client_tell(&request, sizeof(request));
	/* Its hold on the network is gone when the handler runs. */
	interface_end(interface);
	dispatch_async(queue, ^{
		handler(VMNET_SUCCESS);
		Block_release(handler);
		dispatch_release(queue);
	});
}

vmnet_return_t vmnet_stop_interface(interface_ref wanted,
    dispatch_queue_t queue, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status = fault(__func__);
	struct vmnet_interface *interface;
	vmnet_interface_completion_handler_t copy;

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if (queue == NULL || handler == NULL) {
		return VMNET_INVALID_ARGUMENT;
	}
	interface = interface_use(wanted, &status);
	if (interface == NULL) {
		return status;
	}
	if (state_change(interface, INTERFACE_RUNNING, INTERFACE_STOPPING)) {
		copy = Block_copy(handler);
		dispatch_retain(queue);
		dispatch_async(interface->worker, ^{
			stop_run(interface, queue, copy);
		});
	} else {
		status = VMNET_INVALID_ACCESS;
	}
	interface_unuse(interface);
	return status;
}

int standin_vmnet_interface_descriptor(interface_ref wanted)
{
	vmnet_return_t status;
	struct vmnet_interface *interface = interface_use(wanted, &status);
	int fd = -1;

	if (interface != NULL) {
		fd = interface->fd;
		interface_unuse(interface);
	}
	return fd;
}
