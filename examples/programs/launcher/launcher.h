// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: shared declarations, in the order of events.
 *
 *	../launcher.m		options, and the order of events
 *	networks.m		1. the networks, from the hold to the VM
 *	identity.m		the MAC addresses
 *	configuration.m		2. the configuration of the VM
 *	machine.m		3. running and 4. stopping it
 *	terminal.m		5. the terminal
 */

#ifndef LAUNCHER_H
#define LAUNCHER_H

#import <Foundation/Foundation.h>
#import <Virtualization/Virtualization.h>

#include <dispatch/dispatch.h>

#define MIB (1024 * 1024ULL)

struct options {
	NSString *kernel;
	NSString *initrd;
	NSString *commandLine;
	NSString *disk;
	NSString *identity;
	NSMutableArray *networks;  /* of NSString: their names */
	NSMutableArray *addresses; /* of NSString: their mac=, or "" */
	unsigned cpus;
	unsigned long long memory; /* MiB */
};

extern struct options options;

/* Prints "launcher: " and the text on standard error; standard output is the
 * console of the guest. */
void say(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2);

/* The same, and exits with EXIT_FAILURE. */
void fail(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2)
    __attribute__((noreturn));

/* The same for wrong arguments, and exits with 2. */
void usageError(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2)
    __attribute__((noreturn));

/* --- networks.m --- */

/* Requests all networks at once, and waits until they are granted. */
void holdNetworks(void);

/* A VZVirtioNetworkDeviceConfiguration for each --network, attached to it. On
 * the queue. */
NSArray *createNetworkDevices(void);

/* Called on the queue when the VM reports that the device with this number has
 * lost its network. */
void networkIsDisconnected(NSUInteger index, NSError *error);

/* --- identity.m --- */

/* Nil unless the text is a unicast address, like 52:54:00:12:34:56. */
VZMACAddress *parseMACAddress(NSString *text);

/* A VZMACAddress for each --network. */
NSArray *chooseAddresses(void);

/* --- configuration.m --- */

VZVirtualMachineConfiguration *createConfiguration(void);

/* --- machine.m --- */

extern VZVirtualMachine *machine; /* nil until it is configured */
extern dispatch_queue_t queue;    /* of the VM: serial */

/* On the queue. */
void createMachine(void);
void startMachine(void);

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT: ask the guest to stop, and stop the VM
 * after a while, or at the second signal. */
void stopOnSignals(void);

/* --- terminal.m --- */

/* Opens /dev/null for each standard descriptor that is closed: the console
 * needs open descriptors, and no other file may get these numbers. Must be
 * called first. */
void openStandardDescriptors(void);

/* Standard input is the terminal of another foreground process: in the
 * background (launcher &) the keyboard belongs to the shell, and the guest has
 * no input. */
BOOL terminalIsInUse(void);

/*
 * Every key goes to the guest, one byte at a time, and the guest echoes it.
 * Only Ctrl-C is handled by launcher. (Ctrl-Z and Ctrl-\ would leave the
 * terminal raw.) Does nothing if standard input is not a terminal, or is the
 * terminal of another foreground process. The terminal is restored on every
 * exit except by SIGKILL.
 */
void terminalMakeRaw(void);

#endif
