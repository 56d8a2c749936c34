// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "qemu.h"
#include "qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xpc/xpc.h>

#include "../vmnet/vmnet-standin.h"

#define MIB (1024 * 1024ULL)
#define MAX_INTERFACES 16

/* The magic number of an arm64 kernel. */
#define ARM64_MAGIC_OFFSET 0x38
#define ARM64_MAGIC "ARM\x64"

#define EFI_CODE @"/usr/share/OVMF/OVMF_CODE_4M.fd"

struct standin_machine {
	id<StandinMachineOwner> owner;
	VZVirtualMachineConfiguration *configuration;
	pthread_t thread;
	dispatch_queue_t queue; /* of the interfaces */
	dispatch_queue_t plugs; /* changes QEMU after the start */
	NSArray *attachments;   /* at the start, NSNull for none */
	interface_ref interfaces[MAX_INTERFACES]; /* NULL: unplugged */
	BOOL ended;                               /* used on plugs */
	struct qmp *qmp;
	int monitor_peer;     /* QEMU's end of its socket, -1 once it has it */
	pthread_mutex_t lock; /* of pid */
	pid_t pid;            /* 0 before and after QEMU */
};

/* --- Interfaces ---------------------------------------------------------- */

/* The descriptor of a network interface that is on a datagram socket, or -1.
 * Such an interface has no tap and cannot be unplugged. */
static int socket_of(struct standin_machine *machine, NSUInteger number)
{
	id attachment = [machine->attachments objectAtIndex:number];

	return [attachment
		   isKindOfClass:[VZFileHandleNetworkDeviceAttachment class]]
	    ? [[attachment fileHandle] fileDescriptor]
	    : -1;
}

static BOOL start_interface(struct standin_machine *machine, NSUInteger number,
    VZNetworkDeviceAttachment *attachment)
{
	/* A socket can only be attached at the start. */
	if (![attachment
		isKindOfClass:[VZVmnetNetworkDeviceAttachment class]]) {
		return NO;
	}
	dispatch_semaphore_t started = dispatch_semaphore_create(0);
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	__block vmnet_return_t result = VMNET_FAILURE;
	interface_ref interface;

	/* The same settings as Apple's network devices. */
	xpc_dictionary_set_bool(description, vmnet_enable_tso_key, true);
	xpc_dictionary_set_bool(
	    description, vmnet_enable_checksum_offload_key, true);
	interface = vmnet_interface_start_with_network(
	    ((VZVmnetNetworkDeviceAttachment *)attachment).network, description,
	    machine->queue, ^(vmnet_return_t status, xpc_object_t parameters) {
		    (void)parameters;
		    result = status;
		    dispatch_semaphore_signal(started);
	    });

	xpc_release(description);
	if (interface != NULL) {
		dispatch_semaphore_wait(started, DISPATCH_TIME_FOREVER);
	}
	dispatch_release(started);
	if (interface == NULL || result != VMNET_SUCCESS) {
		return NO;
	}
	machine->interfaces[number] = interface;
	return YES;
}

static void stop_interface(struct standin_machine *machine, NSUInteger number)
{
	dispatch_semaphore_t stopped = dispatch_semaphore_create(0);

	if (machine->interfaces[number] != NULL &&
	    vmnet_stop_interface(machine->interfaces[number], machine->queue,
		^(vmnet_return_t status) {
			(void)status;
			dispatch_semaphore_signal(stopped);
		}) == VMNET_SUCCESS) {
		dispatch_semaphore_wait(stopped, DISPATCH_TIME_FOREVER);
	}
	machine->interfaces[number] = NULL;
	dispatch_release(stopped);
}

/* --- Cables -------------------------------------------------------------- */

/*
 * QEMU never changes what a network interface is connected to. So interface N
 * is always on the port portN of a hub of its own, and its tap device, tapN, is
 * plugged into and out of another port, plugN.
 */

