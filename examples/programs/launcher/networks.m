// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: the networks of the VM.
 *
 * Each --network is a hold. A hold reports its states on the queue of the VM,
 * which owns everything here except the hold itself.
 */

#import "launcher.h"

#include <stdlib.h>

#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

/* How long a VM may wait for its networks, in seconds. */
#define GRANT_TIMEOUT 60.0
/* After this long, it reports what it is waiting for. */
#define PATIENCE 2.0

struct network {
	vmnet_broker_hold_t hold;
	uint64_t generation;       /* of the attached network, or 0 */
	vmnet_network_ref network; /* the attached network */
	BOOL lost;                 /* the loss was reported */
};

static struct network *networks;

static NSString *networkName(const struct network *network)
{
	return
	    [options.networks objectAtIndex:(NSUInteger)(network - networks)];
}

/* With ARC the compiler releases it, and a release here is an error. */
static void releaseXPC(xpc_object_t object)
{
#if __has_feature(objc_arc)
	(void)object;
#else
	if (object != NULL) {
		xpc_release(object);
	}
#endif
}

/* Differs between any two networks of a name. 0: unknown. */
static uint64_t networkGeneration(const struct network *network)
{
	uint64_t generation = 0;
	xpc_object_t info = vmnet_broker_hold_copy_info(network->hold);

	if (info != NULL) {
		generation = xpc_dictionary_get_uint64(info, "generation");
	}
	releaseXPC(info);
	return generation;
}

/* A reference for the caller to release. NULL if the network was lost again
 * meanwhile, which the next event of the hold reports. */
static vmnet_network_ref createNetwork(const struct network *network)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref reference = NULL;
	xpc_object_t serialization =
	    vmnet_broker_hold_copy_network(network->hold);

	if (serialization != NULL) {
		/* Local: sends no message and holds nothing. */
		reference = vmnet_network_create_with_serialization(
		    serialization, &status);
		if (reference == NULL) {
			say(@"%@: vmnet status %u", networkName(network),
			    (unsigned)status);
		}
	}
	releaseXPC(serialization);
	return reference;
}

/* Creates an attachment to the current network and passes it to connect().
 * Returns NO on failure; then nothing has changed. */
static BOOL attach(struct network *network,
    void (^connect)(VZVmnetNetworkDeviceAttachment *attachment))
{
	/* Read it first, to detect another network that is granted in the
	 * meantime. */
	uint64_t generation = networkGeneration(network);
	vmnet_network_ref reference = createNetwork(network);

	if (reference == NULL) {
		return NO;
	}
	VZVmnetNetworkDeviceAttachment *attachment =
	    [[VZVmnetNetworkDeviceAttachment alloc] initWithNetwork:reference];
	if (attachment == nil) {
		say(@"%@: cannot attach to the network", networkName(network));
		CFRelease((CFTypeRef)reference);
		return NO;
	}
	connect(attachment);
#if !__has_feature(objc_arc)
	[attachment release];
#endif
	/* Apple does not promise that an attachment retains its network. */
	if (network->network != NULL) {
		CFRelease((CFTypeRef)network->network);
	}
	network->network = reference;
	network->generation = generation;
	return YES;
}

/* It may be the same network, if only the connection to the broker was
 * interrupted. */
static void networkIsGranted(struct network *network)
{
	uint64_t generation = networkGeneration(network);
	VZNetworkDevice *device = [machine.networkDevices
	    objectAtIndex:(NSUInteger)(network - networks)];

	if ((generation == 0 || generation != network->generation) &&
	    !attach(network, ^(VZVmnetNetworkDeviceAttachment *attachment) {
		    device.attachment = attachment;
	    })) {
		return;
	}
	if (network->lost) {
		network->lost = NO;
		say(@"%@: back", networkName(network));
	}
}

/* Runs on the machine's queue. */
static void networkChanged(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	struct network *network = context;
	char reason[512];

	if (machine == nil) {
		return; /* holdNetworks() waits for the networks */
	}
	@autoreleasepool {
		switch (state) {
		case VMNET_BROKER_HOLD_LOST:
			network->lost = YES;
			say(@"%@: lost, asking again", networkName(network));
			break;
		case VMNET_BROKER_HOLD_GRANTED:
			networkIsGranted(network);
			break;
		case VMNET_BROKER_HOLD_FAILED:
			vmnet_broker_hold_get_reason(
			    hold, reason, sizeof(reason));
			say(@"%@: %s; the VM continues without it",
			    networkName(network), reason);
			break;
		default:
			break;
		}
	}
}

/* Why the network is not granted. */
static NSString *waitingReason(const struct network *network)
{
	char reason[512];

	return vmnet_broker_hold_get_reason(network->hold, reason,
		   sizeof(reason)) == VMNET_BROKER_SUCCESS
	    ? @"no answer from the broker"
	    : [NSString stringWithUTF8String:reason];
}

static void waitForNetwork(const struct network *network)
{
	if (vmnet_broker_hold_wait(network->hold, PATIENCE) ==
	    VMNET_BROKER_XPC_FAILURE) {
		say(@"%@: %@; waiting", networkName(network),
		    waitingReason(network));
	}
	if (vmnet_broker_hold_wait(network->hold, GRANT_TIMEOUT - PATIENCE) !=
	    VMNET_BROKER_SUCCESS) {
		fail(@"%@: %@", networkName(network), waitingReason(network));
	}
}

void holdNetworks(void)
{
	NSUInteger count = [options.networks count];

	networks = calloc(count + 1, sizeof(*networks));
	if (networks == NULL) {
		fail(@"out of memory");
	}
	for (NSUInteger i = 0; i < count; i++) {
		const char *name = [networkName(&networks[i]) UTF8String];
		if (name != NULL) {
			networks[i].hold = vmnet_broker_hold_create(
			    name, queue, networkChanged, &networks[i]);
		}
		if (networks[i].hold == NULL) {
			fail(@"%@: out of memory", networkName(&networks[i]));
		}
	}
	for (NSUInteger i = 0; i < count; i++) {
		waitForNetwork(&networks[i]);
	}
}

static VZVirtioNetworkDeviceConfiguration *createDevice(
    struct network *network, VZMACAddress *address)
{
	VZVirtioNetworkDeviceConfiguration *device =
	    [[VZVirtioNetworkDeviceConfiguration alloc] init];

	device.MACAddress = address;
	if (!attach(network, ^(VZVmnetNetworkDeviceAttachment *attachment) {
		    device.attachment = attachment;
	    })) {
		fail(@"%@: cannot attach the VM to the network; try again",
		    networkName(network));
	}
	return device;
}

NSArray *createNetworkDevices(void)
{
	NSMutableArray *devices = [NSMutableArray array];
	NSArray *addresses = chooseAddresses();

	for (NSUInteger i = 0; i < [options.networks count]; i++) {
		VZMACAddress *address = [addresses objectAtIndex:i];
		[devices addObject:createDevice(&networks[i], address)];
		say(@"%@: %@", networkName(&networks[i]), [address string]);
	}
	return devices;
}

void networkIsDisconnected(NSUInteger index, NSError *error)
{
	if (index < [options.networks count]) {
		networks[index].generation = 0;
		say(@"%@: disconnected: %@", networkName(&networks[index]),
		    [error localizedDescription]);
	}
}
