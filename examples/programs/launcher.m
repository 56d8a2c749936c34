// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: run a Linux VM with Virtualization.framework on broker networks.
 *
 * The smaller example is ../vm.m; this is a program for daily use.
 *
 * What to learn here, in this order; launcher/launcher.h lists the files:
 *
 * 1. Hold each network, make it a vmnet_network_ref of this process, and attach
 *   a virtio network device to it. The packets then never pass user code. When
 *   the broker dies, its networks die with it, and the hold reports LOST. The
 *   SDK asks again; when there is a new network (GRANTED with another
 *   generation), attach the running VM to it. The guest sees its link go down
 *   and up, and keeps its MAC address. Nothing else in a launcher is specific
 *   to vmnet-broker (networks.m, identity.m).
 * 2. Configure the VM: boot from a kernel and an initial RAM disk, or by EFI
 *    from a disk image; the console is standard input and output of this
 *    process (configuration.m).
 * 3. Run it on a serial queue, on which everything about it happens
 *    (machine.m).
 * 4. Stop it on SIGINT and SIGTERM: first ask the guest to stop; after ten
 *   seconds, stop the VM (machine.m).
 * 5. Restore the terminal on every exit except by SIGKILL (terminal.m).
 *
 * The networks are held as long as this process runs. The process must run
 * until the VM has stopped; then it does not have to release anything.
 *
 * Needs macOS 26.2: 26.0 and 26.1 let a process attach only to networks that
 * its own executable created, and a VM on a network of the broker does not
 * start.
 *
 * Build it, and sign it with the entitlement that Virtualization and vmnet
 * require:
 *
 *	cc -fobjc-arc -o launcher launcher.m launcher/[a-z]*.m \
 *		../../client/vmnet-broker.c -I../../client \
 *		-framework Foundation -framework Virtualization \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - \
 *		--entitlements ../../broker/vmnet-broker.entitlements launcher
 *
 * (That file contains only com.apple.security.virtualization: if the program
 * also had com.apple.vm.networking, macOS would kill it.)
 *
 * Run it:
 *
 *	$ launcher --network default --network host,mac=52:54:00:5e:10:02 \
 *		--kernel kernel --initrd initrd --command-line console=hvc0
 *	launcher: default: 52:54:00:9a:41:77
 *	launcher: host: 52:54:00:5e:10:02
 *	launcher: running
 *	…
 *	launcher: stopped
 *
 * A network without mac= gets a random address. With --identity FILE the
 * addresses are stored in FILE, so that the VM has the same addresses when it
 * is started again. Two VMs with the same addresses would conflict: while one
 * uses FILE, another one with the same FILE is refused (by locking FILE.lock).
 * Ctrl-C asks the guest to stop, and a second Ctrl-C stops the VM immediately;
 * all other keys go to the guest, unless launcher runs in the background
 * (launcher &), where the guest has no input. With nohup the VM keeps running
 * after the terminal is closed.
 *
 * The exit status is 0 when the guest stopped, 1 when the VM failed or had to
 * be stopped, 2 if the arguments are wrong.
 */

#import "launcher/launcher.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE 2

struct options options = { .cpus = 1, .memory = 512 };

static void sayList(NSString *format, va_list args)
{
	@autoreleasepool {
		NSString *text = [[NSString alloc] initWithFormat:format
							arguments:args];
		fprintf(stderr, "launcher: %s\n", [text UTF8String]);
	}
}

void say(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	sayList(format, args);
	va_end(args);
}

/* exit() restores the terminal. */
void fail(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	sayList(format, args);
	va_end(args);
	exit(EXIT_FAILURE);
}

void usageError(NSString *format, ...)
{
	va_list args;

	va_start(args, format);
	sayList(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

static void checkSystem(void)
{
	NSOperatingSystemVersion needed = { 26, 2, 0 };

	if (![[NSProcessInfo processInfo]
		isOperatingSystemAtLeastVersion:needed]) {
		fail(@"macOS 26.2 or later is needed");
	}
	if (![VZVirtualMachine isSupported]) {
		fail(@"this Mac does not support virtualization");
	}
}

/* --- The arguments ------------------------------------------------------- */

static void usage(FILE *file)
{
	fprintf(file,
	    "usage: launcher [--network NAME[,mac=ADDRESS]]... [--cpus N] "
	    "[--memory MIB]\n"
	    "                [--identity FILE] [--disk FILE]\n"
	    "                [--kernel FILE [--initrd FILE] "
	    "[--command-line TEXT]]\n"
	    "\n"
	    "Run a Linux VM on networks of vmnet-broker.\n"
	    "\n"
	    "  --network NAME[,mac=ADDRESS]\n"
	    "                       attach the VM to this network "
	    "(default: none)\n"
	    "  --identity FILE      keep the MAC addresses in FILE "
	    "(default: random)\n"
	    "  --kernel FILE        boot this kernel "
	    "(default: boot the disk by EFI)\n"
	    "  --initrd FILE        initial RAM disk (default: none)\n"
	    "  --command-line TEXT  kernel command line (default: empty)\n"
	    "  --disk FILE          raw disk image (default: none)\n"
	    "  --cpus N             number of CPUs (default: 1)\n"
	    "  --memory MIB         size of the memory (default: 512)\n"
	    "  -h, --help           print this text\n");
}

static void wrongUsage(void) __attribute__((noreturn));

static void wrongUsage(void)
{
	usage(stderr);
	exit(EXIT_USAGE);
}

/* The VM has narrower limits, see checkSize(). */
static unsigned long long parseNumber(const char *option, const char *text)
{
	const unsigned long long most = 1024 * 1024;
	char *end = NULL;
	unsigned long long number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || number == 0 ||
	    number > most) {
		usageError(@"--%s: must be 1 to %llu (got \"%s\")", option,
		    most, text);
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
			usageError(@"--network %@: mac must be a unicast "
				   @"address, like 52:54:00:12:34:56 "
				   @"(got \"%@\")",
			    name, address);
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
		usageError(@"an argument is not valid UTF-8");
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
		options.cpus = (unsigned)parseNumber("cpus", argument);
		break;
	case 'm':
		options.memory = parseNumber("memory", argument);
		break;
	case 'h':
		usage(stdout);
		exit(EXIT_SUCCESS);
	default:
		wrongUsage();
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
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;

	options.networks = [[NSMutableArray alloc] init];
	options.addresses = [[NSMutableArray alloc] init];
	for (;;) {
		option = getopt_long(argc, argv, "h", names, NULL);
		if (option == -1) {
			break;
		}
		parseOption(option, optarg);
	}
	if (optind != argc || (options.kernel == nil && options.disk == nil)) {
		wrongUsage();
	}
	if (options.kernel == nil &&
	    (options.initrd != nil || options.commandLine != nil)) {
		usageError(@"--initrd and --command-line need --kernel");
	}
}

int main(int argc, char *argv[])
{
	@autoreleasepool {
		openStandardDescriptors();
		parse(argc, argv);
		checkSystem();

		queue = dispatch_queue_create("vm", DISPATCH_QUEUE_SERIAL);
		holdNetworks();
		dispatch_sync(queue, ^{
			@autoreleasepool {
				createMachine();
			}
		});
		stopOnSignals();
		terminalMakeRaw();
		dispatch_async(queue, ^{
			startMachine();
		});
	}
	dispatch_main();
}
