// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vm: run a Linux VM of Virtualization.framework on broker networks.
 *
 * What to learn here, in the order of the code:
 *
 * 1. Acquire each network from the broker, make it a vmnet_network_ref of this
 *    process, and put a virtio network card on it. This is all that a launcher
 *    must do for vmnet-broker; the packets then never pass user code.
 * 2. Configure the VM: boot from a kernel and an initial RAM disk, or by EFI
 *    from a disk image; the console is this process's standard input and
 *    output.
 * 3. Run it on a serial queue, on which everything about it happens.
 * 4. Stop it on SIGINT and SIGTERM: first the guest is asked, after ten
 *    seconds the plug is pulled.
 * 5. Leave the terminal as it was, on every way out.
 *
 * The network is held for as long as this process lives. Keep the process
 * alive until the VM has stopped, and there is nothing to give back.
 *
 * Needs macOS 26.2: 26.0 and 26.1 let a process attach only to networks that
 * its own executable made, so that a VM on a network of the broker's does not
 * start there.
 *
 * Build it, and sign it so that Virtualization and vmnet let it in:
 *
 *	cc -fobjc-arc -o vm vm.m ../client/vmnet-broker.c -I../client \
 *		-framework Foundation -framework Virtualization \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - --entitlements virtualization.plist vm
 *
 * Run it:
 *
 *	$ vm --network default --network host,mac=52:54:00:5e:10:02 \
 *		--kernel kernel --initrd initrd --command-line console=hvc0
 *	vm: default: 52:54:00:9a:41:77
 *	vm: host: 52:54:00:5e:10:02
 *	vm: running
 *	…
 *	vm: stopped
 *
 * The exit status is 0 when the guest stopped, 1 when the VM failed or had to
 * be stopped, 2 for a mistake in the arguments.
 */

#import <Foundation/Foundation.h>
#import <Virtualization/Virtualization.h>

#include <dispatch/dispatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

#define MIB (1024 * 1024ULL)

/* A guest that has not stopped by then does not listen. */
#define STOP_TIMEOUT (10 * NSEC_PER_SEC)

static struct {
	NSString *kernel;
	NSString *initrd;
	NSString *commandLine;
	NSString *disk;
	NSString *identity;
	NSMutableArray *networks; /* of NSString: NAME or NAME,mac=ADDRESS */
	unsigned cpus;
	unsigned long long memory; /* MiB */
} options = {.cpus = 1, .memory = 512};

/* Says something to the person; the console has standard output. */
static void say(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2);

static void say(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	NSString *text = [[NSString alloc] initWithFormat:format
						arguments:args];
	va_end(args);
	fprintf(stderr, "vm: %s\n", [text UTF8String]);
}

/* --- 5. The terminal ----------------------------------------------------- */

static struct termios savedTerminal;
static BOOL terminalIsRaw;

static void terminalRestore(void)
{
	if (terminalIsRaw) {
		terminalIsRaw = NO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &savedTerminal);
	}
}

/*
 * What is typed goes to the guest as it is, one byte at a time, and the guest
 * echoes it. Only signals stay ours: Ctrl-C stops the VM.
 */
static void terminalMakeRaw(void)
{
	if (!isatty(STDIN_FILENO) ||
		tcgetattr(STDIN_FILENO, &savedTerminal) != 0) {
		return;
	}
	struct termios raw = savedTerminal;
	raw.c_iflag &= ~(tcflag_t)ICRNL;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	/* Before the change: then no way out leaves a raw terminal. */
	atexit(terminalRestore);
	terminalIsRaw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* Every way out is this one: exit() runs terminalRestore(). */
static void fail(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2)
	__attribute__((noreturn));

static void fail(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	NSString *text = [[NSString alloc] initWithFormat:format
						arguments:args];
	va_end(args);
	say(@"%@", text);
	exit(EXIT_FAILURE);
}

/* --- 1. Networks --------------------------------------------------------- */

static void checkSystem(void)
{
	NSOperatingSystemVersion needed = {26, 2, 0};

	if (![[NSProcessInfo processInfo]
		    isOperatingSystemAtLeastVersion:needed]) {
		say(@"this macOS is older than 26.2: a VM cannot be attached "
		    @"to a network that another program made, so expect the "
		    @"VM not to start; update macOS");
	}
	if (![VZVirtualMachine isSupported]) {
		fail(@"this Mac does not support virtualization");
	}
}

static vmnet_network_ref acquireNetwork(NSString *name)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	xpc_object_t serialization =
		vmnet_broker_acquire_network([name UTF8String], &status);
	if (serialization == NULL) {
		fail(@"network %@: %s", name, vmnet_broker_strerror(status));
	}

	/* A local object: nothing is asked, and nobody is held by it. */
	vmnet_return_t vmnetStatus = VMNET_SUCCESS;
	vmnet_network_ref network = vmnet_network_create_with_serialization(
		serialization, &vmnetStatus);
	if (network == NULL) {
		fail(@"network %@: vmnet status %u", name,
			(unsigned)vmnetStatus);
	}
	/* Kept, as the network, until the process ends. */
	return network;
}

