// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 *	starting   vmnet was asked to start it and has not answered yet
 *	running    it has started
 *	stopping   vmnet was asked to stop it and has not answered yet
 *
 * vmnet_stop_interface() is called only for an anchor that has started: before
 * that, and after a failed start, it is an error. While vmnet has not answered,
 * the anchor stays on the list, and its network gets no second anchor.
 *
 * We do not rely on vmnet to call a handler exactly once: a handler identifies
 * its anchor by number and state, and is ignored if either does not match.
 *
 * The interface is started on a copy of the network, created by
 * deserialization, because stopping an interface drops its reference to the
 * network. Checksum and TSO offload are enabled, because one interface without
 * them disables them for every VM on the bridge.
 */

#include "anchor.h"

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <vmnet/vmnet.h>

#include "log.h"

enum state { STARTING, RUNNING, STOPPING };

struct anchor {
	const char *name;
	uint64_t number;
	enum state state;
	interface_ref interface;
	bool in_vmnet; /* a worker has not returned yet */
	bool answered; /* the handler was called in this state */
	vmnet_return_t status;
	void (*stopped)(void *context); /* NULL: no caller waits */
	void *context;
	dispatch_source_t timer; /* while a caller waits */
	bool stop;
	TAILQ_ENTRY(anchor) entry;
};

TAILQ_HEAD(anchor_list, anchor);

static struct anchor_list all = TAILQ_HEAD_INITIALIZER(all);
static dispatch_queue_t queue;
static uint64_t last_number;

static struct anchor *find(uint64_t number)
{
	struct anchor *anchor = NULL;

	TAILQ_FOREACH(anchor, &all, entry)
	{
		if (anchor->number == number) {
			return anchor;
		}
	}
	return NULL;
}

static bool has_anchor(const char *name)
{
	const struct anchor *anchor = NULL;

	TAILQ_FOREACH(anchor, &all, entry)
	{
		if (anchor->name == name) {
			return true;
		}
	}
	return false;
}

static void notify(struct anchor *anchor)
{
	void (*stopped)(void *context) = anchor->stopped;

	if (stopped != NULL) {
		dispatch_source_cancel(anchor->timer);
		dispatch_release(anchor->timer);
		anchor->stopped = NULL;
		stopped(anchor->context);
	}
}

static void destroy(struct anchor *anchor)
{
	TAILQ_REMOVE(&all, anchor, entry);
	notify(anchor);
	free(anchor);
}

static void handle_answer(
    uint64_t number, enum state state, vmnet_return_t status);

static void begin_stop(struct anchor *anchor)
{
	uint64_t number = anchor->number;

	anchor->state = STOPPING;
	anchor->answered = false;
	anchor->in_vmnet = true;
	dispatch_async(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		vmnet_return_t refused = vmnet_stop_interface(
		    anchor->interface, queue, ^(vmnet_return_t status) {
			    handle_answer(number, STOPPING, status);
		    });

		dispatch_async(queue, ^{
			anchor->in_vmnet = false;
			/* If the call fails, the handler is not called. */
			handle_answer(number, STOPPING,
			    refused == VMNET_SUCCESS ? 0 : refused);
		});
	});
}

static void log_none(const char *name, const char *reason, unsigned status)
{
	log_error("network %s: no anchor interface: %s (%u): the gateway and "
		  "DHCP stop whenever no VM is attached",
	    name, reason, status);
}

/* Enters the next state unless vmnet still has to answer. */
static void advance(struct anchor *anchor)
{
	bool good = anchor->status == VMNET_SUCCESS;

	if (anchor->in_vmnet || !anchor->answered) {
		return;
	}
	if (anchor->state == STARTING && good && anchor->interface != NULL) {
		anchor->state = RUNNING;
	}
	switch (anchor->state) {
	case STARTING:
		log_none(anchor->name, "vmnet could not start it",
		    (unsigned)anchor->status);
		destroy(anchor);
		break;
	case RUNNING:
		if (anchor->stop) {
			begin_stop(anchor);
		}
		break;
	case STOPPING:
		if (!good) {
			log_error("network %s: its anchor interface did not "
				  "stop: vmnet status %u",
			    anchor->name, (unsigned)anchor->status);
		}
		destroy(anchor);
		break;
	}
}

