// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks of vmnet.framework. Only this module and the anchor call vmnet.
 *
 * vmnet calls may take a second, or never return. So no function here blocks:
 * work is done on other threads, and the results are reported on the serial
 * queue that was passed to backend_init(), on which all functions are called.
 * No callback is called from inside a function.
 *
 * A process with a network has an open XPC transaction, from before the network
 * is created until after it is released, so that launchd does not kill it.
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
	const struct config_network *network; /* must stay valid */
	enum {
		BACKEND_SUBNET_PREFER,  /* its own, or one from subnet-plan.h */
		BACKEND_SUBNET_REQUIRE, /* its own or none */
	} policy;
	const struct config *config; /* its subnets are used; must stay valid */
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
	/* The network exists and can be handed out. */
	void (*created)(void *context, struct backend_network *network,
	    const struct backend_info *info);

	/* It could not be created (failure says why), or it was released
	 * (NULL). This is the last callback; the network is freed
	 * afterwards. */
	void (*gone)(void *context, struct backend_network *network,
	    const struct failure *failure);
};

/* Once. queue is the serial dispatch_queue_t. */
void backend_init(void *queue);

/*
 * Begins to create a network. NULL: out of memory, and no callback follows.
 * Otherwise `gone` is called in the end, and before that, on success,
 * `created`.
 */
struct backend_network *backend_create(const struct backend_request *request,
    const struct backend_events *events, void *context);

/* Begins to release the network. Call it once, after `created`. */
void backend_release(struct backend_network *network);

/*
 * The caller timed out. If the network is being created, `created` is not
 * called: it is released as soon as it exists. If it is being released, nothing
 * changes. In both cases `gone` is called when vmnet has finished.
 */
void backend_give_up(struct backend_network *network);

/* An xpc_object_t, to be sent unchanged. Borrowed: it is freed with the
 * network. */
void *backend_get_serialization(const struct backend_network *network);

#endif