static BOOL set_link(
    struct standin_machine *machine, NSUInteger number, BOOL connected)
{
	return qmp_execute(machine->qmp, -1,
	    "{'execute':'set_link',"
	    "'arguments':{'name':'port%lu','up':%s}}\n",
	    (unsigned long)number, connected ? "true" : "false");
}

static BOOL plug(struct standin_machine *machine, NSUInteger number)
{
	unsigned long n = number;

	return qmp_execute(machine->qmp,
		   standin_vmnet_interface_descriptor(
		       machine->interfaces[number]),
		   "{'execute':'getfd','arguments':{'fdname':'fd%lu'}}\n", n) &&
	    qmp_execute(machine->qmp, -1,
		"{'execute':'netdev_add','arguments':"
		"{'type':'tap','id':'tap%lu','fd':'fd%lu'}}\n",
		n, n) &&
	    qmp_execute(machine->qmp, -1,
		"{'execute':'netdev_add','arguments':{'type':'hubport',"
		"'id':'plug%lu','hubid':%lu,'netdev':'tap%lu'}}\n",
		n, n, n) &&
	    set_link(machine, number, YES);
}

static void unplug(struct standin_machine *machine, NSUInteger number)
{
	if (machine->interfaces[number] == NULL) {
		return;
	}
	set_link(machine, number, NO);
	qmp_execute(machine->qmp, -1,
	    "{'execute':'netdev_del','arguments':{'id':'plug%lu'}}\n",
	    (unsigned long)number);
	qmp_execute(machine->qmp, -1,
	    "{'execute':'netdev_del','arguments':{'id':'tap%lu'}}\n",
	    (unsigned long)number);
	stop_interface(machine, number);
}

static void replug(struct standin_machine *machine, NSUInteger number,
    VZNetworkDeviceAttachment *attachment)
{
	if (machine->ended) {
		return;
	}
	unplug(machine, number);
	if (attachment == nil) {
		return;
	}
	if (!start_interface(machine, number, attachment)) {
		[machine->owner machineInterface:number didLose:attachment];
	} else if (!plug(machine, number)) {
		unplug(machine, number);
		[machine->owner machineInterface:number didLose:attachment];
	}
}

/* --- Arguments ----------------------------------------------------------- */

static BOOL is_arm64(NSString *kernel)
{
	char magic[4] = "";
	int fd = open([kernel fileSystemRepresentation], O_RDONLY | O_CLOEXEC);

	if (fd != -1) {
		if (pread(fd, magic, sizeof(magic), ARM64_MAGIC_OFFSET) < 4) {
			magic[0] = '\0';
		}
		close(fd);
	}
	return memcmp(magic, ARM64_MAGIC, sizeof(magic)) == 0;
}

/* Commas separate QEMU's options; a comma inside an option is doubled. */
static NSString *quote(NSString *path)
{
	return [[path componentsSeparatedByString:@","]
	    componentsJoinedByString:@",,"];
}

static void add(NSMutableArray *arguments, NSString *option, NSString *value)
{
	[arguments addObject:option];
	[arguments addObject:value];
}

static void add_boot(NSMutableArray *arguments, VZBootLoader *loader)
{
	BOOL linux_boot = [loader isKindOfClass:[VZLinuxBootLoader class]];
	VZLinuxBootLoader *kernel = (VZLinuxBootLoader *)loader;

	if (linux_boot && is_arm64([kernel.kernelURL path])) {
		[arguments addObject:@"qemu-system-aarch64"];
		add(arguments, @"-M", @"virt");
		add(arguments, @"-cpu", @"cortex-a57");
	} else {
		[arguments addObject:@"qemu-system-x86_64"];
		add(arguments, @"-M", @"q35");
		add(arguments, @"-cpu", @"max");
	}
	if (linux_boot) {
		add(arguments, @"-kernel", [kernel.kernelURL path]);
		add(arguments, @"-append", kernel.commandLine);
		if (kernel.initialRamdiskURL != nil) {
			add(arguments, @"-initrd",
			    [kernel.initialRamdiskURL path]);
		}
		return;
	}
	add(arguments, @"-drive",
	    @"if=pflash,format=raw,readonly=on,file=" EFI_CODE);
	VZEFIVariableStore *store = ((VZEFIBootLoader *)loader).variableStore;
	if (store != nil) {
		add(arguments, @"-drive",
		    [@"if=pflash,format=raw,file="
			stringByAppendingString:quote([store.URL path])]);
	}
}

