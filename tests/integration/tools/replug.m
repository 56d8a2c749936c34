// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * replug: a launcher with launcher's options, whose VM has one network
 * interface, on the first --network. SIGUSR1 connects it to the last --network,
 * SIGUSR2 to none.
 */

#import <Foundation/Foundation.h>
#import <Virtualization/Virtualization.h>

#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include "vmnet-broker.h"

static const char *kernel, *initrd, *command_line, *first, *last;
static VZVirtualMachine *machine;
static dispatch_queue_t queue;

static VZVmnetNetworkDeviceAttachment *create_attachment(const char *name)
{
	xpc_object_t serialization = vmnet_broker_acquire_network(name, NULL);
	vmnet_network_ref network = NULL;

	if (serialization == NULL) {
		errx(1, "%s: %s", name, vmnet_broker_last_reason());
	}
	network = vmnet_network_create_with_serialization(serialization, NULL);
	if (network == NULL) {
		errx(1, "%s: no reference", name);
	}
	return [[VZVmnetNetworkDeviceAttachment alloc] initWithNetwork:network];
}

static void replug(const char *name)
{
	VZNetworkDevice *device = [machine.networkDevices objectAtIndex:0];

	device.attachment = name == NULL ? nil : create_attachment(name);
	fprintf(stderr, "replug: %s\n", name == NULL ? "none" : name);
}

static void replug_on(int number, const char *name)
{
	dispatch_source_t source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, (uintptr_t)number, 0, queue);

	signal(number, SIG_IGN);
	dispatch_source_set_event_handler(source, ^{
		@autoreleasepool {
			replug(name);
		}
	});
	dispatch_activate(source);
}

static NSString *text(const char *bytes)
{
	return [NSString stringWithUTF8String:bytes];
}

static VZVirtualMachineConfiguration *create_configuration(void)
{
	VZVirtualMachineConfiguration *config =
	    [[VZVirtualMachineConfiguration alloc] init];
	VZLinuxBootLoader *loader = [[VZLinuxBootLoader alloc]
	    initWithKernelURL:[NSURL fileURLWithPath:text(kernel)]];
	VZVirtioNetworkDeviceConfiguration *card =
	    [[VZVirtioNetworkDeviceConfiguration alloc] init];
	VZVirtioConsoleDeviceSerialPortConfiguration *console =
	    [[VZVirtioConsoleDeviceSerialPortConfiguration alloc] init];

	loader.initialRamdiskURL = [NSURL fileURLWithPath:text(initrd)];
	loader.commandLine = text(command_line);
	card.attachment = create_attachment(first);
	console.attachment = [[VZFileHandleSerialPortAttachment alloc]
	    initWithFileHandleForReading:[NSFileHandle
					     fileHandleWithStandardInput]
		    fileHandleForWriting:[NSFileHandle
					     fileHandleWithStandardOutput]];
	config.memorySize = 256 * 1024 * 1024ULL;
	config.bootLoader = loader;
	config.networkDevices = [NSArray arrayWithObject:card];
	config.serialPorts = [NSArray arrayWithObject:console];
	return config;
}

static void parse(int argc, char *argv[])
{
	static const struct option names[] = {
		{ "network", required_argument, NULL, 'n' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "command-line", required_argument, NULL, 'c' },
		{ "identity", required_argument, NULL, '-' },
		{ "memory", required_argument, NULL, '-' },
		{ NULL, 0, NULL, 0 },
	};
	int option = getopt_long(argc, argv, "", names, NULL);

	while (option != -1) {
		switch (option) {
		case 'n':
			first = first == NULL ? optarg : first;
			last = optarg;
			break;
		case 'k':
			kernel = optarg;
			break;
		case 'i':
			initrd = optarg;
			break;
		case 'c':
			command_line = optarg;
			break;
		case '-':
			break;
		default:
			exit(2);
		}
		option = getopt_long(argc, argv, "", names, NULL);
	}
}

int main(int argc, char *argv[])
{
	@autoreleasepool {
		parse(argc, argv);
		queue = dispatch_queue_create("replug", NULL);
		machine = [[VZVirtualMachine alloc]
		    initWithConfiguration:create_configuration()
				    queue:queue];
		replug_on(SIGUSR1, last);
		replug_on(SIGUSR2, NULL);
		dispatch_async(queue, ^{
			[machine startWithCompletionHandler:^(NSError *error) {
				if (error != nil) {
					errx(1, "%s",
					    [[error localizedDescription]
						UTF8String]);
				}
			}];
		});
	}
	dispatch_main();
}