/* A status of 0 is not an answer: only the worker has returned. */
static void handle_answer(
    uint64_t number, enum state state, vmnet_return_t status)
{
	struct anchor *anchor = find(number);

	if (anchor == NULL || anchor->state != state) {
		return;
	}
	if (status != 0 && !anchor->answered) {
		anchor->answered = true;
		anchor->status = status;
	}
	advance(anchor);
}

/* On a worker. */
static interface_ref start_interface(
    uint64_t number, xpc_object_t serialization, vmnet_return_t *status)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	interface_ref interface = NULL;
	vmnet_network_ref network =
	    vmnet_network_create_with_serialization(serialization, status);

	xpc_dictionary_set_bool(description, vmnet_enable_tso_key, true);
	xpc_dictionary_set_bool(
	    description, vmnet_enable_checksum_offload_key, true);
	if (network != NULL) {
		*status = VMNET_FAILURE;
		interface = vmnet_interface_start_with_network(network,
		    description, queue,
		    ^(vmnet_return_t answer, xpc_object_t parameters) {
			    (void)parameters;
			    handle_answer(number, STARTING, answer);
		    });
		CFRelease(network);
	}
	xpc_release(description);
	return interface;
}

void anchor_init(dispatch_queue_t serial_queue)
{
	queue = serial_queue;
}

uint64_t anchor_start(const char *name, xpc_object_t serialization)
{
	struct anchor *anchor = NULL;
	uint64_t number = last_number + 1;

	if (has_anchor(name)) {
		log_none(name,
		    "vmnet has not finished a call for the previous one", 0);
		return 0;
	}
	anchor = calloc(1, sizeof(*anchor));
	if (anchor == NULL) {
		log_none(name, "out of memory", 0);
		return 0;
	}
	last_number = number;
	anchor->name = name;
	anchor->number = number;
	anchor->state = STARTING;
	anchor->in_vmnet = true;
	TAILQ_INSERT_TAIL(&all, anchor, entry);
	xpc_retain(serialization);
	dispatch_async(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		vmnet_return_t status = VMNET_FAILURE;
		interface_ref interface =
		    start_interface(number, serialization, &status);

		xpc_release(serialization);
		dispatch_async(queue, ^{
			anchor->in_vmnet = false;
			anchor->interface = interface;
			/* If the call fails, do not wait for the handler. */
			handle_answer(
			    number, STARTING, interface == NULL ? status : 0);
		});
	});
	return number;
}

static void give_up(uint64_t number)
{
	struct anchor *anchor = find(number);

	if (anchor != NULL && anchor->stopped != NULL) {
		log_error("network %s: vmnet did not stop the anchor interface "
			  "within %d seconds",
		    anchor->name, ANCHOR_STOP_TIMEOUT);
		notify(anchor);
	}
}

static void set_timer(struct anchor *anchor)
{
	uint64_t number = anchor->number;

	anchor->timer =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0, queue);
	dispatch_source_set_event_handler(anchor->timer, ^{
		give_up(number);
	});
	dispatch_source_set_timer(anchor->timer,
	    dispatch_time(
		DISPATCH_TIME_NOW, ANCHOR_STOP_TIMEOUT * (int64_t)NSEC_PER_SEC),
	    DISPATCH_TIME_FOREVER, 0);
	dispatch_activate(anchor->timer);
}

void anchor_stop(uint64_t number, void (*stopped)(void *context), void *context)
{
	struct anchor *anchor = find(number);

	if (anchor == NULL) {
		dispatch_async(queue, ^{
			stopped(context);
		});
		return;
	}
	anchor->stopped = stopped;
	anchor->context = context;
	anchor->stop = true;
	set_timer(anchor);
	advance(anchor);
}
