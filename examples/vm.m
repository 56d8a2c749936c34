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
 * 5. Leave the terminal as it was, on every way out but kill -9.
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
 *	codesign --force --sign - \
 *		--entitlements ../broker/vmnet-broker.entitlements vm
 *
 * (The one key in there is com.apple.security.virtualization: with
 * com.apple.vm.networking beside it macOS kills the program.)
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
 * A card without mac= gets a random address; with --identity FILE the addresses
 * are kept in FILE, and a VM that is started again has its old ones. Ctrl-C
 * stops the VM, a second one at once; all other keys are the guest's.
 *
 * The exit status is 0 when the guest stopped, 1 when the VM failed or had to
 * be stopped, 2 for a mistake in the arguments.
 */

#import <Foundation/Foundation.h>
#import <Virtualization/Virtualization.h>

#include <dispatch/dispatch.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

#define MIB (1024 * 1024ULL)

#define EXIT_USAGE 2

/* A guest that has not stopped by then does not listen. */
#define STOP_TIMEOUT (10 * NSEC_PER_SEC)

static struct {
	NSString *kernel;
	NSString *initrd;
	NSString *commandLine;
	NSString *disk;
	NSString *identity;
	NSMutableArray *networks;  /* of NSString: their names */
	NSMutableArray *addresses; /* of NSString: their mac=, or "" */
	unsigned cpus;
	unsigned long long memory; /* MiB */
} options = { .cpus = 1, .memory = 512 };

/* Says something to the person; the console has standard output. */
static void say(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2);

static void sayList(NSString *format, va_list args)
{
	@autoreleasepool {
		NSString *text = [[NSString alloc] initWithFormat:format
							arguments:args];
		fprintf(stderr, "vm: %s\n", [text UTF8String]);
	}
}

static void say(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	sayList(format, args);
	va_end(args);
}

/* For whatever goes wrong. exit() runs terminalRestore(). */
static void fail(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2)
    __attribute__((noreturn));

static void fail(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	sayList(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

/* For what is wrong with the arguments. */
static void mistake(NSString *format, ...) NS_FORMAT_FUNCTION(1, 2)
    __attribute__((noreturn));

static void mistake(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	sayList(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

/* --- 5. The terminal ----------------------------------------------------- */

static struct termios savedTerminal;
static volatile sig_atomic_t terminalIsRaw;

/* Only calls what a signal handler may call. */
static void terminalRestore(void)
{
	if (terminalIsRaw) {
		terminalIsRaw = 0;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &savedTerminal);
	}
}

/* A crash ends the process as ever, but after this. */
static void terminalRestoreOn(int number)
{
	terminalRestore();
	raise(number); /* SA_RESETHAND: the second time it is deadly */
}

static void terminalRestoreOnCrash(void)
{
	static const int crashes[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
		SIGTRAP };
	struct sigaction action = { .sa_flags = (int)SA_RESETHAND };

	action.sa_handler = terminalRestoreOn;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		sigaction(crashes[i], &action, NULL);
	}
}

/*
 * What is typed goes to the guest as it is, one byte at a time, and the guest
 * echoes it. Only Ctrl-C stays ours: Ctrl-Z and Ctrl-\ would leave the
 * terminal raw. In the background the terminal belongs to somebody else.
 */
static void terminalMakeRaw(void)
{
	if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &savedTerminal) != 0) {
		return;
	}
	struct termios raw = savedTerminal;
	raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	raw.c_cc[VQUIT] = _POSIX_VDISABLE;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	/* Before the change: then no way out leaves a raw terminal. */
	atexit(terminalRestore);
	terminalRestoreOnCrash();
	terminalIsRaw = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) {
		fail(@"cannot make the terminal raw");
	}
}

/* --- 1. Networks --------------------------------------------------------- */

