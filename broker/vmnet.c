// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * One network goes through these phases, always in this order:
 *
 *	making     on a worker: the network is created
 *	ready      handed out; its anchor is started
 *	stopping   waiting for its anchor to stop, see anchor.h
 *	releasing  on a worker: the network is released
 *
 * While a worker has a network, only the worker touches it, but for
 * `abandoned`, which belongs to the serial queue.
 */

#include "vmnet.h"

#include <CoreFoundation/CoreFoundation.h>
#include <arpa/inet.h>
#include <dispatch/dispatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "addresses.h"
#include "anchor.h"
#include "log.h"

/* What vmnet gives a network that nobody set another MTU for. */
#define MTU_DEFAULT 1500

enum phase { MAKING, READY, STOPPING, RELEASING };

struct vmnet_owned {
	struct vmnet_wish wish;
	const struct vmnet_events *events;
	void *context;
	enum phase phase;
	bool abandoned; /* while it was made: nobody wants it any more */

	struct failure failure; /* if network is NULL */
	vmnet_network_ref network;
	xpc_object_t serialization;
	struct vmnet_info info;

	uint64_t anchor; /* its number */
};

static dispatch_queue_t queue;

static dispatch_queue_t worker(void)
{
	return dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0);
}

/*
 * What vmnet answers.
 */

static const char *status_name(vmnet_return_t status)
{
	static const char *const names[] = {
		"VMNET_SUCCESS",
		"VMNET_FAILURE",
		"VMNET_MEM_FAILURE",
		"VMNET_INVALID_ARGUMENT",
		"VMNET_SETUP_INCOMPLETE",
		"VMNET_INVALID_ACCESS",
		"VMNET_PACKET_TOO_BIG",
		"VMNET_BUFFER_EXHAUSTED",
		"VMNET_TOO_MANY_PACKETS",
		"VMNET_SHARING_SERVICE_BUSY",
		"VMNET_NOT_AUTHORIZED",
	};
	size_t index = (size_t)status - VMNET_SUCCESS;

	return index < sizeof(names) / sizeof(names[0]) ? names[index]
							: "unknown status";
}

/* What to do, as far as anybody found out. */
static const char *status_advice(
    vmnet_return_t status, const struct vmnet_wish *wish)
{
	switch (status) {
	case VMNET_FAILURE:
		if (wish->choice == VMNET_SUBNET_FIXED) {
			return "the subnet is used by another network, or was "
			       "left behind by a process that was killed: "
			       "choose another subnet, or restart the Mac";
		}
		return "there may be too many networks: stop what uses them, "
		       "or restart the Mac";
	case VMNET_MEM_FAILURE:
		return "the broker is not signed with the entitlement "
		       "com.apple.security.virtualization, or the service "
		       "com.apple.NetworkSharing cannot be reached";
	case VMNET_SHARING_SERVICE_BUSY:
		return "the sharing service is busy: try again";
	default:
		return "see the log of the process InternetSharing";
	}
}

static void fail(
    struct vmnet_owned *owned, const char *function, vmnet_return_t status)
{
	failure_set(&owned->failure, FAILURE_CREATE, "%s: %s (%u): %s",
	    function, status_name(status), (unsigned)status,
	    status_advice(status, &owned->wish));
	owned->failure.vmnet_status = status;
}

/*
 * Making, on a worker.
 */

/* vmnet takes the gateway's address, whatever it calls the argument. */
static vmnet_return_t set_subnet(
    vmnet_network_configuration_ref config, const struct subnet *subnet)
{
	struct in_addr gateway = { .s_addr = htonl(subnet->address + 1) };
	struct in_addr mask = { .s_addr = htonl(subnet_mask(subnet)) };

	return vmnet_network_configuration_set_ipv4_subnet(
	    config, &gateway, &mask);
}

/* NULL: the subnet is for the system to choose. */
static vmnet_network_ref create_network(
    struct vmnet_owned *owned, const struct subnet *subnet)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network = NULL;
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(owned->wish.mode == CONFIG_HOST
		    ? VMNET_HOST_MODE
		    : VMNET_SHARED_MODE,
		&status);

	if (config == NULL) {
		fail(owned, "vmnet_network_configuration_create", status);
		return NULL;
	}
	if (subnet != NULL) {
		status = set_subnet(config, subnet);
		if (status != VMNET_SUCCESS) {
			fail(owned,
			    "vmnet_network_configuration_set_ipv4_subnet",
			    status);
			goto out;
		}
	}
	network = vmnet_network_create(config, &status);
	if (network == NULL) {
		fail(owned, "vmnet_network_create", status);
	}
out:
	CFRelease(config);
	return network;
}

