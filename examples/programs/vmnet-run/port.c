// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: one network, from the broker to a vmnet interface.
 *
 * The hold reports what happens to the network. When it is lost and granted
 * again, it is another network, and the interface on the old one no longer
 * works: it is stopped, and a new one is started on the new network. The guest
 * keeps its socket and its MAC address, which the new bridge learns from its
 * frames. The address of the interface itself is chosen by vmnet, each time.
 *
 * Everything happens on the queue of the port, and nothing blocks there.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <CoreFoundation/CoreFoundation.h>

#include "run.h"

/* Timeout for the broker, and then for vmnet, at the start. */
#define START_SECONDS 60
/* After this long, it reports what it is waiting for. */
#define PATIENCE_SECONDS 2

/* Timeout for vmnet to stop an interface. */
#define STOP_SECONDS 10

/* Pause after vmnet could not start an interface again. */
#define RETRY_SECONDS 1

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec;
}

static dispatch_time_t after(int64_t seconds)
{
	return dispatch_time(
	    DISPATCH_TIME_NOW, seconds * (int64_t)NSEC_PER_SEC);
}

/* --- The interface ------------------------------------------------------- */

static void port_settle(struct port *port);

static void port_set_error(struct port *port, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void port_set_error(struct port *port, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(port->error, sizeof(port->error), format, args);
	va_end(args);
}

/* If this is the first interface, the start fails; later ones are retried. */
static void port_failed(struct port *port)
{
	if (!port->started) {
		dispatch_semaphore_signal(port->ready);
		return;
	}
	say("%s: %s", port->network_name, port->error);
	port->busy = true;
	dispatch_after(after(RETRY_SECONDS), port->queue, ^{
		port->busy = false;
		port_settle(port);
	});
}

/* Stores the properties of the interface that the guest and we need. The guest
 * gets them only at the start. */
static bool port_learn(struct port *port, xpc_object_t parameters)
{
	const char *mac =
	    xpc_dictionary_get_string(parameters, vmnet_mac_address_key);
	uint64_t mtu = xpc_dictionary_get_uint64(parameters, vmnet_mtu_key);
	uint64_t size =
	    xpc_dictionary_get_uint64(parameters, vmnet_max_packet_size_key);

	if (mac == NULL || mtu == 0 || size < mtu || size >= FRAME_ROOM) {
		port_set_error(port,
		    "vmnet returned no usable MAC address, MTU or packet size");
		return false;
	}
	if (!port->started) {
		if (port->mac[0] == '\0') {
			snprintf(port->mac, sizeof(port->mac), "%s", mac);
		}
		port->mtu = mtu;
	} else if (mtu != port->mtu) {
		say("%s: the MTU is %" PRIu64 " now, and was %" PRIu64
		    " when the command started",
		    port->network_name, mtu, port->mtu);
	}
	port->max_packet_size = (size_t)size;
	return true;
}

/* Frames flow, unless the interface cannot be used. */
static void port_attached(struct port *port, xpc_object_t parameters)
{
	vmnet_return_t status = VMNET_FAILURE;

	if (port_learn(port, parameters)) {
		status = port_connect(port);
		if (status != VMNET_SUCCESS) {
			port_set_error(
			    port, "no events: vmnet status %d", (int)status);
		}
	}
	if (status != VMNET_SUCCESS) {
		port->generation = 0; /* it is not on the network: stop it */
		port_failed(port);
	} else if (!port->started) {
		port->started = true;
		dispatch_semaphore_signal(port->ready);
	}
}

/* There is no interface. */
static void port_detached(struct port *port)
{
	port->busy = false;
	port->interface = NULL;
	CFRelease(port->network);
	port->network = NULL;
}

static void port_refused(struct port *port, vmnet_return_t status)
{
	port_detached(port);
	port_set_error(
	    port, "cannot start an interface: vmnet status %d", (int)status);
	port_failed(port);
}

static void port_start_interface(struct port *port)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_bool(description, vmnet_enable_tso_key, offload);
	xpc_dictionary_set_bool(
	    description, vmnet_enable_checksum_offload_key, offload);
	xpc_dictionary_set_bool(
	    description, vmnet_enable_virtio_header_key, offload);
	port->busy = true;
	port->interface =
	    vmnet_interface_start_with_network(port->network, description,
		port->queue, ^(vmnet_return_t status, xpc_object_t parameters) {
			port->busy = false;
			if (status == VMNET_SUCCESS) {
				port_attached(port, parameters);
			} else {
				port_refused(port, status);
			}
			port_settle(port);
		});
	xpc_release(description);
	/* If the call fails immediately, the block is not called. */
	if (port->interface == NULL) {
		port_refused(port, VMNET_FAILURE);
	}
}

static void port_stop_interface(struct port *port)
{
	port_disconnect(port);
	port->busy = true;
	vmnet_return_t status = vmnet_stop_interface(
	    port->interface, port->queue, ^(vmnet_return_t result) {
		    (void)result;
		    port_detached(port);
		    port_settle(port);
	    });
	/* The block is not called, and there is nothing to stop. */
	if (status != VMNET_SUCCESS) {
		port_detached(port);
		dispatch_async(port->queue, ^{
			port_settle(port);
		});
	}
}

/* --- The network --------------------------------------------------------- */

/* NULL while it is not granted. The generation is read first: if the network is
 * replaced between the two calls, we have the generation of the old one, and
 * the event that follows reveals the difference. If a broker sends no
 * generations, each grant counts as a new network. */
