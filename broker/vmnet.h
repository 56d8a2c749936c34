// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks of vmnet.framework: the only file behind this header calls it. A
 * name here must not begin with vmnet_network_ or vmnet_interface_, which are
 * Apple's.
 *
 * vmnet calls may take a second, or never return. So nothing here waits: work
 * is done on other threads, and what became of it is told on the serial queue
 * that vmnet_start() was given, and on which all functions are called. Nothing
 * is told from inside a call.
 *
 * A process with a network has an XPC transaction open, from before the network
 * is made until after it is released, so that launchd does not kill it.
 *
 * This header is plain C, so that the registry is too.
 */

#ifndef VMNET_H
#define VMNET_H

#include <netinet/in.h>
#include <stdint.h>

#include "config.h"
#include "failure.h"
#include "subnet.h"

/* One network that we own, from the wish to have it to its release. */
struct vmnet_owned;

struct vmnet_wish {
	const char *name; /* for messages; stays */
	enum config_mode mode;
	enum {
		VMNET_SUBNET_ANY,    /* the system chooses */
		VMNET_SUBNET_RATHER, /* this one, or the system chooses */
		VMNET_SUBNET_FIXED,  /* this one or none */
	} choice;
	struct subnet subnet;
};

struct vmnet_info {
	struct subnet subnet;
	uint32_t gateway; /* the host's own address */
	struct in6_addr ipv6_prefix;
	uint8_t ipv6_length;
	uint32_t mtu;
};

struct vmnet_events {
	/* The network is there and can be handed out. */
	void (*created)(void *context, struct vmnet_owned *owned,
	    const struct vmnet_info *info);

	/* It could not be made (failure says why), or it was released
	 * (NULL). The last that is told of it: owned is no more. */
	void (*gone)(void *context, struct vmnet_owned *owned,
	    const struct failure *failure);
};

/* Once. queue is the serial dispatch_queue_t. */
void vmnet_start(void *queue);

/*
 * Begins to make a network. NULL: no memory, and nothing will be told. Else
 * `gone` is told in the end, and `created` before it if all goes well.
 */
struct vmnet_owned *vmnet_own(const struct vmnet_wish *wish,
    const struct vmnet_events *events, void *context);

/* Once, after `created`: begins to release it. */
void vmnet_disown(struct vmnet_owned *owned);

/*
 * The caller timed out. While the network is being made, `created` is not
 * called: it is released as soon as it exists. While it is being released,
 * nothing changes. In both cases `gone` comes when vmnet is done.
 */
void vmnet_abandon(struct vmnet_owned *owned);

/* An xpc_object_t, to be sent as it is. Borrowed: it goes with the network. */
void *vmnet_get_serialization(const struct vmnet_owned *owned);

#endif
