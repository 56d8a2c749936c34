// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vm: a Linux VM of Virtualization.framework on networks of vmnet-broker.
 * - Each network is a hold. The VM starts when all are granted. This process
 *   holds them until it exits, so it must run as long as its VM.
 * - When the broker and its networks die, the hold reports LOST. At the next
 *   GRANTED the device is attached again: the guest's link goes down and up.
 *
 * Build it on macOS 26, sign it with the required entitlement, boot the guest of
 * test-vm/, which prints up to "ready", and stop it:
 *
 *	cc -fobjc-arc -o vm vm.m ../client/vmnet-broker.c -I../client \
 *	    -framework Foundation -framework Virtualization -framework vmnet
 *	codesign -f -s - --entitlements ../broker/vmnet-broker.entitlements vm
 *	$ vm kernel initrd default host
 *	vm: running on 2 networks
 *	vm: eth0 9e:1c:07:5a:33:01 192.168.115.2/24 gw 192.168.115.1 dns …
 *	vm: eth1 9e:1c:07:5a:33:02 192.168.95.2/24 gw none dns …
 *	vm: ready
 *	^C
 *	vm: stopped
 */

#import <Virtualization/Virtualization.h>
#include "vmnet-broker.h"
#include <err.h>
#include <unistd.h>

static char **args, **names; /* all, and those of the networks */
static int count, granted;
static dispatch_source_t interrupt; /* releasing it would cancel it */
static VZNetworkDeviceAttachment *attachments[8]; /* nil: not granted yet */
static VZVirtualMachine *machine; /* nil: the same. All is on the main queue */

@interface Delegate : NSObject <VZVirtualMachineDelegate>
@end
@implementation Delegate
- (void)guestDidStopVirtualMachine:(VZVirtualMachine *)vm
{
	errx(0, "stopped");
}
- (void)virtualMachine:(VZVirtualMachine *)vm didStopWithError:(NSError *)error
{
	errx(1, "stopped: %s", error.localizedDescription.UTF8String);
}
@end
static Delegate *delegate; /* the VM has only a weak reference to it */

static VZVirtualMachineConfiguration *configuration(void)
{
	VZVirtualMachineConfiguration *vm = [VZVirtualMachineConfiguration new];
	NSString *kernel = @(args[1]), *initrd = @(args[2]);
	VZLinuxBootLoader *loader = [[VZLinuxBootLoader alloc]
	    initWithKernelURL:[NSURL fileURLWithPath:kernel]];
	id port = [[VZVirtioConsoleDeviceSerialPortConfiguration alloc] init];
	NSMutableArray *devices = [NSMutableArray array];
	NSFileHandle *in = isatty(0) && tcgetpgrp(0) != getpgrp()
	    ? nil /* in the background: the keys are the shell's */
	    : [NSFileHandle fileHandleWithStandardInput];
	NSFileHandle *out = [NSFileHandle fileHandleWithStandardOutput];

	loader.initialRamdiskURL = [NSURL fileURLWithPath:initrd];
	loader.commandLine = @"console=hvc0 quiet";
	[port setAttachment:[[VZFileHandleSerialPortAttachment alloc]
				initWithFileHandleForReading:in
					fileHandleForWriting:out]];
	for (int i = 0; i < count; i++) { /* each gets a random MAC address */
		id device = [[VZVirtioNetworkDeviceConfiguration alloc] init];
		[device setAttachment:attachments[i]];
		[devices addObject:device];
	}
	vm.bootLoader = loader;
	vm.memorySize = 512 << 20;
	vm.serialPorts = [NSArray arrayWithObject:port];
	vm.networkDevices = devices;
	return vm;
}

static void start(void)
{
	VZVirtualMachineConfiguration *vm = configuration();
	NSOperatingSystemVersion min = { 26, 2, 0 };
	NSError *error = nil;

	if (![NSProcessInfo.processInfo isOperatingSystemAtLeastVersion:min]) {
		errx(1, "macOS 26.2 or later is needed");
	}
	if (![vm validateWithError:&error]) { /* signed with the entitlement? */
		errx(1, "%s", error.localizedDescription.UTF8String);
	}
	machine = [[VZVirtualMachine alloc] initWithConfiguration:vm];
	machine.delegate = delegate = [Delegate new];
	[machine startWithCompletionHandler:^(NSError *failed) {
		if (failed != nil) {
			errx(1, "%s", failed.localizedDescription.UTF8String);
		}
		warnx("running on %d network%s", count, count == 1 ? "" : "s");
	}];
	interrupt = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, SIGINT, 0, dispatch_get_main_queue());
	signal(SIGINT, SIG_IGN); /* the source still receives it */
	dispatch_source_set_event_handler(interrupt, ^{
		[machine requestStopWithError:NULL];
	});
	dispatch_activate(interrupt);
}

static void handle(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	NSUInteger i = (NSUInteger)((char **)context - names);
	xpc_object_t serialization = vmnet_broker_hold_copy_network(hold);
	vmnet_network_ref network = serialization == NULL
	    ? NULL
	    : vmnet_network_create_with_serialization(serialization, NULL);
	char reason[512];

	vmnet_broker_hold_get_reason(hold, reason, sizeof(reason));
	if (state == VMNET_BROKER_HOLD_FAILED && machine == nil) {
		errx(1, "%s: %s", names[i], reason);
	} else if (state == VMNET_BROKER_HOLD_FAILED) {
		warnx("%s: %s; the VM continues without it", names[i], reason);
	} else if (state == VMNET_BROKER_HOLD_LOST) {
		warnx("%s: lost, asking again", names[i]);
	} else if (network == NULL) { /* lost again, or rejected by vmnet */
		warnx("%s: granted, but cannot be used", names[i]);
	} else {
		granted += attachments[i] == nil;
		attachments[i] = [[VZVmnetNetworkDeviceAttachment alloc]
		    initWithNetwork:network];
		if (machine != nil) {
			[[machine.networkDevices objectAtIndex:i]
			    setAttachment:attachments[i]];
			warnx("%s: attached again", names[i]);
		} else if (granted == count) {
			start();
		}
	}
}

int main(int argc, char *argv[])
{
	dispatch_queue_t queue = dispatch_get_main_queue();

	if (argc < 4 || argc > 11 || argv[1][0] == '-') { /* -h is no error */
		errx(argc == 2 && strstr(argv[1], "-h") != NULL ? 0 : 2,
		    "usage: vm KERNEL INITRD NETWORK...");
	}
	args = argv;
	names = argv + 3;
	count = argc - 3;
	for (char **p = names; *p != NULL; p++) {
		if (vmnet_broker_hold_create(*p, queue, handle, p) == NULL) {
			errx(1, "out of memory");
		}
	}
	dispatch_main();
}
