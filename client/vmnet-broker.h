// SPDX-License-Identifier: Apache-2.0 OR MIT
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
 * There are two ways to hold a network:
 *
 *   - vmnet_broker_acquire_network() is for programs that live as long as
 *     their VM. It blocks, and the network is held until the process ends.
 *   - vmnet_broker_hold_create() is for programs that live longer. It never
 *     blocks, tells what happens to the network, and the network is held
 *     until vmnet_broker_hold_release().
 *
 * Lifetime: the broker keeps a network while anybody holds it. A process that
 * ends or crashes gives back all that it holds. Releasing the serialization
 * object gives back nothing.
 *
 * When the broker dies, its networks die with it. Whatever this process holds
 * is then asked for again in the background, until it is granted: later programs
 * and this one meet on one network again. It is a new network: what was attached
 * to the old one stays dead until the program attaches it again.
 *
 * Threads: call from any thread or dispatch queue, also from several at once.
 *
 * fork: once a process has called one of these functions, XPC does not work in
 * the children that it forks. There vmnet_broker_acquire_network() fails
 * (VMNET_BROKER_XPC_FAILURE); vmnet_broker_hold_create() returns a hold that
 * has failed, without an event; and holds of the parent do nothing, so that a
 * release in the child takes nothing from the parent. Programs that a child
 * executes are free to call everything.
 *
 * Nothing here prints, exits, or handles signals.
 */

#ifndef VMNET_BROKER_H
#define VMNET_BROKER_H

#include <dispatch/dispatch.h>
#include <stddef.h>
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

	/* The broker cannot be reached: it is not installed, or went away, or
	 * did not answer in time. */
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
 * You own it: xpc_release() it, unless ARC does. Treat it as opaque. On failure
 * returns NULL. (A network that came too late for a call that timed out is held
 * all the same.)
 *
 * Blocks: for milliseconds when the network exists, up to a second when it must
 * be made, and never more than 60 seconds. In that time a broker that went away
 * or is busy is asked again.
 *
 * Stores the reason in *status, also on success. status may be NULL.
 *
 * The process has one hold for each name: acquiring it once more is cheap, and
 * returns the network that the broker has now.
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

/*
 * Holds: networks that are asked for without blocking, and given back.
 *
 *	static void handle(vmnet_broker_hold_t hold,
 *	    vmnet_broker_hold_state_t state, void *context)
 *	{
 *		struct vm *vm = context;
 *		xpc_object_t serialization;
 *		char reason[512];
 *
 *		switch (state) {
 *		case VMNET_BROKER_HOLD_GRANTED:
 *			serialization = vmnet_broker_hold_copy_network(hold);
 *			if (serialization != NULL) {
 *				vm_attach(vm, serialization);
 *				xpc_release(serialization);
 *			}
 *			break;
 *		case VMNET_BROKER_HOLD_FAILED:
 *			vmnet_broker_hold_get_reason(
 *			    hold, reason, sizeof(reason));
 *			vm_show_error(vm, reason);
 *			break;
 *		default:
 *			break;
 *		}
 *	}
 *
 *	static void start(struct vm *vm)
 *	{
 *		vm->hold = vmnet_broker_hold_create(
 *		    "default", dispatch_get_main_queue(), handle, vm);
 *	}
 *
 * Each hold has a connection of its own: one network that cannot be made, or
 * that vmnet does not answer for, delays no other. Two holds on one name are
 * two holds; each is released by itself.
 *
 * Ownership: the hold is yours until you release it, and must not be used after
 * that. It belongs to the process that created it, which must be the one that
 * attaches the VM: if it ends before the VM's process does, the network is gone.
 */
typedef struct vmnet_broker_hold *vmnet_broker_hold_t;

/*
 * PENDING -> GRANTED <-> LOST, and from PENDING and LOST to FAILED.
 */