static xpc_object_t port_copy_network(struct port *port, uint64_t *generation)
{
	xpc_object_t info = vmnet_broker_hold_copy_info(port->hold);

	*generation = 0;
	if (info != NULL) {
		*generation = xpc_dictionary_get_uint64(info, "generation");
		xpc_release(info);
	}
	if (*generation == 0) {
		*generation = port->grants;
	}
	return vmnet_broker_hold_copy_network(port->hold);
}

static void port_attach(
    struct port *port, xpc_object_t serialization, uint64_t generation)
{
	vmnet_return_t status = VMNET_SUCCESS;

	port->generation = generation;
	port->network =
	    vmnet_network_create_with_serialization(serialization, &status);
	if (port->network != NULL) {
		port_start_interface(port);
		return;
	}
	port_set_error(
	    port, "cannot use the network: vmnet status %d", (int)status);
	port_failed(port);
}

static void port_back(struct port *port)
{
	if (port->lost) {
		port->lost = false;
		say("%s: back after %" PRIu64 " ms", port->network_name,
		    (uint64_t)((now() - port->lost_at) / NSEC_PER_MSEC));
	}
}

/* Takes the next step, unless vmnet has to answer first. */
static void port_settle(struct port *port)
{
	uint64_t generation = 0;
	bool failed = !port->started && port->error[0] != '\0';

	if (port->busy) {
		return;
	}
	if (port->leaving && port->interface == NULL) {
		dispatch_semaphore_signal(port->stopped);
		return;
	}
	xpc_object_t serialization = port_copy_network(port, &generation);
	if (port->leaving ||
	    (serialization != NULL && port->interface != NULL &&
		port->generation != generation)) {
		port_stop_interface(port);
	} else if (serialization != NULL && port->interface != NULL) {
		port_back(port);
	} else if (serialization != NULL && !failed && !port->closed) {
		port_attach(port, serialization, generation);
	}
	if (serialization != NULL) {
		xpc_release(serialization);
	}
}

/* --- The hold ------------------------------------------------------------ */

static void port_refused_by_broker(struct port *port)
{
	char reason[512];

	vmnet_broker_hold_get_reason(port->hold, reason, sizeof(reason));
	say("%s: no longer available: %s", port->network_name, reason);
}

static void port_hold_changed(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	struct port *port = context;

	(void)hold;
	switch (state) {
	case VMNET_BROKER_HOLD_GRANTED:
		port->grants++;
		port_settle(port);
		break;
	case VMNET_BROKER_HOLD_LOST:
		if (!port->lost) {
			port->lost = true;
			port->lost_at = now();
		}
		say("%s: lost, asking again", port->network_name);
		break;
	case VMNET_BROKER_HOLD_FAILED:
		/* At the start, port_start() reports it. */
		if (port->started) {
			port_refused_by_broker(port);
		}
		break;
	default:
		break;
	}
}

void port_create(struct port *port)
{
	port->queue = dispatch_queue_create(port->network_name, NULL);
	port->events = dispatch_queue_create(port->network_name, NULL);
	dispatch_set_target_queue(port->events, port->queue);
	port->ready = dispatch_semaphore_create(0);
	port->stopped = dispatch_semaphore_create(0);
	port_create_sockets(port);
	/* On the queue, so that no event comes before the hold is stored. */
	dispatch_sync(port->queue, ^{
		port->hold = vmnet_broker_hold_create(
		    port->network_name, port->queue, port_hold_changed, port);
	});
	if (port->hold == NULL) {
		fail("out of memory");
	}
}

/* Stores why the network is not granted. */
static void port_get_reason(const struct port *port, char *text, size_t size)
{
	if (vmnet_broker_hold_get_reason(port->hold, text, size) ==
	    VMNET_BROKER_SUCCESS) {
		snprintf(text, size, "no answer from the broker");
	}
}

static void port_wait(const struct port *port)
{
	char reason[512];

	if (vmnet_broker_hold_wait(port->hold, PATIENCE_SECONDS) ==
	    VMNET_BROKER_XPC_FAILURE) {
		port_get_reason(port, reason, sizeof(reason));
		say("%s: %s; waiting", port->network_name, reason);
	}
	if (vmnet_broker_hold_wait(port->hold,
		START_SECONDS - PATIENCE_SECONDS) != VMNET_BROKER_SUCCESS) {
		port_get_reason(port, reason, sizeof(reason));
		fail("%s: %s", port->network_name, reason);
	}
}

void port_start(struct port *port)
{
	port_wait(port);
	if (dispatch_semaphore_wait(port->ready, after(START_SECONDS)) != 0) {
		fail("%s: vmnet started no interface in %d s",
		    port->network_name, START_SECONDS);
	}
	if (!port->started) {
		fail("%s: %s", port->network_name, port->error);
	}
	port_forward(port);
}

void port_stop(struct port *port)
{
	if (port->hold == NULL) {
		return;
	}
	dispatch_async(port->queue, ^{
		port->leaving = true;
		if (port->started) {
			port_close(port);
		}
		port_settle(port);
	});
	if (dispatch_semaphore_wait(port->stopped, after(STOP_SECONDS)) != 0) {
		say("%s: vmnet did not stop the interface in %d s",
		    port->network_name, STOP_SECONDS);
	}
	vmnet_broker_hold_release(port->hold, NULL);
}
