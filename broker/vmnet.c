// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * One network goes through these phases, always in this order:
 *
 *	making     on a worker: the network is created, its anchor started
 *	anchoring  waiting for vmnet to say that the anchor has started
 *	ready      handed out
 *	stopping   the anchor is being stopped, on a worker; waiting for it, and
 *	           for vmnet to say that it has stopped
 *	releasing  on a worker: the network is released
 *
 * The anchor is an interface of ours that nobody reads. vmnet takes down the
 * bridge, with the gateway's address and DHCP, when the last interface leaves a
 * network, as it does when the only guest reboots; the anchor keeps all that up
 * for as long as we own the network. If it cannot be had, the network is
 * served without.
 *
 * While a worker has a network, only the worker touches it, but for `abandoned`
 * and what vmnet said of the anchor, which belong to the serial queue. vmnet is
 * not trusted to call a handler once: handlers know their network by number,
 * and a number that is not on the list any more is ignored.
 */

#include "vmnet.h"

#include <CoreFoundation/CoreFoundation.h>
#include <arpa/inet.h>
#include <dispatch/dispatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "addresses.h"
#include "log.h"

/* What vmnet gives a network that nobody set another MTU for. */
#define MTU_DEFAULT 1500
/* What may be true: IPv6 wants the one, IPv4 cannot carry more than the other.
 */
#define MTU_MIN 1280
#define MTU_MAX 65535

enum phase { MAKING, ANCHORING, READY, STOPPING, RELEASING };

/* What vmnet said of the anchor in its handler. */
struct answer {
	bool given;
	vmnet_return_t status;
};

struct vmnet_owned {
	struct vmnet_wish wish;
	const struct vmnet_events *events;
	void *context;
	uint64_t number;
	enum phase phase;
	bool abandoned; /* while it was made: nobody wants it any more */
	bool hurried;   /* while it was stopped: does not wait for vmnet */

	struct failure failure; /* if network is NULL */
	vmnet_network_ref network;
	xpc_object_t serialization;
	struct vmnet_info info;

	interface_ref anchor;
	struct answer started;
	struct answer stopped;
	bool stop_returned; /* no worker is in vmnet_stop_interface() */

	TAILQ_ENTRY(vmnet_owned) entry;
};

TAILQ_HEAD(owned_list, vmnet_owned);

static struct owned_list all = TAILQ_HEAD_INITIALIZER(all);
static dispatch_queue_t queue;
static uint64_t last_number;

static dispatch_queue_t worker(void)
{
	return dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0);
}

static struct vmnet_owned *find(uint64_t number)
{
	struct vmnet_owned *owned = NULL;

	TAILQ_FOREACH(owned, &all, entry)
	{
		if (owned->number == number) {
			return owned;
		}
	}
	return NULL;
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

static void start_anchor(struct vmnet_owned *owned);

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
	start_anchor(owned);
}

/*
 * The anchor.
 */

static void anchor_started(
    uint64_t number, vmnet_return_t status, uint64_t mtu);
static void anchor_stopped(uint64_t number, vmnet_return_t status);

/* 0: not told. */
static uint64_t get_mtu(xpc_object_t parameters)
{
	if (parameters == NULL ||
	    xpc_get_type(parameters) != XPC_TYPE_DICTIONARY) {
		return 0;
	}
	return xpc_dictionary_get_uint64(parameters, vmnet_mtu_key);
}

static void start_anchor(struct vmnet_owned *owned)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	uint64_t number = owned->number;

	owned->anchor =
	    vmnet_interface_start_with_network(owned->network, description,
		queue, ^(vmnet_return_t status, xpc_object_t parameters) {
			anchor_started(number, status, get_mtu(parameters));
		});
	xpc_release(description);
}

/* On a worker. */
static vmnet_return_t stop_anchor(struct vmnet_owned *owned)
{
	uint64_t number = owned->number;

	return vmnet_stop_interface(
	    owned->anchor, queue, ^(vmnet_return_t status) {
		    anchor_stopped(number, status);
	    });
}