typedef enum {
	/* Asked for, and not answered yet. While the broker cannot be reached or
	 * is busy, it is asked again after 50 ms, then 100 ms, and so on up to
	 * every 10 s, until it answers or the hold is released. No event tells
	 * of these attempts: vmnet_broker_hold_get_reason() does, for a program
	 * that wants to show what it waits for. */
	VMNET_BROKER_HOLD_PENDING = 0,

	/* The network is there. After LOST it is usually a new one: if
	 * "generation" in the info is another number, attach again. */
	VMNET_BROKER_HOLD_GRANTED = 1,

	/* The broker went away and its networks with it. The network is asked
	 * for again in the background, with the same pauses. */
	VMNET_BROKER_HOLD_LOST = 2,

	/* Refused. This is the last state: nothing is asked for any more, and
	 * all that is left to do is to release the hold. A first answer that is
	 * an error other than BUSY ends a hold; one that had the network ends
	 * with NOT_ALLOWED, INVALID_REQUEST, NOT_FOUND or CONFIGURATION only. */
	VMNET_BROKER_HOLD_FAILED = 3
} vmnet_broker_hold_state_t;

/*
 * Called for each new state, in order and one call at a time, on the queue of
 * the hold. PENDING is the state at the beginning and is not told. By the time
 * it runs the hold may be in a later state, of which it will be told as well.
 */
typedef void (*vmnet_broker_hold_handler_t)(vmnet_broker_hold_t _Nonnull hold,
    vmnet_broker_hold_state_t state, void *_Nullable context);

/*
 * Asks for the network and holds it until it is released. Never blocks.
 *
 * The handler runs on queue, which may be of any kind and is retained; NULL is
 * a queue of our own. handler NULL: no events. context is handed to the handler
 * and to done(), and must stay until then.
 *
 * NULL: no memory. A network_name of NULL is a hold that has failed.
 */
vmnet_broker_hold_t _Nullable vmnet_broker_hold_create(
    const char *_Nonnull network_name, dispatch_queue_t _Nullable queue,
    vmnet_broker_hold_handler_t _Nullable handler, void *_Nullable context);

/*
 * Waits until the hold is granted or failed, for at most so many seconds; 0 or
 * less asks without waiting. Returns VMNET_BROKER_SUCCESS, the status of the
 * failure, or VMNET_BROKER_XPC_FAILURE when time was up or the hold was released
 * meanwhile. When time was up the hold goes on asking, and
 * vmnet_broker_hold_get_reason() tells what it met.
 */
vmnet_broker_return_t vmnet_broker_hold_wait(
    vmnet_broker_hold_t _Nonnull hold, double seconds);

/*
 * The serialization of the network, see vmnet_broker_acquire_network(), and what
 * the broker says of it: a dictionary with the keys of docs/protocol.md, such as
 * "subnet", "gateway" and "generation". Both are yours to release. NULL unless
 * the hold is granted; the info is NULL also with a broker that sends none.
 */
xpc_object_t _Nullable vmnet_broker_hold_copy_network(
    vmnet_broker_hold_t _Nonnull hold) XPC_RETURNS_RETAINED;
xpc_object_t _Nullable vmnet_broker_hold_copy_info(
    vmnet_broker_hold_t _Nonnull hold) XPC_RETURNS_RETAINED;

/*
 * The last failure: returns its status, and stores the broker's sentence for a
 * person, or vmnet_broker_strerror() of the status if there was none, cut to
 * size bytes with the NUL. It tells of the hold as it is now: if it is granted
 * (again), or nothing has failed yet, that is VMNET_BROKER_SUCCESS and "success".
 * text may be NULL.
 */
vmnet_broker_return_t vmnet_broker_hold_get_reason(
    vmnet_broker_hold_t _Nonnull hold, char *_Nullable text, size_t size);

/*
 * Gives the network back, in whatever state the hold is. Call it once, from any
 * thread, also inside the handler. The handler is not called after done(context),
 * which runs on the hold's queue; if the release itself is made on that queue,
 * and it is serial, the handler is not called after it either. done may be NULL.
 * A hold of NULL is ignored.
 */
void vmnet_broker_hold_release(vmnet_broker_hold_t _Nullable hold,
    void (*_Nullable done)(void *_Nullable context));

#ifdef __cplusplus
}
#endif

#ifdef __clang__
#pragma clang diagnostic pop
#endif

#endif