static void checkSystem(void)
{
	NSOperatingSystemVersion needed = { 26, 2, 0 };

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
		fail(@"network %@: %s", name, vmnet_broker_last_reason());
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

/* Nil unless the text is the address of one card: six pairs of digits. */
static VZMACAddress *parseMACAddress(NSString *text)
{
	VZMACAddress *address = [[VZMACAddress alloc] initWithString:text];

	return address != nil && [address isUnicastAddress] ? address : nil;
}

/* The addresses in the file --identity, as text, one for each card. */
static NSMutableArray *readIdentity(void)
{
	NSMutableArray *addresses = [NSMutableArray array];

	if (options.identity == nil ||
	    ![[NSFileManager defaultManager]
		fileExistsAtPath:options.identity]) {
		return addresses;
	}
	[addresses
	    addObjectsFromArray:[NSArray
				    arrayWithContentsOfFile:options.identity]];
	for (id text in addresses) {
		if (![text isKindOfClass:[NSString class]] ||
		    parseMACAddress(text) == nil) {
			[addresses removeAllObjects];
			break;
		}
	}
	if ([addresses count] == 0) {
		fail(@"%@: holds no MAC addresses; remove it to have new ones",
		    options.identity);
	}
	return addresses;
}

/* One card for each --network. A guest's leases follow its MAC addresses:
 * given by mac=, or kept from the last time, or else random. */
static NSArray *createCards(void)
{
	NSMutableArray *cards = [NSMutableArray array];
	NSMutableArray *kept = readIdentity();

	for (NSUInteger i = 0; i < [options.networks count]; i++) {
		NSString *name = [options.networks objectAtIndex:i];
		NSString *given = [options.addresses objectAtIndex:i];
		VZMACAddress *address =
		    [VZMACAddress randomLocallyAdministeredAddress];
		if ([given length] > 0) {
			address = parseMACAddress(given);
		} else if (i < [kept count]) {
			address = parseMACAddress([kept objectAtIndex:i]);
		}
		[cards addObject:createCard(name, address)];
		if (i < [kept count]) {
			[kept replaceObjectAtIndex:i
					withObject:[address string]];
		} else {
			[kept addObject:[address string]];
		}
		say(@"%@: %@", name, [address string]);
	}
	if (options.identity != nil && [kept count] > 0 &&
	    ![kept writeToFile:options.identity atomically:YES]) {
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
 * one the VM starts and says nothing. (An amd64 bzImage unpacks itself.) */
static void checkKernel(NSString *path)
{
	char start[8] = "";
	int fd = open([path fileSystemRepresentation], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, start, sizeof(start)) != sizeof(start)) {
		fail(@"cannot read %@", path);
	}
	close(fd);
	if (memcmp(start, "\x1f\x8b", 2) == 0) {
		fail(@"%@ is compressed: gunzip it first", path);
	}
	if (memcmp(start + 4, "zimg", 4) == 0) {
		fail(@"%@ is compressed, for EFI only: boot its disk", path);
	}
}

static VZBootLoader *createLinuxBootLoader(void)
{
	checkKernel(options.kernel);
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
	loader.variableStore =
	    [[VZEFIVariableStore alloc] initCreatingVariableStoreAtURL:url
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
	return
	    [[VZVirtioBlockDeviceConfiguration alloc] initWithAttachment:image];
}

static VZSerialPortConfiguration *createConsole(void)
{
	VZVirtioConsoleDeviceSerialPortConfiguration *console =
	    [[VZVirtioConsoleDeviceSerialPortConfiguration alloc] init];

	console.attachment = [[VZFileHandleSerialPortAttachment alloc]
	    initWithFileHandleForReading:[NSFileHandle
					     fileHandleWithStandardInput]
		    fileHandleForWriting:[NSFileHandle
					     fileHandleWithStandardOutput]];
	return console;
}

static void checkSize(VZVirtualMachineConfiguration *configuration)
{
	uint64_t memoryMin =
	    [VZVirtualMachineConfiguration minimumAllowedMemorySize];
	uint64_t memoryMax =
	    [VZVirtualMachineConfiguration maximumAllowedMemorySize];
	NSUInteger cpuMin =
	    [VZVirtualMachineConfiguration minimumAllowedCPUCount];
	NSUInteger cpuMax =
	    [VZVirtualMachineConfiguration maximumAllowedCPUCount];

	if (configuration.memorySize < memoryMin ||
	    configuration.memorySize > memoryMax) {
		mistake(@"--memory must be from %llu to %llu here",
		    memoryMin / MIB, memoryMax / MIB);
	}
	if (configuration.CPUCount < cpuMin ||
	    configuration.CPUCount > cpuMax) {
		mistake(@"--cpus must be from %lu to %lu here",
		    (unsigned long)cpuMin, (unsigned long)cpuMax);
	}
}

static VZVirtualMachineConfiguration *createConfiguration(void)
{
	VZVirtualMachineConfiguration *configuration =
	    [[VZVirtualMachineConfiguration alloc] init];
	NSError *error = nil;

	configuration.CPUCount = options.cpus;
	configuration.memorySize = options.memory * MIB;
	checkSize(configuration);
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
	    arrayWithObject:[[VZVirtioEntropyDeviceConfiguration alloc] init]];
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
	static BOOL pulled;

	if (pulled) {
		return;
	}
	if (![machine canStop]) {
		fail(@"stopped before it was running");
	}
	pulled = YES;
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

	if (asked || ![machine canRequestStop]) {
		pullPlug();
		return;
	}
	asked = YES;
	if (![machine requestStopWithError:&error]) {
		say(@"cannot ask the guest: %@", [error localizedDescription]);
		pullPlug();
		return;
	}
	say(@"stopping");
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, STOP_TIMEOUT), queue, ^{
		pullPlug();
	});
}