/*
 * From phase to phase, on the serial queue.
 */

static void finish(struct vmnet_owned *owned)
{
	const struct failure *failure =
	    owned->network == NULL ? &owned->failure : NULL;

	TAILQ_REMOVE(&all, owned, entry);
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

/* The worker is back, and vmnet has said that the anchor is gone, or we do not
 * wait for that. */
static void check_stopped(struct vmnet_owned *owned)
{
	if (owned->phase != STOPPING || !owned->stop_returned) {
		return;
	}
	if (!owned->stopped.given && !owned->hurried) {
		return;
	}
	if (!owned->stopped.given || owned->stopped.status != VMNET_SUCCESS) {
		log_error("network %s: its anchor did not stop: %s",
		    owned->wish.name,
		    owned->stopped.given ? status_name(owned->stopped.status)
					 : "vmnet did not answer");
	}
	release_network(owned);
}

static void anchor_stopped(uint64_t number, vmnet_return_t status)
{
	struct vmnet_owned *owned = find(number);

	if (owned != NULL) {
		owned->stopped =
		    (struct answer){ .given = true, .status = status };
		check_stopped(owned);
	}
}

static void stop_returned(struct vmnet_owned *owned, vmnet_return_t status)
{
	owned->stop_returned = true;
	if (status != VMNET_SUCCESS) {
		/* Then the handler is not called. */
		owned->stopped =
		    (struct answer){ .given = true, .status = status };
	}
	check_stopped(owned);
}

static void release(struct vmnet_owned *owned)
{
	if (owned->anchor == NULL) {
		release_network(owned);
		return;
	}
	owned->phase = STOPPING;
	dispatch_async(worker(), ^{
		vmnet_return_t status = stop_anchor(owned);

		dispatch_async(queue, ^{
			stop_returned(owned, status);
		});
	});
}

static void become_ready(struct vmnet_owned *owned)
{
	vmnet_return_t status =
	    owned->started.given ? owned->started.status : VMNET_FAILURE;

	if (owned->anchor == NULL || status != VMNET_SUCCESS) {
		log_error("network %s: no anchor: %s (%u): whenever no guest "
			  "is attached, its gateway and its DHCP stop",
		    owned->wish.name, status_name(status), (unsigned)status);
		owned->anchor = NULL;
	}
	owned->phase = READY;
	owned->events->created(owned->context, owned, &owned->info);
}

static void anchor_started(uint64_t number, vmnet_return_t status, uint64_t mtu)
{
	struct vmnet_owned *owned = find(number);

	if (owned == NULL || owned->started.given) {
		return;
	}
	owned->started = (struct answer){ .given = true, .status = status };
	if (mtu >= MTU_MIN && mtu <= MTU_MAX) {
		owned->info.mtu = (uint32_t)mtu;
	}
	if (owned->phase == ANCHORING) {
		become_ready(owned);
	}
}

/* The worker is back. */
static void made(struct vmnet_owned *owned)
{
	if (owned->network == NULL) {
		finish(owned);
	} else if (owned->abandoned) {
		release(owned);
	} else if (owned->anchor == NULL || owned->started.given) {
		become_ready(owned);
	} else {
		owned->phase = ANCHORING;
	}
}

/*
 * What the registry calls.
 */

void vmnet_start(void *serial_queue)
{
	queue = serial_queue;
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
	owned->number = ++last_number;
	owned->phase = MAKING;
	TAILQ_INSERT_TAIL(&all, owned, entry);
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
	switch (owned->phase) {
	case MAKING:
		owned->abandoned = true;
		break;
	case ANCHORING:
		release(owned);
		break;
	case STOPPING:
		owned->hurried = true;
		check_stopped(owned);
		break;
	case READY:
	case RELEASING:
		break;
	}
}

void *vmnet_get_serialization(const struct vmnet_owned *owned)
{
	return owned->serialization;
}