/* A network interface on its port, and its connection on another; see
 * plug(). */
static void add_interface(NSMutableArray *arguments,
    struct standin_machine *machine, unsigned n,
    VZNetworkDeviceConfiguration *config)
{
	if (machine->interfaces[n] != NULL) {
		add(arguments, @"-netdev",
		    [NSString stringWithFormat:@"tap,id=tap%u,fd=%d", n,
			      standin_vmnet_interface_descriptor(
				  machine->interfaces[n])]);
		add(arguments, @"-netdev",
		    [NSString stringWithFormat:
				  @"hubport,id=plug%u,hubid=%u,netdev=tap%u", n,
			      n, n]);
	}
	int socket = socket_of(machine, n);
	add(arguments, @"-netdev",
	    socket != -1
		? [NSString stringWithFormat:
				@"dgram,id=port%u,local.type=fd,local.str=%d",
			    n, socket]
		: [NSString
		      stringWithFormat:@"hubport,id=port%u,hubid=%u", n, n]);
	add(arguments, @"-device",
	    [NSString stringWithFormat:@"virtio-net-pci,netdev=port%u,mac=%@",
		      n, [config.MACAddress string]]);
}

static void add_disks(NSMutableArray *arguments, NSArray *disks)
{
	for (NSUInteger i = 0; i < [disks count]; i++) {
		VZStorageDeviceConfiguration *disk = [disks objectAtIndex:i];
		VZDiskImageStorageDeviceAttachment *image =
		    (VZDiskImageStorageDeviceAttachment *)disk.attachment;
		add(arguments, @"-drive",
		    [NSString stringWithFormat:@"if=none,id=disk%u,format="
					       @"raw,readonly=%s,"
					       @"file=%@",
			      (unsigned)i, image.readOnly ? "on" : "off",
			      quote([image.URL path])]);
		add(arguments, @"-device",
		    [NSString stringWithFormat:@"virtio-blk-pci,drive=disk%u",
			      (unsigned)i]);
	}
}

static NSArray *create_arguments(struct standin_machine *machine)
{
	VZVirtualMachineConfiguration *config = machine->configuration;
	NSMutableArray *arguments = [NSMutableArray array];

	/* Ends with the thread that spawns it. */
	[arguments addObject:@"setpriv"];
	add(arguments, @"--pdeathsig", @"KILL");
	add_boot(arguments, config.bootLoader);
	add(arguments, @"-m",
	    [NSString stringWithFormat:@"%llu",
		      (unsigned long long)(config.memorySize / MIB)]);
	add(arguments, @"-smp",
	    [NSString stringWithFormat:@"%u", (unsigned)config.CPUCount]);
	[arguments addObject:@"-nodefaults"];
	add(arguments, @"-display", @"none");
	add(arguments, @"-chardev",
	    [NSString stringWithFormat:@"socket,id=monitor,fd=%d",
		      machine->monitor_peer]);
	add(arguments, @"-mon", @"chardev=monitor,mode=control");
	if ([config.serialPorts count] > 0) {
		add(arguments, @"-device", @"virtio-serial-pci");
		add(arguments, @"-chardev", @"stdio,id=console");
		add(arguments, @"-device", @"virtconsole,chardev=console");
	}
	if ([config.entropyDevices count] > 0) {
		add(arguments, @"-device", @"virtio-rng-pci");
	}
	add_disks(arguments, config.storageDevices);
	for (NSUInteger i = 0; i < [config.networkDevices count]; i++) {
		add_interface(arguments, machine, (unsigned)i,
		    [config.networkDevices objectAtIndex:i]);
	}
	return arguments;
}

