// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-broker client: get a vmnet network that is shared by name.
 *
 * A vmnet network belongs to the process that created it. vmnet-broker is a
 * small daemon that creates networks for everybody: programs that ask it for
 * the same name get the same network, whoever runs them, and need no root.
 * Embed this file and vmnet-broker.c, or link libvmnet-broker.a. Nothing but
 * the system is needed: no packet passes through the broker or this code.
 *
 *	#include <vmnet/vmnet.h>
 *	#include "vmnet-broker.h"
 *
 *	vmnet_broker_return_t status;
 *	xpc_object_t serialization;
 *	vmnet_network_ref network;
 *
 *	serialization = vmnet_broker_acquire_network("default", &status);
 *	if (serialization == NULL) {
 *		errx(1, "default: %s", vmnet_broker_last_reason());
 *	}
 *	network = vmnet_network_create_with_serialization(serialization, NULL);
 *	xpc_release(serialization);
 *
 * Then give the network to VZVmnetNetworkDeviceAttachment, or to
 * vmnet_interface_start_with_network().
 *
 * Requirements: macOS 26.2, where a process may first attach to a network that
 * another program created, and com.apple.security.virtualization among the
 * entitlements of your program. The daemon must be installed; launchd starts
 * it when it is first asked.
 *
 * Lifetime: a network that was acquired is held until the process ends, also
 * when it crashes. There is nothing to close. The network goes when the last
 * process that holds it is gone.
 *
 * When the broker dies, its networks die with it. This code then asks again in
 * the background for all that the process holds, until it has them: later
 * programs and this one meet on one network. It is a new network: what was
 * attached to the old one stays dead, until it acquires and attaches again.
 *
 * Threads: call from any thread or dispatch queue, also from several at once.
 * A call blocks: for milliseconds when the network exists, up to a second when
 * it must be made, and never more than 60 seconds.
 *
 * fork: once a process has called vmnet_broker_acquire_network(), it fails in
 * the children it forks (VMNET_BROKER_XPC_FAILURE), since XPC does not work
 * there. Programs they execute are free to call it.
 *
 * Nothing here prints, exits, or handles signals.
 */

#ifndef VMNET_BROKER_H
#define VMNET_BROKER_H

#include <xpc/xpc.h>

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-extension"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Why a call failed. A newer broker may answer with a status that is not
 * listed: treat it as a failure.
 */
typedef enum {
	VMNET_BROKER_SUCCESS = 0,

	/* The broker cannot be reached: it is not installed, or went away
	 * twice, or did not answer in time. */
	VMNET_BROKER_XPC_FAILURE = 1,

	/* What answered does not speak the broker's protocol. */
	VMNET_BROKER_INVALID_REPLY = 2,

	/* This user may not have the network. */
	VMNET_BROKER_NOT_ALLOWED = 3,

	/* The name is NULL, or is not [a-z0-9][a-z0-9._-]{0,62}. */
	VMNET_BROKER_INVALID_REQUEST = 4,

	/* No network of this name is configured. */
	VMNET_BROKER_NOT_FOUND = 5,

	/* vmnet could not create the network. */
	VMNET_BROKER_CREATE_FAILURE = 6,

	/* The broker or this process failed, say for lack of memory. */
	VMNET_BROKER_INTERNAL_ERROR = 7,

	/* A limit was reached, or the broker is shutting down: try again. */
	VMNET_BROKER_BUSY = 8,

	/* The broker's configuration file has an error. */
	VMNET_BROKER_CONFIGURATION = 9,

	/* Not a status: makes the type wide enough for those to come. */
	VMNET_BROKER_RETURN_MAX = 0x7fffffff
} vmnet_broker_return_t;

/*
 * Acquires the named network, which is held until the process ends.
 *
 * Returns its serialization, for vmnet_network_create_with_serialization().
 * You own it: xpc_release() it, unless ARC does. Releasing it does not give up
 * the network. Treat it as opaque. On failure returns NULL. (A network that
 * came too late for a call that timed out is held all the same.)
 *
 * Stores the reason in *status, also on success. status may be NULL.
 *
 * Acquiring what the process already holds is cheap, and answers the network
 * that the broker has now.
 */
xpc_object_t _Nullable vmnet_broker_acquire_network(
    const char *_Nonnull network_name,
    vmnet_broker_return_t *_Nullable status) XPC_RETURNS_RETAINED;

/*
 * Why the last vmnet_broker_acquire_network() of the calling thread failed, for
 * people: one line of the broker's, such as "networks.json:3:13: unknown key",
 * or the description of the status if the broker gave none; "" if it succeeded.
 * Valid until the thread calls again, or ends. Never NULL.
 */
const char *_Nonnull vmnet_broker_last_reason(void);

/* Describes a status, for people. Returns a constant, never NULL. */
const char *_Nonnull vmnet_broker_strerror(vmnet_broker_return_t status);

#ifdef __cplusplus
}
#endif

#ifdef __clang__
#pragma clang diagnostic pop
#endif

#endif
