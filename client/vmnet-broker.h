// SPDX-License-Identifier: Apache-2.0 OR MIT
// Copyright The vmnet-broker authors

/*
 * vmnet-broker client: use a vmnet network that is shared by name.
 *
 * A vmnet network belongs to the process that created it. vmnet-broker is a
 * small daemon that creates networks on behalf of other programs: programs that
 * ask for the same name get the same network, whichever users run them, and do
 * not need root. Embed this file and vmnet-broker.c, or link libvmnet-broker.a.
 * There are no other dependencies. No packet passes through the broker or this
 * code.
 *
 *	#include <err.h>
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
 * Requirements: macOS 26.2, the first version that lets a process attach to a
 * network of another program, and the entitlement
 * com.apple.security.virtualization for your program. The daemon must be
 * installed; launchd starts it on the first request.
 *
 * There are two ways to hold a network:
 *
 *   - vmnet_broker_acquire_network() is for programs that exit with their VM.
 *     It blocks, and the network is held until the process ends.
 *   - vmnet_broker_hold_create() is for programs that run longer. It never
 *     blocks, reports what happens to the network, and the network is held
 *     until vmnet_broker_hold_release().
 *
 * Lifetime: the broker keeps a network while at least one process holds it.
 * When a process ends or crashes, all its holds are released. Releasing the
 * serialization object does not release the network.
 *
 * When the broker dies, its networks are lost. The SDK then requests every
 * network that this process holds again, in the background, until it is
 * granted, so that this process shares the network with later programs again.
 * It is a new network: anything attached to the old one stays disconnected
 * until the program attaches it again.
 *
 * Threads: all functions may be called from any thread or dispatch queue, and
 * from several at the same time.
 *
 * fork: once a process has called one of these functions, XPC does not work in
 * the children that it forks. In such a child, vmnet_broker_acquire_network()
 * fails (VMNET_BROKER_XPC_FAILURE), vmnet_broker_hold_create() returns a failed
 * hold without an event, and calls on the parent's holds do nothing, so a
 * release in the child does not affect the parent. A program that the child
 * executes may call all functions.
 *
 * No function prints, exits, or handles signals.
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
 * Why a call failed. A newer broker may return a status that is not listed
 * here: treat it as a failure.
 */
typedef enum {
	VMNET_BROKER_SUCCESS = 0,

	/* The broker cannot be reached: it is not installed, died, or did not
	 * answer in time. */
	VMNET_BROKER_XPC_FAILURE = 1,

	/* The reply does not conform to the broker's protocol. */
	VMNET_BROKER_INVALID_REPLY = 2,

	/* This user may not use the network. */
	VMNET_BROKER_NOT_ALLOWED = 3,

	/* The name is NULL, or is not [a-z0-9][a-z0-9._-]{0,62}. */
	VMNET_BROKER_INVALID_REQUEST = 4,

	/* No network of this name is configured. */
	VMNET_BROKER_NOT_FOUND = 5,

	/* vmnet could not create the network. */
	VMNET_BROKER_CREATE_FAILURE = 6,

	/* Internal error in the broker or in this process, for example out of
	 * memory. */
	VMNET_BROKER_INTERNAL_ERROR = 7,

	/* A limit was reached, or the broker is shutting down: try again. */
	VMNET_BROKER_BUSY = 8,

	/* The broker's configuration file has an error. */
	VMNET_BROKER_CONFIGURATION = 9,

	/* Not a status: makes the type wide enough for future values. */
	VMNET_BROKER_RETURN_MAX = 0x7fffffff
} vmnet_broker_return_t;

/*
 * Acquires the named network, which is held until the process ends.
 *
 * Returns its serialization, for vmnet_network_create_with_serialization(). You
 * own it: call xpc_release(), unless ARC does. Treat it as opaque. On failure
 * returns NULL. (If the call times out and the broker grants the network later,
 * the process still holds it.)
 *
 * Blocks: for milliseconds if the network exists, up to a second if it must be
 * created, and never more than 60 seconds. During that time the call retries if
 * the broker dies or is busy.
 *
 * Stores the result in *status, also on success. status may be NULL.
 *
 * The process has one hold for each name: acquiring a name again is cheap, and
 * returns the broker's current network.
 */
xpc_object_t _Nullable vmnet_broker_acquire_network(
    const char *_Nonnull network_name,
    vmnet_broker_return_t *_Nullable status) XPC_RETURNS_RETAINED;

/*
 * Explains, for people, why the calling thread's last call of
 * vmnet_broker_acquire_network() failed: one line from the broker, such as
 * "networks.json:3:13: unknown key", or the description of the status if the
 * broker sent none; "" if the call succeeded. Valid until the thread makes the
 * next such call, or ends. Never NULL.
 */
const char *_Nonnull vmnet_broker_last_reason(void);

/* Describes a status, for people. Returns a constant, never NULL. */
const char *_Nonnull vmnet_broker_strerror(vmnet_broker_return_t status);

