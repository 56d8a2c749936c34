// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * attach: count the frames that an interface on a broker's network receives.
 *
 * - The hold's handler attaches when the network is granted, and detaches when it
 *   is lost. vmnet answers on another queue, because the handler waits for it.
 * - vmnet reports that there are frames, not how many: read until none is left.
 * - One interface without TSO and checksum offload slows down every VM on the
 *   network, so enable both. A frame may then be 64 KiB long.
 *
 * Build it on macOS 26, and sign it with the entitlement that vmnet requires:
 *
 *	cc -o attach attach.c ../client/vmnet-broker.c -I../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign -f -s - \
 *		--entitlements ../broker/vmnet-broker.entitlements attach
 *
 * Run it, and stop it. Without guests the frames are the Mac's own, for IPv6:
 *
 *	$ attach default
 *	attach: default: attached
 *	^C
 *	attach: default: 3 frames
 */

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>
#include <CoreFoundation/CoreFoundation.h>
#include <vmnet/vmnet.h>

#include "vmnet-broker.h"

static dispatch_queue_t hold_queue;   /* events of the hold */
static dispatch_queue_t vmnet_queue;  /* events and completions of vmnet */
static dispatch_semaphore_t answered; /* signalled after a start or a stop */
static interface_ref interface;       /* NULL: not attached */
static unsigned long frames;
static char buffer[128 * 1024]; /* with TSO, frames have up to 64 KiB */

static void read_frames(void)
{
	struct iovec iov = { buffer, sizeof(buffer) };
	struct vmpktdesc packet = { sizeof(buffer), &iov, 1, 0 };
	int count = 1;

	while (vmnet_read(interface, &packet, &count) == VMNET_SUCCESS &&
	    count == 1) {
		frames++; /* packet.vm_pkt_size bytes, from buffer on */
		packet.vm_pkt_size = iov.iov_len = sizeof(buffer);
	}
}

static void attach(const char *name, vmnet_broker_hold_t hold)
{
	xpc_object_t serialization = vmnet_broker_hold_copy_network(hold);
	__block vmnet_return_t status = VMNET_FAILURE;

	if (serialization == NULL) { /* the network is already lost again */
		return;
	}
	vmnet_network_ref network =
	    vmnet_network_create_with_serialization(serialization, NULL);
	xpc_release(serialization);
	if (network == NULL) {
		errx(1, "%s: vmnet rejected the network", name);
	}
	xpc_object_t keys = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_bool(keys, vmnet_enable_tso_key, true);
	xpc_dictionary_set_bool(keys, vmnet_enable_checksum_offload_key, true);
	interface = vmnet_interface_start_with_network(network, keys,
	    vmnet_queue, ^(vmnet_return_t answer, xpc_object_t parameters) {
		    (void)parameters; /* with the MAC address */
		    status = answer;
		    dispatch_semaphore_signal(answered);
	    });
	xpc_release(keys);
	CFRelease(network);      /* the interface has its own reference */
	if (interface == NULL || /* then the handler is not called */
	    dispatch_semaphore_wait(answered, DISPATCH_TIME_FOREVER) != 0 ||
	    status != VMNET_SUCCESS) {
		warnx("%s: vmnet status %u", name, (unsigned)status);
		interface = NULL; /* there is nothing to stop */
		return;
	}
	warnx("%s: attached", name);
	vmnet_interface_set_event_callback(interface,
	    VMNET_INTERFACE_PACKETS_AVAILABLE, vmnet_queue,
	    ^(interface_event_t events, xpc_object_t event) {
		    (void)events;
		    (void)event;
		    read_frames();
	    });
}

static void detach(void)
{
	if (interface != NULL &&
	    vmnet_stop_interface(
		interface, vmnet_queue, ^(vmnet_return_t status) {
			(void)status;
			dispatch_semaphore_signal(answered);
		}) == VMNET_SUCCESS) {
		dispatch_semaphore_wait(answered, DISPATCH_TIME_FOREVER);
	}
	interface = NULL;
}

static void handle(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *name)
{
	char reason[512];

	if (state == VMNET_BROKER_HOLD_LOST) {
		warnx("%s: lost, asking again", (char *)name);
		detach();
	} else if (state == VMNET_BROKER_HOLD_FAILED) {
		vmnet_broker_hold_get_reason(hold, reason, sizeof(reason));
		errx(1, "%s: %s", (char *)name, reason);
	} else {
		attach(name, hold);
	}
}

int main(int argc, char *argv[])
{
	size_t size = sizeof(buffer);
	char *end = NULL;
	sigset_t interrupt;

	if (argc != 2 || argv[1][0] == '-') { /* -h and --help are not errors */
		errx(argc == 2 && strstr(argv[1], "-h") != NULL ? 0 : 2,
		    "usage: attach NETWORK");
	}
	sysctlbyname("kern.osproductversion", buffer, &size, NULL, 0);
	long major = strtol(buffer, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	if (major > 0 && (major < 26 || (major == 26 && minor < 2))) {
		errx(1, "macOS 26.2 or later is needed, this is %s", buffer);
	}
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, NULL); /* in later threads */
	hold_queue = dispatch_queue_create("hold", NULL);
	vmnet_queue = dispatch_queue_create("vmnet", NULL);
	answered = dispatch_semaphore_create(0);
	if (vmnet_broker_hold_create(argv[1], hold_queue, handle, argv[1]) ==
	    NULL) {
		errx(1, "out of memory");
	}
	sigwait(&interrupt, &(int){ 0 });
	dispatch_sync(hold_queue, ^{
		detach();
	});
	errx(0, "%s: %lu frames", argv[1], frames);
}
