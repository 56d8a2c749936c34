// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks of vmnet.framework, which only this module and the anchor call.
 *
 * vmnet calls may take a second, or never return. So nothing here waits: work
 * is done on other threads, and what became of it is told on the serial queue
 * that backend_init() was given, and on which all functions are called. Nothing
 * is told from inside a call.
 *
 * A process with a network has an XPC transaction open, from before the network
 * is made until after it is released, so that launchd does not kill it.
 *
 * This header is plain C, so that the registry is too.
 */

#ifndef BACKEND_H
#define BACKEND_H

#include <netinet/in.h>
#include <stdint.h>

#include "config.h"
#include "failure.h"
#include "subnet.h"

/* One network that we own, from the request to its release. */
struct backend_network;

struct backend_request {
	const struct config_network *network; /* stays */
	enum {
		BACKEND_SUBNET_PREFER,  /* its own, or see subnet-plan.h */
		BACKEND_SUBNET_REQUIRE, /* its own or none */
	} policy;
	const struct config *config; /* whose other subnets are taken; stays */
};

enum backend_subnet_source {
	BACKEND_SUBNET_CONFIGURED,  /* as required */
	BACKEND_SUBNET_ASSIGNED,    /* as preferred */
	BACKEND_SUBNET_ALTERNATIVE, /* another candidate */
	BACKEND_SUBNET_SYSTEM,
};

struct backend_info {
	struct subnet subnet;
	enum backend_subnet_source source;
	uint32_t gateway; /* the host's own address */
	struct in6_addr ipv6_prefix;
	uint8_t ipv6_length;
	uint32_t mtu;
};

struct backend_events {
	/* The network is there and can be handed out. */
	void (*created)(void *context, struct backend_network *network,
	    const struct backend_info *info);

	/* It could not be made (failure says why), or it was released
	 * (NULL). The last that is told of it: network is no more. */
	void (*gone)(void *context, struct backend_network *network,
	    const struct failure *failure);
};

/* Once. queue is the serial dispatch_queue_t. */
void backend_init(void *queue);

/*
 * Begins to make a network. NULL: no memory, and nothing will be told. Else
 * `gone` is told in the end, and `created` before it if all goes well.
 */
struct backend_network *backend_create(const struct backend_request *request,
    const struct backend_events *events, void *context);

/* Once, after `created`: begins to release it. */
void backend_release(struct backend_network *network);

/*
 * The caller timed out. While the network is being made, `created` is not
 * called: it is released as soon as it exists. While it is being released,
 * nothing changes. In both cases `gone` comes when vmnet is done.
 */
void backend_give_up(struct backend_network *network);

/* An xpc_object_t, to be sent as it is. Borrowed: it goes with the network. */
void *backend_get_serialization(const struct backend_network *network);

#endif