/* A guest's leases follow its MAC address, so that it should keep it. */
static VZMACAddress *chooseMACAddress(NSString *given, NSString *kept)
{
	NSString *text = given != nil ? given : kept;

	if (text == nil) {
		return [VZMACAddress randomLocallyAdministeredAddress];
	}
	VZMACAddress *address = [[VZMACAddress alloc] initWithString:text];
	if (address == nil || ![address isUnicastAddress]) {
		fail(@"not the MAC address of a card: %@", text);
	}
	return address;
}

static VZVirtioNetworkDeviceConfiguration *createCard(
	NSString *name, VZMACAddress *address)
{
	VZVirtioNetworkDeviceConfiguration *card =
		[[VZVirtioNetworkDeviceConfiguration alloc] init];

	card.MACAddress = address;
	card.attachment = [[VZVmnetNetworkDeviceAttachment alloc]
		initWithNetwork:acquireNetwork(name)];
	if (card.attachment == nil) {
		fail(@"network %@: cannot attach to it", name);
	}
	return card;
}

/* One card for each --network. With --identity FILE the addresses that it
 * holds are used, and those in use are kept there. */
static NSArray *createCards(void)
{
	NSMutableArray *cards = [NSMutableArray array];
	NSMutableArray *addresses = [NSMutableArray array];
	NSArray *kept = options.identity == nil
		? nil
		: [NSArray arrayWithContentsOfFile:options.identity];

	for (NSUInteger i = 0; i < [options.networks count]; i++) {
		NSArray *parts = [[options.networks objectAtIndex:i]
			componentsSeparatedByString:@",mac="];
		NSString *name = [parts objectAtIndex:0];
		VZMACAddress *address = chooseMACAddress(
			[parts count] > 1 ? [parts objectAtIndex:1] : nil,
			i < [kept count] ? [kept objectAtIndex:i] : nil);
		[cards addObject:createCard(name, address)];
		[addresses addObject:[address string]];
		say(@"%@: %@", name, [address string]);
	}
	if (options.identity != nil &&
		![addresses writeToFile:options.identity atomically:YES]) {
		fail(@"cannot write %@", options.identity);
	}
	return cards;
}

/* --- 2. Configuration ---------------------------------------------------- */

static NSURL *fileURL(NSString *path)
{
	if (![[NSFileManager defaultManager] isReadableFileAtPath:path]) {
		fail(@"cannot read %@", path);
	}
	return [NSURL fileURLWithPath:path];
}

/* On Apple silicon the kernel must be an uncompressed Image: with a compressed
 * one the VM starts and says nothing. */
static VZBootLoader *createLinuxBootLoader(void)
{
	VZLinuxBootLoader *loader = [[VZLinuxBootLoader alloc]
		initWithKernelURL:fileURL(options.kernel)];

	if (options.initrd != nil) {
		loader.initialRamdiskURL = fileURL(options.initrd);
	}
	if (options.commandLine != nil) {
		loader.commandLine = options.commandLine;
	}
	return loader;
}

