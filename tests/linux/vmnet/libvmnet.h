// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Inside libvmnet: the half of vmnet.framework that lives in every process.
 * All of it may be called from any thread.
 */

#ifndef LIBVMNET_H
#define LIBVMNET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmnet/vmnet.h>

#include "../corefoundation/cf-object.h"
#include "vmnet-wire.h"

#define PACKETS_MAX 256 /* of one read or write, as on macOS */

/*
 * The result that a test has set for this call (standin.h), or VMNET_SUCCESS.
 * If the test has set that, the call hangs.
 */
vmnet_return_t fault(const char *function);

/* Stores the value unless status is NULL. */
void status_set(vmnet_return_t *status, vmnet_return_t value);

/*
 * Sends a request and waits for its reply (vmnet-wire.h). Returns the status of
 * the reply; VMNET_MEM_FAILURE if vmnetd cannot be reached, as on macOS.
 */
struct call {
	const void *request; /* begins with a struct wire_header */
	size_t request_size;
	void *reply;
	size_t reply_size; /* in: the room; out: what was received */
	size_t minimum;    /* a shorter VMNET_SUCCESS is VMNET_FAILURE */
	int fd;            /* out: the descriptor that came along, or -1 */
	/* The client's own. */
	struct call *next;
	uint32_t sequence;
	uint32_t status;
	bool done;
};

vmnet_return_t client_call(struct call *call);

/* The same, for replies that contain only a status. */
vmnet_return_t client_tell(void *request, size_t size);

struct vmnet_network_configuration {
	struct cf_object object;
	pthread_mutex_t lock;
	struct wire_network network;
	struct wire_reservation *reservations;
	struct wire_rule *rules;
	uint32_t reservation_count;
	uint32_t rule_count;
};

/* Returns a request to create it, of *size bytes, or NULL without memory. */
struct wire_create *config_copy_request(
    vmnet_network_configuration_ref config, size_t *size);

struct vmnet_network {
	struct cf_object object;
	struct wire_network network;
	bool owner; /* its last release removes the network */
	struct wire_reservation *reservations;
	struct wire_rule *rules;
	uint32_t reservation_count;
	uint32_t rule_count;
};

/* Aborts unless it is a network. */
void network_check(vmnet_network_ref network, const char *caller);

/*
 * macOS 26.0 and 26.1 let only the executable that created a network start
 * interfaces on it: any other is ended with SIGTRAP.
 */
void network_check_executable(vmnet_network_ref network);

/* Identifies the executable of this process; zeros if there is none. */
void executable_identify(uint64_t identity[2]);

enum interface_state {
	INTERFACE_STARTING,
	INTERFACE_RUNNING,
	INTERFACE_STOPPING,
};

struct vmnet_interface {
	struct vmnet_interface *next;
	unsigned uses;              /* under the lock of the list */
	enum interface_state state; /* the same */
	vmnet_network_ref network;  /* NULL: by vmnet_start_interface. */
	dispatch_queue_t worker;    /* serial: runs everything that blocks */
	uint8_t id[WIRE_ID_SIZE];
	bool show_mac;
	/* Set before it runs, and not changed again. */
	uint32_t number; /* vmnetd's. */
	int fd;
	size_t packet_max;
	/* Under event_lock. */
	pthread_mutex_t event_lock;
	dispatch_source_t source;
};

/*
 * A running interface, until interface_unuse; NULL when it is not running, and
 * then *status says why. A stale or invalid reference is an invalid argument,
 * not a crash.
 */
struct vmnet_interface *interface_use(
    interface_ref interface, vmnet_return_t *status);
void interface_unuse(struct vmnet_interface *interface);

/* Completes the request and sends it; network may be NULL. */
interface_ref interface_begin(struct wire_start *request,
    vmnet_network_ref network, xpc_object_t description, dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler);

/* The parameters of an interface that only the older API reports. */
void legacy_parameters(
    xpc_object_t parameters, const struct wire_started *started);

/* No more events. When it returns none will begin. */
void event_stop(struct vmnet_interface *interface);

#endif /* LIBVMNET_H */