/*
 * Holds: networks that are requested without blocking, and can be released.
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
 * Each hold has its own connection: a network that cannot be created, or for
 * which vmnet does not respond, does not delay the others. Two holds on the
 * same name are independent, and each must be released.
 *
 * Ownership: you own the hold until you release it, and must not use it after
 * that. It belongs to the process that created it, which must be the one that
 * attaches the VM: if this process ends before the VM's process, the network is
 * lost.
 */
typedef struct vmnet_broker_hold *vmnet_broker_hold_t;

/*
 * PENDING -> GRANTED <-> LOST, and from PENDING and LOST to FAILED.
 */
typedef enum {
	/* Requested, but not answered yet. While the broker cannot be reached
	 * or is busy, the SDK asks again after 50 ms, then 100 ms, and so on up
	 * to every 10 s, until the broker answers or the hold is released.
	 * There are no events for these attempts: to show what the program is
	 * waiting for, call vmnet_broker_hold_get_reason(). */
	VMNET_BROKER_HOLD_PENDING = 0,

	/* The network is available. After LOST it is usually a new one: if
	 * "generation" in the info has changed, attach again. */
	VMNET_BROKER_HOLD_GRANTED = 1,

	/* The network no longer exists: the broker died or was stopped, or root
	 * used "vmnet-brokerctl recreate". The SDK requests the network again
	 * in the background, with the same delays. */
	VMNET_BROKER_HOLD_LOST = 2,

	/* Refused. This is the final state: the SDK stops asking, and the
	 * program should release the hold. A hold that has never been granted
	 * fails on any error except BUSY; a hold that was granted before fails
	 * only on NOT_ALLOWED, INVALID_REQUEST, NOT_FOUND or CONFIGURATION. */
	VMNET_BROKER_HOLD_FAILED = 3
} vmnet_broker_hold_state_t;

/*
 * Called for each new state, in order and one call at a time, on the queue of
 * the hold. It is not called for PENDING, the initial state. When it runs, the
 * hold may already be in a later state; the handler will be called for that
 * state, too.
 */
typedef void (*vmnet_broker_hold_handler_t)(vmnet_broker_hold_t _Nonnull hold,
    vmnet_broker_hold_state_t state, void *_Nullable context);

/*
 * Requests the network and holds it until vmnet_broker_hold_release(). Never
 * blocks.
 *
 * The handler runs on queue, which may be of any kind and is retained; if it is
 * NULL, the SDK uses its own queue. If handler is NULL, there are no events.
 * context is passed to the handler and to done(), and must stay valid until
 * then. The first event may come before this function returns: the handler
 * should use its argument hold, not a variable that the result is stored in.
 *
 * Returns NULL if out of memory. If network_name is NULL, returns a failed
 * hold.
 */
vmnet_broker_hold_t _Nullable vmnet_broker_hold_create(
    const char *_Nonnull network_name, dispatch_queue_t _Nullable queue,
    vmnet_broker_hold_handler_t _Nullable handler, void *_Nullable context);

/*
 * Waits until the hold is granted or failed, for at most the given number of
 * seconds; with 0 or less it returns immediately. Returns VMNET_BROKER_SUCCESS,
 * the status of the failure, or VMNET_BROKER_XPC_FAILURE if the time expired or
 * the hold was released in the meantime. After a timeout the hold keeps asking,
 * and vmnet_broker_hold_get_reason() returns the last error.
 */
vmnet_broker_return_t vmnet_broker_hold_wait(
    vmnet_broker_hold_t _Nonnull hold, double seconds);

/*
 * Returns the serialization of the network, see vmnet_broker_acquire_network(),
 * and the broker's description of it: a dictionary with the keys of
 * docs/protocol.md, such as "subnet", "gateway" and "generation". You own both
 * results. They are NULL unless the hold is granted; the info is also NULL if
 * the broker does not send it.
 */
xpc_object_t _Nullable vmnet_broker_hold_copy_network(
    vmnet_broker_hold_t _Nonnull hold) XPC_RETURNS_RETAINED;
xpc_object_t _Nullable vmnet_broker_hold_copy_info(
    vmnet_broker_hold_t _Nonnull hold) XPC_RETURNS_RETAINED;

/*
 * Returns the status of the last failure, and stores the broker's explanation
 * for people, or vmnet_broker_strerror() of the status if there is none,
 * truncated to size bytes including the NUL. This describes the current state
 * of the hold: if it is granted (again), or nothing has failed yet, the result
 * is VMNET_BROKER_SUCCESS and "success". text may be NULL.
 */
vmnet_broker_return_t vmnet_broker_hold_get_reason(
    vmnet_broker_hold_t _Nonnull hold, char *_Nullable text, size_t size);

/*
 * Releases the hold, in any state. Call it once, from any thread, also inside
 * the handler. done(context) runs on the hold's queue, and the handler is not
 * called after it; if you call this function on that queue, and the queue is
 * serial, the handler is not called after this call either. done may be NULL. A
 * hold of NULL is ignored.
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