static vmnet_network_ref create_with_choice(struct vmnet_owned *owned)
{
	const struct vmnet_wish *wish = &owned->wish;
	vmnet_network_ref network = NULL;
	char interface[ADDRESSES_TEXT];
	char subnet[SUBNET_TEXT];
	bool overlap = wish->choice != VMNET_SUBNET_ANY &&
	    addresses_overlap(&wish->subnet, interface);

	subnet_format(&wish->subnet, subnet);
	if (wish->choice == VMNET_SUBNET_FIXED && overlap) {
		failure_set(&owned->failure, FAILURE_CREATE,
		    "the subnet %s overlaps the Mac's own interface %s: "
		    "choose another in networks.json",
		    subnet, interface);
		return NULL;
	}
	if (wish->choice == VMNET_SUBNET_FIXED) {
		return create_network(owned, &wish->subnet);
	}
	if (wish->choice == VMNET_SUBNET_RATHER && !overlap) {
		network = create_network(owned, &wish->subnet);
		/* What it says if, and only if, the subnet is taken. */
		if (network != NULL ||
		    owned->failure.vmnet_status != VMNET_FAILURE) {
			return network;
		}
		log_notice(
		    "network %s: cannot have %s again", wish->name, subnet);
	}
	return create_network(owned, NULL);
}

/* Reads what the network is. 0, or -1: it cannot be. */
static int describe(vmnet_network_ref network, struct vmnet_info *info)
{
	struct in_addr address = { 0 };
	struct in_addr mask = { 0 };

	vmnet_network_get_ipv4_subnet(network, &address, &mask);
	vmnet_network_get_ipv6_prefix(
	    network, &info->ipv6_prefix, &info->ipv6_length);
	info->gateway = ntohl(address.s_addr);
	info->mtu = MTU_DEFAULT;
	return subnet_of(info->gateway, ntohl(mask.s_addr), &info->subnet);
}

/* Leaves a network that is complete, or none and a failure. */
static void make(struct vmnet_owned *owned)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network = create_with_choice(owned);

	if (network == NULL) {
		return;
	}
	owned->serialization =
	    vmnet_network_copy_serialization(network, &status);
	if (owned->serialization == NULL) {
		fail(owned, "vmnet_network_copy_serialization", status);
		CFRelease(network);
		return;
	}
	if (describe(network, &owned->info) != 0) {
		failure_set(&owned->failure, FAILURE_CREATE,
		    "vmnet made a network with a subnet that is none");
		xpc_release(owned->serialization);
		owned->serialization = NULL;
		CFRelease(network);
		return;
	}
	owned->network = network;
}

/*
 * From phase to phase, on the serial queue.
 */

static void finish(struct vmnet_owned *owned)
{
	const struct failure *failure =
	    owned->network == NULL ? &owned->failure : NULL;

	owned->events->gone(owned->context, owned, failure);
	free(owned);
	/* Last: once launchd has stopped the broker, this ends the process. */
	xpc_transaction_end();
}

static void release_network(struct vmnet_owned *owned)
{
	owned->phase = RELEASING;
	dispatch_async(worker(), ^{
		xpc_release(owned->serialization);
		CFRelease(owned->network);
		dispatch_async(queue, ^{
			finish(owned);
		});
	});
}

static void anchor_stopped(void *context)
{
	release_network(context);
}

static void release(struct vmnet_owned *owned)
{
	owned->phase = STOPPING;
	anchor_stop(owned->anchor, anchor_stopped, owned);
}

/* The anchor comes last: whoever waits for the network does not wait for it. */
static void become_ready(struct vmnet_owned *owned)
{
	owned->phase = READY;
	owned->events->created(owned->context, owned, &owned->info);
	if (owned->phase == READY) {
		owned->anchor =
		    anchor_start(owned->wish.name, owned->serialization);
	}
}

/* The worker is back. */
static void made(struct vmnet_owned *owned)
{
	if (owned->network == NULL) {
		finish(owned);
	} else if (owned->abandoned) {
		release(owned);
	} else {
		become_ready(owned);
	}
}

/*
 * What the registry calls.
 */

void vmnet_start(void *serial_queue)
{
	queue = serial_queue;
	anchor_init(queue);
}

struct vmnet_owned *vmnet_own(const struct vmnet_wish *wish,
    const struct vmnet_events *events, void *context)
{
	struct vmnet_owned *owned = calloc(1, sizeof(*owned));

	if (owned == NULL) {
		return NULL;
	}
	owned->wish = *wish;
	owned->events = events;
	owned->context = context;
	owned->phase = MAKING;
	xpc_transaction_begin();
	dispatch_async(worker(), ^{
		make(owned);
		dispatch_async(queue, ^{
			made(owned);
		});
	});
	return owned;
}

void vmnet_disown(struct vmnet_owned *owned)
{
	release(owned);
}

void vmnet_abandon(struct vmnet_owned *owned)
{
	if (owned->phase == MAKING) {
		owned->abandoned = true;
	}
}

void *vmnet_get_serialization(const struct vmnet_owned *owned)
{
	return owned->serialization;
}
