// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * One network goes through these phases, always in this order:
 *
 *	making     on a worker: the network is created
 *	ready      handed out; its anchor has been started
 *	stopping   waiting for its anchor to stop, see anchor.h
 *	releasing  on a worker: the network is released
 *
 * While a worker handles a network, only the worker accesses it, except
 * `given_up`, which belongs to the serial queue.
 */

#include "backend.h"

#include <CoreFoundation/CoreFoundation.h>
#include <arpa/inet.h>
#include <dispatch/dispatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "addresses.h"
#include "anchor.h"
#include "backend-config.h"
#include "log.h"
#include "subnet-plan.h"

/* The MTU of a vmnet network for which none was set. */
#define MTU_DEFAULT 1500

/* Number of refused subnets after which the system chooses one: vmnet also
 * refuses when there are too many networks. */
#define REFUSED_MAX 8

/* Room for what to do. */
#define ADVICE 256

enum phase { MAKING, READY, STOPPING, RELEASING };

struct backend_network {
	struct backend_request request;
	const struct backend_events *events;
	void *context;
	enum phase phase;
	bool given_up; /* the caller timed out while it was being created */

	struct failure failure; /* valid if network is NULL */
	vmnet_network_ref network;
	xpc_object_t serialization;
	struct backend_info info;

	uint64_t anchor; /* its number */
};

static dispatch_queue_t queue;

static dispatch_queue_t worker(void)
{
	return dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0);
}