/* What the firmware keeps lies beside the disk, as DISK.efi. */
static VZBootLoader *createEFIBootLoader(void)
{
	VZEFIBootLoader *loader = [[VZEFIBootLoader alloc] init];
	NSString *path = [options.disk stringByAppendingString:@".efi"];
	NSURL *url = [NSURL fileURLWithPath:path];
	NSError *error = nil;

	if ([[NSFileManager defaultManager] fileExistsAtPath:path]) {
		loader.variableStore =
			[[VZEFIVariableStore alloc] initWithURL:url];
		return loader;
	}
	loader.variableStore = [[VZEFIVariableStore alloc]
		initCreatingVariableStoreAtURL:url
				       options:0
					 error:&error];
	if (loader.variableStore == nil) {
		fail(@"%@: %@", path, [error localizedDescription]);
	}
	return loader;
}

static VZVirtioBlockDeviceConfiguration *createDisk(void)
{
	NSError *error = nil;
	VZDiskImageStorageDeviceAttachment *image =
		[[VZDiskImageStorageDeviceAttachment alloc]
			initWithURL:fileURL(options.disk)
			   readOnly:NO
			      error:&error];

	if (image == nil) {
		fail(@"%@: %@", options.disk, [error localizedDescription]);
	}
	return [[VZVirtioBlockDeviceConfiguration alloc]
		initWithAttachment:image];
}

static VZSerialPortConfiguration *createConsole(void)
{
	VZVirtioConsoleDeviceSerialPortConfiguration *console =
		[[VZVirtioConsoleDeviceSerialPortConfiguration alloc] init];

	console.attachment = [[VZFileHandleSerialPortAttachment alloc]
		initWithFileHandleForReading:
			[NSFileHandle fileHandleWithStandardInput]
			fileHandleForWriting:
				[NSFileHandle fileHandleWithStandardOutput]];
	return console;
}

static VZVirtualMachineConfiguration *createConfiguration(void)
{
	VZVirtualMachineConfiguration *configuration =
		[[VZVirtualMachineConfiguration alloc] init];
	NSError *error = nil;

	configuration.CPUCount = options.cpus;
	configuration.memorySize = options.memory * MIB;
	configuration.platform = [[VZGenericPlatformConfiguration alloc] init];
	configuration.bootLoader = options.kernel != nil
		? createLinuxBootLoader()
		: createEFIBootLoader();
	if (options.disk != nil) {
		configuration.storageDevices =
			[NSArray arrayWithObject:createDisk()];
	}
	configuration.serialPorts = [NSArray arrayWithObject:createConsole()];
	configuration.entropyDevices = [NSArray
		arrayWithObject:[[VZVirtioEntropyDeviceConfiguration alloc]
					init]];
	configuration.networkDevices = createCards();
	if (![configuration validateWithError:&error]) {
		fail(@"%@ (is this program signed with the entitlement "
		     @"com.apple.security.virtualization?)",
			[error localizedDescription]);
	}
	return configuration;
}

/* --- 3. The machine ------------------------------------------------------ */

@interface Delegate : NSObject <VZVirtualMachineDelegate>
@end

/* Everything here runs on the machine's queue. */
@implementation Delegate

- (void)guestDidStopVirtualMachine:(VZVirtualMachine *)machine
{
	(void)machine;
	say(@"stopped");
	exit(EXIT_SUCCESS);
}

- (void)virtualMachine:(VZVirtualMachine *)machine
	didStopWithError:(NSError *)error
{
	(void)machine;
	fail(@"stopped by an error: %@", [error localizedDescription]);
}

/* The guest goes on without this network: the broker died, perhaps, and its
 * networks with it. To have it back, start the VM again. */
- (void)virtualMachine:(VZVirtualMachine *)machine
			     networkDevice:(VZNetworkDevice *)device
	attachmentWasDisconnectedWithError:(NSError *)error
{
	NSUInteger index = [machine.networkDevices indexOfObject:device];

	say(@"network %@ disconnected: %@",
		index < [options.networks count]
			? [options.networks objectAtIndex:index]
			: @"?",
		[error localizedDescription]);
}

@end

static VZVirtualMachine *machine;
static Delegate *delegate; /* the machine's reference to it is weak */
static dispatch_queue_t queue;

static void startMachine(void)
{
	[machine startWithCompletionHandler:^(NSError *error) {
		if (error != nil) {
			fail(@"cannot start: %@", [error localizedDescription]);
		}
		say(@"running");
	}];
}

/* --- 4. Stopping --------------------------------------------------------- */

