// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: the configuration of the VM.
 */

#import "launcher.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static NSURL *fileURL(NSString *path)
{
	if (![[NSFileManager defaultManager] isReadableFileAtPath:path]) {
		fail(@"cannot read %@", path);
	}
	return [NSURL fileURLWithPath:path];
}

/* On Apple silicon the kernel must be an uncompressed Image: with a compressed
 * one the VM starts but prints nothing. (An amd64 bzImage decompresses
 * itself.) */
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
		fail(@"%@ is compressed and for EFI only: boot its disk with "
		     @"--disk",
		    path);
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

/* The firmware variables are stored next to the disk, in DISK.efi. */
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
	NSFileHandle *input = nil;

	if (!terminalIsInUse()) {
		input = [NSFileHandle fileHandleWithStandardInput];
	}
	console.attachment = [[VZFileHandleSerialPortAttachment alloc]
	    initWithFileHandleForReading:input
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
		usageError(@"--memory: must be %llu to %llu MiB on this Mac "
			   @"(got %llu)",
		    memoryMin / MIB, memoryMax / MIB, options.memory);
	}
	if (configuration.CPUCount < cpuMin ||
	    configuration.CPUCount > cpuMax) {
		usageError(@"--cpus: must be %lu to %lu on this Mac (got %u)",
		    (unsigned long)cpuMin, (unsigned long)cpuMax, options.cpus);
	}
}

VZVirtualMachineConfiguration *createConfiguration(void)
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
	configuration.networkDevices = createNetworkDevices();
	if (![configuration validateWithError:&error]) {
		fail(@"%@ (is this program signed with the entitlement "
		     @"com.apple.security.virtualization?)",
		    [error localizedDescription]);
	}
	return configuration;
}