/*
 * Results from vmnet.
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

/* What to do, as far as is known. */
static const char *status_advice(vmnet_return_t status)
{
	switch (status) {
	case VMNET_FAILURE:
		return "there may be too many networks: stop programs that use "
		       "them, or restart the Mac";
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

/* The same for a subnet that is required. vmnet does not say which network has
 * it, but one with an interface has a bridge. */
static const char *subnet_advice(const struct subnet *subnet, char text[ADVICE])
{
	char theirs[ADDRESSES_TEXT];

	if (!addresses_find_bridge(subnet, theirs)) {
		return "the subnet is used by another network, or was left "
		       "behind by a process that was killed: choose another "
		       "subnet, or restart the Mac";
	}
	snprintf(text, ADVICE,
	    "the subnet is used by another network, that of the %s: choose "
	    "another subnet, or stop what uses that network",
	    theirs);
	return text;
}

static void fail(struct backend_network *backend, const char *function,
    vmnet_return_t status)
{
	const struct backend_request *request = &backend->request;
	char text[ADVICE];

	failure_set(&backend->failure, FAILURE_CREATE, "%s: %s (%u): %s",
	    function, status_name(status), (unsigned)status,
	    status == VMNET_FAILURE && request->policy == BACKEND_SUBNET_REQUIRE
		? subnet_advice(&request->network->subnet, text)
		: status_advice(status));
	backend->failure.vmnet_status = status;
}

/*
 * Creation, on a worker.
 */

/* vmnet expects the gateway's address here, despite the argument's name. */
static vmnet_return_t set_subnet(
    vmnet_network_configuration_ref config, const struct subnet *subnet)
{
	struct in_addr gateway = { .s_addr = htonl(subnet->address + 1) };
	struct in_addr mask = { .s_addr = htonl(subnet_mask(subnet)) };

	return vmnet_network_configuration_set_ipv4_subnet(
	    config, &gateway, &mask);
}

/* NULL: the system chooses the subnet. */
static vmnet_network_ref create_network(
    struct backend_network *backend, const struct subnet *subnet)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network = NULL;
	const char *function = NULL;
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(
		backend->request.network->mode == CONFIG_HOST
		    ? VMNET_HOST_MODE
		    : VMNET_SHARED_MODE,
		&status);

	if (config == NULL) {
		fail(backend, "vmnet_network_configuration_create", status);
		return NULL;
	}
	if (subnet != NULL) {
		function = "vmnet_network_configuration_set_ipv4_subnet";
		status = set_subnet(config, subnet);
	}
	if (status == VMNET_SUCCESS) {
		status = backend_config_apply(
		    config, backend->request.network, &function);
	}
	if (status != VMNET_SUCCESS) {
		fail(backend, function, status);
		goto out;
	}
	network = vmnet_network_create(config, &status);
	if (network == NULL) {
		fail(backend, "vmnet_network_create", status);
	}
out:
	CFRelease(config);
	return network;
}

/* Reads the properties of the network. 0, or -1 if the mask is invalid. */
static int describe(vmnet_network_ref network, struct backend_info *info)
{
	struct in_addr address = { 0 };
	struct in_addr mask = { 0 };

	vmnet_network_get_ipv4_subnet(network, &address, &mask);
	vmnet_network_get_ipv6_prefix(
	    network, &info->ipv6_prefix, &info->ipv6_length);
	info->gateway = ntohl(address.s_addr);
	return subnet_of(info->gateway, ntohl(mask.s_addr), &info->subnet);
}

static vmnet_network_ref create_required(struct backend_network *backend)
{
	const struct subnet *subnet = &backend->request.network->subnet;
	char theirs[ADDRESSES_TEXT];
	char text[SUBNET_TEXT];

	if (addresses_overlap(subnet, theirs)) {
		subnet_format(subnet, text);
		failure_set(&backend->failure, FAILURE_CREATE,
		    "the subnet %s overlaps the Mac's own %s: choose another "
		    "subnet in networks.json",
		    text, theirs);
		return NULL;
	}
	backend->info.source = BACKEND_SUBNET_CONFIGURED;
	return create_network(backend, subnet);
}

/* The subnets to try: a configured one, then the candidates of the name. */
static bool candidate(
    const struct backend_request *request, size_t index, struct subnet *subnet)
{
	size_t configured = request->network->has_subnet ? 1 : 0;

	if (index < configured) {
		*subnet = request->network->subnet;
		return true;
	}
	return subnet_plan_candidate(
	    request->network->name, index - configured, subnet);
}

/* Whether a candidate is available as far as we know. */
static bool is_usable(
    const struct backend_request *request, const struct subnet *subnet)
{
	char theirs[ADDRESSES_TEXT];

	return subnet_plan_is_free(
		   request->config, request->network->name, subnet) &&
	    !addresses_overlap(subnet, theirs);
}

static vmnet_network_ref create_preferred(struct backend_network *backend)
{
	const struct backend_request *request = &backend->request;
	vmnet_network_ref network = NULL;
	struct subnet subnet;
	int refused = 0;

	for (size_t i = 0;
	     refused < REFUSED_MAX && candidate(request, i, &subnet); i++) {
		if (!is_usable(request, &subnet)) {
			continue;
		}
		network = create_network(backend, &subnet);
		if (network != NULL) {
			backend->info.source =
			    subnet.address != request->network->subnet.address
			    ? BACKEND_SUBNET_ALTERNATIVE
			    : request->network->has_subnet
			    ? BACKEND_SUBNET_CONFIGURED
			    : BACKEND_SUBNET_ASSIGNED;
			return network;
		}
		/* VMNET_FAILURE means that the subnet is in use. */
		if (backend->failure.vmnet_status != VMNET_FAILURE) {
			return NULL;
		}
		refused++;
	}
	backend->info.source = BACKEND_SUBNET_SYSTEM;
	return create_network(backend, NULL);
}

/* Logs why the network does not have its usual subnet. */
static void log_source(const struct backend_network *backend)
{
	char own[SUBNET_TEXT];

	if (backend->info.source != BACKEND_SUBNET_ALTERNATIVE &&
	    backend->info.source != BACKEND_SUBNET_SYSTEM) {
		return;
	}
	subnet_format(&backend->request.network->subnet, own);
	log_notice("network %s: the subnet %s is used by the Mac or by another "
		   "vmnet network: using %s until the network is released",
	    backend->request.network->name, own,
	    backend->info.source == BACKEND_SUBNET_SYSTEM
		? "one that macOS chose"
		: "the next candidate");
}

/* Whether the new network can be handed out: the subnet that the system chooses
 * may conflict with the Mac's own. Sets info, or the failure. */
static bool is_sound(struct backend_network *backend, vmnet_network_ref network)
{
	struct backend_info *info = &backend->info;
	char theirs[ADDRESSES_TEXT];
	char text[SUBNET_TEXT];

	info->mtu = backend->request.network->mtu != 0
	    ? backend->request.network->mtu
	    : MTU_DEFAULT;
	if (describe(network, info) != 0) {
		failure_set(&backend->failure, FAILURE_CREATE,
		    "vmnet returned an invalid subnet");
		return false;
	}
	if (info->source == BACKEND_SUBNET_SYSTEM &&
	    addresses_overlap(&info->subnet, theirs)) {
		subnet_format(&info->subnet, text);
		failure_set(&backend->failure, FAILURE_CREATE,
		    "macOS chose the subnet %s, which overlaps the Mac's own "
		    "%s: choose a subnet in networks.json",
		    text, theirs);
		return false;
	}
	return true;
}

/* Creates a complete network, or sets the failure. */
static void make(struct backend_network *backend)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network =
	    backend->request.policy == BACKEND_SUBNET_REQUIRE
	    ? create_required(backend)
	    : create_preferred(backend);

	if (network == NULL) {
		return;
	}
	if (is_sound(backend, network)) {
		backend->serialization =
		    vmnet_network_copy_serialization(network, &status);
		if (backend->serialization == NULL) {
			fail(backend, "vmnet_network_copy_serialization",
			    status);
		}
	}
	if (backend->serialization == NULL) {
		CFRelease(network);
		return;
	}
	log_source(backend);
	backend->network = network;
}