static void pullPlug(void)
{
	if (![machine canStop]) {
		fail(@"stopped before it was running");
	}
	[machine stopWithCompletionHandler:^(NSError *error) {
		if (error != nil) {
			fail(@"cannot stop: %@", [error localizedDescription]);
		}
		fail(@"the guest did not stop when asked, and was stopped");
	}];
}

/* Asks the guest, which answers by guestDidStopVirtualMachine:. Who asks a
 * second time does not want to wait. */
static void stopMachine(void)
{
	static BOOL asked;
	NSError *error = nil;

	if (asked || ![machine canRequestStop] ||
		![machine requestStopWithError:&error]) {
		pullPlug();
		return;
	}
	asked = YES;
	say(@"stopping");
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, STOP_TIMEOUT), queue, ^{
		pullPlug();
	});
}

static void stopOn(int number)
{
	static dispatch_source_t sources[NSIG];

	/* A source sees the signal only when nothing else happens. */
	signal(number, SIG_IGN);
	sources[number] = dispatch_source_create(
		DISPATCH_SOURCE_TYPE_SIGNAL, (uintptr_t)number, 0, queue);
	dispatch_source_set_event_handler(sources[number], ^{
		stopMachine();
	});
	dispatch_activate(sources[number]);
}

/* --- Arguments ----------------------------------------------------------- */

static void usage(void) __attribute__((noreturn));

static void usage(void)
{
	fprintf(stderr,
		"usage: vm [--network NAME[,mac=ADDRESS]]... [--cpus N] "
		"[--memory MIB]\n"
		"          [--identity FILE] [--disk FILE]\n"
		"          [--kernel FILE [--initrd FILE] "
		"[--command-line TEXT]]\n"
		"Without a kernel the disk is booted, by EFI.\n");
	exit(2);
}

static unsigned long long parseNumber(const char *text)
{
	char *end = NULL;
	unsigned long long number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || number == 0 ||
		number > 1024 * 1024) {
		fprintf(stderr, "vm: not a number from 1: %s\n", text);
		usage();
	}
	return number;
}

static void parseOption(int option, const char *argument)
{
	NSString *text = argument == NULL
		? nil
		: [[NSString alloc] initWithUTF8String:argument];

	switch (option) {
	case 'n':
		[options.networks addObject:text];
		break;
	case 'k':
		options.kernel = text;
		break;
	case 'i':
		options.initrd = text;
		break;
	case 'c':
		options.commandLine = text;
		break;
	case 'd':
		options.disk = text;
		break;
	case 'I':
		options.identity = text;
		break;
	case 'p':
		options.cpus = (unsigned)parseNumber(argument);
		break;
	case 'm':
		options.memory = parseNumber(argument);
		break;
	default:
		usage();
	}
}

static void parse(int argc, char *argv[])
{
	static const struct option names[] = {
		{"network", required_argument, NULL, 'n'},
		{"kernel", required_argument, NULL, 'k'},
		{"initrd", required_argument, NULL, 'i'},
		{"command-line", required_argument, NULL, 'c'},
		{"disk", required_argument, NULL, 'd'},
		{"identity", required_argument, NULL, 'I'},
		{"cpus", required_argument, NULL, 'p'},
		{"memory", required_argument, NULL, 'm'},
		{NULL, 0, NULL, 0},
	};
	int option = 0;

	options.networks = [[NSMutableArray alloc] init];
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		parseOption(option, optarg);
	}
	if (optind != argc || (options.kernel == nil && options.disk == nil)) {
		usage();
	}
}

int main(int argc, char *argv[])
{
	@autoreleasepool {
		parse(argc, argv);
		checkSystem();

		queue = dispatch_queue_create("vm", DISPATCH_QUEUE_SERIAL);
		delegate = [[Delegate alloc] init];
		machine = [[VZVirtualMachine alloc]
			initWithConfiguration:createConfiguration()
					queue:queue];
		dispatch_sync(queue, ^{
			machine.delegate = delegate;
		});
		terminalMakeRaw();
		stopOn(SIGINT);
		stopOn(SIGTERM);
		stopOn(SIGHUP);
		dispatch_async(queue, ^{
			startMachine();
		});
	}
	dispatch_main();
}
