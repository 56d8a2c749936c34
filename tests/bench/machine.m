// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: machine KERNEL INITRD COMMAND-LINE [ID=MAC]...
 *
 * A VM of Virtualization.framework for measurements, with a network interface
 * for each ID: a number is the descriptor of a datagram socket, as vmnet-run
 * and others provide it; any other word is a network of the broker, attached
 * natively. So all ways to attach a VM are compared in the same VM. The VM ends
 * with this process.
 */

#import <Virtualization/Virtualization.h>

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "vmnet-broker.h"

@interface Delegate : NSObject <VZVirtualMachineDelegate>
@end
@implementation Delegate
- (void)guestDidStopVirtualMachine:(VZVirtualMachine *)vm
{
	exit(0);
}
- (void)virtualMachine:(VZVirtualMachine *)vm didStopWithError:(NSError *)error
{
	errx(1, "stopped: %s", error.localizedDescription.UTF8String);
}
@end
static Delegate *delegate; /* the VM has only a weak reference to it */
static VZVirtualMachine *machine;

static VZNetworkDeviceAttachment *attach_socket(int fd)
{
	NSFileHandle *handle = [[NSFileHandle alloc] initWithFileDescriptor:fd];

	return [[VZFileHandleNetworkDeviceAttachment alloc]
	    initWithFileHandle:handle];
}

/* Held until this process ends. */
static VZNetworkDeviceAttachment *attach_network(const char *name)
{
	xpc_object_t serialization = vmnet_broker_acquire_network(name, NULL);
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network = NULL;

	if (serialization == NULL) {
		errx(1, "%s: %s", name, vmnet_broker_last_reason());
	}
	network =
	    vmnet_network_create_with_serialization(serialization, &status);
	if (network == NULL) {
		errx(1, "%s: vmnet status %d", name, (int)status);
	}
	return [[VZVmnetNetworkDeviceAttachment alloc] initWithNetwork:network];
}

/* ID=MAC */
static VZNetworkDeviceConfiguration *create_device(char *text)
{
	VZVirtioNetworkDeviceConfiguration *device =
	    [[VZVirtioNetworkDeviceConfiguration alloc] init];
	char *mac = strchr(text, '=');

	if (mac == NULL) {
		errx(2, "%s: must be ID=MAC", text);
	}
	*mac++ = '\0';
	device.MACAddress = [[VZMACAddress alloc]
	    initWithString:[NSString stringWithUTF8String:mac]];
	device.attachment = isdigit((unsigned char)text[0])
	    ? attach_socket(atoi(text))
	    : attach_network(text);
	return device;
}

static VZVirtualMachineConfiguration *configuration(char *argv[])
{
	VZVirtualMachineConfiguration *vm = [VZVirtualMachineConfiguration new];
	VZLinuxBootLoader *loader = [[VZLinuxBootLoader alloc]
	    initWithKernelURL:[NSURL fileURLWithPath:@(argv[1])]];
	VZVirtioConsoleDeviceSerialPortConfiguration *console =
	    [[VZVirtioConsoleDeviceSerialPortConfiguration alloc] init];
	NSMutableArray *devices = [NSMutableArray array];
	NSFileHandle *in = [NSFileHandle fileHandleWithStandardInput];
	NSFileHandle *out = [NSFileHandle fileHandleWithStandardOutput];

	loader.initialRamdiskURL = [NSURL fileURLWithPath:@(argv[2])];
	loader.commandLine = @(argv[3]);
	console.attachment = [[VZFileHandleSerialPortAttachment alloc]
	    initWithFileHandleForReading:in
		    fileHandleForWriting:out];
	for (int i = 4; argv[i] != NULL; i++) {
		[devices addObject:create_device(argv[i])];
	}
	vm.bootLoader = loader;
	vm.memorySize = 256 << 20;
	vm.serialPorts = [NSArray arrayWithObject:console];
	vm.networkDevices = devices;
	return vm;
}

int main(int argc, char *argv[])
{
	@autoreleasepool {
		NSError *error = nil;

		if (argc < 4) {
			errx(2,
			    "usage: machine KERNEL INITRD COMMAND-LINE "
			    "[ID=MAC]...");
		}
		VZVirtualMachineConfiguration *vm = configuration(argv);
		if (![vm validateWithError:&error]) {
			errx(1, "%s", error.localizedDescription.UTF8String);
		}
		machine = [[VZVirtualMachine alloc] initWithConfiguration:vm];
		machine.delegate = delegate = [Delegate new];
		dispatch_async(dispatch_get_main_queue(), ^{
			[machine startWithCompletionHandler:^(NSError *failed) {
				if (failed != nil) {
					errx(1, "%s",
					    failed.localizedDescription
						.UTF8String);
				}
			}];
		});
	}
	dispatch_main();
}