/* --- The process --------------------------------------------------------- */

static void inherit(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC);
}

static void add_console(
    posix_spawn_file_actions_t *actions, NSArray *serial_ports)
{
	VZSerialPortConfiguration *port =
	    [serial_ports count] > 0 ? [serial_ports objectAtIndex:0] : nil;
	VZFileHandleSerialPortAttachment *handles =
	    (VZFileHandleSerialPortAttachment *)port.attachment;
	NSFileHandle *input = handles.fileHandleForReading;
	NSFileHandle *output = handles.fileHandleForWriting;

	if (input != nil) {
		posix_spawn_file_actions_adddup2(
		    actions, [input fileDescriptor], STDIN_FILENO);
	} else {
		posix_spawn_file_actions_addopen(
		    actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	}
	if (output != nil) {
		posix_spawn_file_actions_adddup2(
		    actions, [output fileDescriptor], STDOUT_FILENO);
	} else {
		posix_spawn_file_actions_addopen(
		    actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	}
}

/* QEMU has its own session: the launcher handles Ctrl-C, and a process without
 * a controlling terminal may read from any. */
static int spawn(struct standin_machine *machine, NSArray *arguments)
{
	NSUInteger count = [arguments count];
	char **argv = calloc(count + 1, sizeof(*argv));
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	pid_t pid = 0;

	if (argv == NULL) {
		return ENOMEM;
	}
	for (NSUInteger i = 0; i < count; i++) {
		argv[i] = (char *)[[arguments objectAtIndex:i] UTF8String];
	}
	inherit(machine->monitor_peer);
	for (NSUInteger i = 0; i < [machine->attachments count]; i++) {
		if (socket_of(machine, i) != -1) {
			inherit(socket_of(machine, i));
		} else if (machine->interfaces[i] != NULL) {
			inherit(standin_vmnet_interface_descriptor(
			    machine->interfaces[i]));
		}
	}
	posix_spawn_file_actions_init(&actions);
	add_console(&actions, machine->configuration.serialPorts);
	posix_spawnattr_init(&attributes);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	posix_spawnattr_setflags(&attributes,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSID);
	int error =
	    posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(argv);
	if (error == 0) {
		pthread_mutex_lock(&machine->lock);
		machine->pid = pid;
		pthread_mutex_unlock(&machine->lock);
	}
	return error;
}

/* Returns nil when the guest powered off. */
static NSString *wait_for_end(struct standin_machine *machine)
{
	pid_t pid = machine->pid; /* only this thread changes it */
	siginfo_t info;
	int status = 0;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == -1 &&
	    errno == EINTR) {
		continue;
	}
	/* A process that was reaped must not be signalled. */
	pthread_mutex_lock(&machine->lock);
	machine->pid = 0;
	pthread_mutex_unlock(&machine->lock);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		return nil;
	}
	return [NSString stringWithFormat:@"Internal Virtualization error. "
					  @"QEMU ended with status %d.",
			 status];
}

/* Nil, or why the machine cannot start. */
static NSString *start_interfaces(struct standin_machine *machine)
{
	NSUInteger count = [machine->attachments count];

	for (NSUInteger i = 0; i < count; i++) {
		id attachment = [machine->attachments objectAtIndex:i];
		if (i == MAX_INTERFACES ||
		    (attachment != [NSNull null] &&
			socket_of(machine, i) == -1 &&
			!start_interface(machine, i, attachment))) {
			return @"Internal Virtualization error. Internal "
			       @"Network Error.";
		}
	}
	return nil;
}

static BOOL start_monitor(struct standin_machine *machine)
{
	NSUInteger count = [machine->attachments count];
	BOOL ok =
	    qmp_execute(machine->qmp, -1, "{'execute':'qmp_capabilities'}\n");

	for (NSUInteger i = 0; ok && i < count; i++) {
		ok = machine->interfaces[i] != NULL ||
		    socket_of(machine, i) != -1 || set_link(machine, i, NO);
	}
	return ok;
}