static void stopOn(int number)
{
	static dispatch_source_t sources[NSIG];

	/* The source sees it all the same, and the process lives. */
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
	exit(EXIT_USAGE);
}

static unsigned long long parseNumber(const char *text)
{
	char *end = NULL;
	unsigned long long number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || number == 0 ||
	    number > 1024 * 1024) {
		mistake(@"not a number from 1: %s", text);
	}
	return number;
}

/* NAME or NAME,mac=ADDRESS */
static void parseNetwork(NSString *text)
{
	NSRange mac = [text rangeOfString:@",mac="];
	NSString *name = text;
	NSString *address = @"";

	if (mac.location != NSNotFound) {
		name = [text substringToIndex:mac.location];
		address = [text substringFromIndex:NSMaxRange(mac)];
		if (parseMACAddress(address) == nil) {
			mistake(@"not the MAC address of a card: %@", address);
		}
	}
	[options.networks addObject:name];
	[options.addresses addObject:address];
}

static void parseOption(int option, const char *argument)
{
	NSString *text = argument == NULL
	    ? @""
	    : [[NSString alloc] initWithUTF8String:argument];

	if (text == nil) {
		mistake(@"an argument is not UTF-8");
	}
	switch (option) {
	case 'n':
		parseNetwork(text);
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
		{ "network", required_argument, NULL, 'n' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "command-line", required_argument, NULL, 'c' },
		{ "disk", required_argument, NULL, 'd' },
		{ "identity", required_argument, NULL, 'I' },
		{ "cpus", required_argument, NULL, 'p' },
		{ "memory", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;

	options.networks = [[NSMutableArray alloc] init];
	options.addresses = [[NSMutableArray alloc] init];
	for (;;) {
		option = getopt_long(argc, argv, "", names, NULL);
		if (option == -1) {
			break;
		}
		parseOption(option, optarg);
	}
	if (optind != argc || (options.kernel == nil && options.disk == nil)) {
		usage();
	}
	if (options.kernel == nil &&
	    (options.initrd != nil || options.commandLine != nil)) {
		mistake(@"--initrd and --command-line need a --kernel");
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
		stopOn(SIGINT);
		stopOn(SIGTERM);
		stopOn(SIGHUP);
		stopOn(SIGQUIT);
		terminalMakeRaw();
		dispatch_async(queue, ^{
			startMachine();
		});
	}
	dispatch_main();
}
