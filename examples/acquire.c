// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * acquire: hold a network by name.
 *
 * The smallest complete client of vmnet-broker. It requests a network from the
 * broker, prints its properties, and holds it until interrupted. A VM launcher
 * does the same, and attaches its VM where this program prints.
 *
 * What to learn here:
 *
 * - vmnet_broker_hold_create() never blocks: handle() is called on the main
 *   queue when the network is granted, when it is lost because the broker died,
 *   when there is a new one, and when the broker refuses it.
 * - vmnet_broker_hold_copy_network() returns a serialization, an opaque object
 *   for vmnet_network_create_with_serialization(), which makes it a network of
 *   this process. That sends no message and holds nothing: the hold does.
 * - vmnet_broker_hold_get_reason() explains a failure in one sentence. If there
 *   is no broker, the hold does not fail: it keeps asking.
 * - vmnet_broker_hold_release() releases the network, and so does the end of
 *   the process.
 *
 * Build it on macOS 26, and sign it with the entitlement that vmnet requires:
 *
 *	cc -o acquire acquire.c ../client/vmnet-broker.c -I../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign -f -s - \
 *		--entitlements ../broker/vmnet-broker.entitlements acquire
 *
 * Run it, also in a second terminal, and interrupt both:
 *
 *	$ acquire default
 *	name     default
 *	subnet   192.168.115.0/24
 *	gateway  192.168.115.1
 *	mask     255.255.255.0
 *	ipv6     fd9c:4e7b:2a10:5d3f::/64
 *	holding default until interrupted
 *	^C
 */

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CoreFoundation/CoreFoundation.h>
#include <vmnet/vmnet.h>

#include "vmnet-broker.h"

/* Prints the broker's description of the network; docs/protocol.md lists the
 * keys. */
static void print_info(vmnet_broker_hold_t hold)
{
	static const char *const rows[][2] = {
		{ "name", "name" },
		{ "subnet", "subnet" },
		{ "gateway", "gateway" },
		{ "mask", "mask" },
		{ "ipv6", "ipv6_prefix" },
	};
	xpc_object_t info = vmnet_broker_hold_copy_info(hold);

	for (size_t i = 0; info != NULL && i < 5; i++) {
		const char *value = xpc_dictionary_get_string(info, rows[i][1]);

		printf("%-8s %s\n", rows[i][0], value == NULL ? "" : value);
	}
	if (info != NULL) {
		xpc_release(info);
	}
}

/* A serialization is valid until the network is lost: use it immediately. */
static void granted(const char *name, vmnet_broker_hold_t hold)
{
	xpc_object_t serialization = vmnet_broker_hold_copy_network(hold);
	vmnet_return_t status = VMNET_SUCCESS;

	if (serialization == NULL) {
		return; /* lost again, as the next event reports */
	}
	vmnet_network_ref network =
	    vmnet_network_create_with_serialization(serialization, &status);
	xpc_release(serialization);
	if (network == NULL) {
		errx(1, "%s: vmnet status %u", name, (unsigned)status);
	}
	print_info(hold); /* a launcher attaches its VM here */
	CFRelease(network);
	printf("holding %s until interrupted\n", name);
}

static void print_reason(vmnet_broker_hold_t hold, const char *name)
{
	char reason[512];

	if (vmnet_broker_hold_get_reason(hold, reason, sizeof(reason)) !=
	    VMNET_BROKER_SUCCESS) {
		warnx("%s: %s", name, reason);
	}
}

/* Runs on the main queue. */
static void handle(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	if (state == VMNET_BROKER_HOLD_GRANTED) {
		granted(context, hold);
	} else if (state == VMNET_BROKER_HOLD_LOST) {
		warnx("%s: lost, asking again", (char *)context);
	} else if (state == VMNET_BROKER_HOLD_FAILED) {
		print_reason(hold, context);
		exit(1);
	}
}

static void finish(void *context)
{
	(void)context;
	exit(0);
}

/* The source receives the signal even though its default action is disabled. */
static void release_when_interrupted(vmnet_broker_hold_t hold)
{
	signal(SIGINT, SIG_IGN);
	dispatch_source_t source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, SIGINT, 0, dispatch_get_main_queue());
	dispatch_source_set_event_handler(source, ^{
		dispatch_source_cancel(source);
		vmnet_broker_hold_release(hold, finish);
	});
	dispatch_activate(source);
}

int main(int argc, char *argv[])
{
	if (argc != 2 || argv[1][0] == '-') { /* -h and --help are not errors */
		errx(argc == 2 && strstr(argv[1], "-h") != NULL ? 0 : 2,
		    "usage: acquire NETWORK");
	}

	setvbuf(stdout, NULL, _IOLBF, 0); /* even if it is a pipe */
	vmnet_broker_hold_t hold = vmnet_broker_hold_create(
	    argv[1], dispatch_get_main_queue(), handle, argv[1]);
	if (hold == NULL) {
		errx(1, "out of memory");
	}
	release_when_interrupted(hold);

	/* After 2 s without a network, show why. */
	if (vmnet_broker_hold_wait(hold, 2) == VMNET_BROKER_XPC_FAILURE) {
		print_reason(hold, argv[1]);
	}
	dispatch_main();
}