/* Nil, or why there is no QEMU. */
static NSString *start(struct standin_machine *machine)
{
	NSString *text = start_interfaces(machine);

	if (text != nil) {
		return text;
	}
	int error = spawn(machine, create_arguments(machine));
	close(machine->monitor_peer);
	machine->monitor_peer = -1;
	if (error != 0) {
		return [NSString stringWithFormat:@"cannot run setpriv and "
						  @"QEMU: %s",
				 strerror(error)];
	}
	if (start_monitor(machine)) {
		[machine->owner machineDidStart];
		return nil;
	}
	standin_machine_kill(machine);
	text = wait_for_end(machine);
	return text != nil ? text : @"Internal Virtualization error.";
}

static void *machine_thread(void *context)
{
	struct standin_machine *machine = context;

	@autoreleasepool {
		NSString *text = start(machine);
		dispatch_resume(machine->plugs);
		if (text == nil) {
			text = wait_for_end(machine);
		}
		dispatch_sync(machine->plugs, ^{
			machine->ended = YES;
			for (NSUInteger i = 0; i < MAX_INTERFACES; i++) {
				stop_interface(machine, i);
			}
		});
		[machine->owner machineDidEnd:text];
	}
	return NULL;
}

struct standin_machine *standin_machine_start(id<StandinMachineOwner> owner,
    VZVirtualMachineConfiguration *config, NSArray *attachments)
{
	struct standin_machine *machine = calloc(1, sizeof(*machine));
	int fds[2];

	if (machine == NULL) {
		return NULL;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1) {
		free(machine);
		return NULL;
	}
	pthread_mutex_init(&machine->lock, NULL);
	machine->qmp = qmp_create(fds[0]);
	machine->monitor_peer = fds[1];
	machine->owner = owner;
	[(NSObject *)owner retain];
	machine->configuration = [config retain];
	machine->attachments = [attachments retain];
	machine->queue = dispatch_queue_create("virtualization", NULL);
	machine->plugs = dispatch_queue_create("virtualization.plugs", NULL);
	dispatch_suspend(machine->plugs);
	if (machine->qmp == NULL ||
	    pthread_create(&machine->thread, NULL, machine_thread, machine) !=
		0) {
		machine->thread = 0;
		dispatch_resume(machine->plugs);
		standin_machine_destroy(machine);
		return NULL;
	}
	return machine;
}

void standin_machine_power_button(struct standin_machine *machine)
{
	dispatch_async(machine->plugs, ^{
		if (!machine->ended) {
			qmp_execute(machine->qmp, -1,
			    "{'execute':'system_powerdown'}\n");
		}
	});
}

void standin_machine_plug(struct standin_machine *machine, NSUInteger number,
    VZNetworkDeviceAttachment *attachment)
{
	[attachment retain];
	dispatch_async(machine->plugs, ^{
		@autoreleasepool {
			replug(machine, number, attachment);
		}
		[attachment release];
	});
}

void standin_machine_kill(struct standin_machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	if (machine->pid > 0) {
		kill(machine->pid, SIGKILL);
	}
	pthread_mutex_unlock(&machine->lock);
}

void standin_machine_destroy(struct standin_machine *machine)
{
	if (machine == NULL) {
		return;
	}
	if (machine->thread != 0) {
		pthread_join(machine->thread, NULL);
	}
	dispatch_sync(machine->plugs,
	    ^{
		/* No code of the machine runs any more. */
	    });
	dispatch_release(machine->plugs);
	qmp_destroy(machine->qmp);
	if (machine->monitor_peer != -1) {
		close(machine->monitor_peer);
	}
	[(NSObject *)machine->owner release];
	[machine->configuration release];
	[machine->attachments release];
	dispatch_release(machine->queue);
	free(machine);
}