/*
 * Transitions between the phases, on the serial queue.
 */

static void finish(struct backend_network *backend)
{
	const struct failure *failure =
	    backend->network == NULL ? &backend->failure : NULL;

	backend->events->gone(backend->context, backend, failure);
	free(backend);
	/* This must be last: after launchd has stopped the broker, it ends the
	 * process. */
	xpc_transaction_end();
}

static void release_network(void *context)
{
	struct backend_network *backend = context;

	backend->phase = RELEASING;
	dispatch_async(worker(), ^{
		xpc_release(backend->serialization);
		CFRelease(backend->network);
		dispatch_async(queue, ^{
			finish(backend);
		});
	});
}

/* The anchor starts last, so that waiting clients do not wait for it, too. */
static void become_ready(struct backend_network *backend)
{
	backend->phase = READY;
	backend->events->created(backend->context, backend, &backend->info);
	if (backend->phase == READY &&
	    (backend->request.network->off & CONFIG_ANCHOR) == 0) {
		backend->anchor = anchor_start(
		    backend->request.network->name, backend->serialization);
	}
}

/* The worker has finished. */
static void made(struct backend_network *backend)
{
	if (backend->network == NULL) {
		finish(backend);
	} else if (backend->given_up) {
		backend_release(backend);
	} else {
		become_ready(backend);
	}
}

/*
 * Functions for the registry.
 */

void backend_init(void *serial_queue)
{
	queue = serial_queue;
	anchor_init(queue);
}

struct backend_network *backend_create(const struct backend_request *request,
    const struct backend_events *events, void *context)
{
	struct backend_network *backend = calloc(1, sizeof(*backend));

	if (backend == NULL) {
		return NULL;
	}
	backend->request = *request;
	backend->events = events;
	backend->context = context;
	backend->phase = MAKING;
	xpc_transaction_begin();
	dispatch_async(worker(), ^{
		make(backend);
		dispatch_async(queue, ^{
			made(backend);
		});
	});
	return backend;
}

void backend_release(struct backend_network *backend)
{
	backend->phase = STOPPING;
	anchor_stop(backend->anchor, release_network, backend);
}

void backend_give_up(struct backend_network *backend)
{
	if (backend->phase == MAKING) {
		backend->given_up = true;
	}
}

void *backend_get_serialization(const struct backend_network *backend)
{
	return backend->serialization;
}
