// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* The objects that describe a machine: plain values, and Apple's checks. */

#import <Virtualization/Virtualization.h>

#include <CoreFoundation/CoreFoundation.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>

NSString *const VZErrorDomain = @"VZErrorDomain";

#define MIB (1024 * 1024ULL)

/* Debian's package ovmf. */
#define EFI_VARIABLES @"/usr/share/OVMF/OVMF_VARS_4M.fd"

static BOOL report(NSError **error, VZErrorCode code, NSString *text)
{
	if (error != NULL) {
		*error = [NSError
		    errorWithDomain:VZErrorDomain
			       code:code
			   userInfo:
			       [NSDictionary
				   dictionaryWithObject:text
						 forKey:
						     NSLocalizedDescriptionKey]];
	}
	return NO;
}

/* Programs may create objects of the subclasses only. The header enforces this,
 * except for a class that is looked up by name. */
static void check_concrete(id object, Class abstract)
{
	if ([object class] == abstract) {
		[NSException
		     raise:NSInvalidArgumentException
		    format:@"%@ is abstract", NSStringFromClass(abstract)];
	}
}

#define ABSTRACT(name)                                                         \
	-(instancetype)init                                                    \
	{                                                                      \
		self = [super init];                                           \
		check_concrete(self, [name class]);                            \
		return self;                                                   \
	}

@implementation NSProcessInfo (StandinVersion)

- (BOOL)isOperatingSystemAtLeastVersion:(NSOperatingSystemVersion)version
{
	const char *text = getenv("STANDIN_MACOS");
	int major = 26;
	int minor = 4;

	if (text != NULL) {
		sscanf(text, "%d.%d", &major, &minor);
	}
	return major > version.majorVersion ||
	    (major == version.majorVersion && minor >= version.minorVersion);
}

@end

@implementation VZPlatformConfiguration

ABSTRACT(VZPlatformConfiguration)

- (id)copyWithZone:(NSZone *)zone
{
	(void)zone;
	return [self retain];
}

@end

@implementation VZGenericPlatformConfiguration
@end

@implementation VZBootLoader

ABSTRACT(VZBootLoader)

- (id)copyWithZone:(NSZone *)zone
{
	(void)zone;
	return [self retain];
}

@end

@implementation VZLinuxBootLoader

@synthesize kernelURL = _kernelURL;
@synthesize commandLine = _commandLine;
@synthesize initialRamdiskURL = _initialRamdiskURL;

- (instancetype)initWithKernelURL:(NSURL *)kernelURL
{
	self = [super init];
	self.kernelURL = kernelURL;
	self.commandLine = @"";
	return self;
}

- (void)dealloc
{
	[_kernelURL release];
	[_commandLine release];
	[_initialRamdiskURL release];
	[super dealloc];
}

@end

@implementation VZEFIVariableStore

@synthesize URL = _URL;

- (instancetype)initWithURL:(NSURL *)URL
{
	self = [super init];
	_URL = [URL copy];
	return self;
}

- (instancetype)
    initCreatingVariableStoreAtURL:(NSURL *)URL
			   options:
			       (VZEFIVariableStoreInitializationOptions)options
			     error:(NSError **)error
{
	NSFileManager *files = [NSFileManager defaultManager];

	self = [self initWithURL:URL];
	if ([files fileExistsAtPath:[URL path]] &&
	    (options & VZEFIVariableStoreInitializationOptionAllowOverwrite)) {
		[files removeFileAtPath:[URL path] handler:nil];
	}
	if (![files copyPath:EFI_VARIABLES toPath:[URL path] handler:nil]) {
		report(error, VZErrorInternal,
		    @"cannot create the variable store (is there a file "
		    @"already, or is the package ovmf missing?)");
		[self release];
		return nil;
	}
	return self;
}

- (void)dealloc
{
	[_URL release];
	[super dealloc];
}

@end

@implementation VZEFIBootLoader

@synthesize variableStore = _variableStore;

- (void)dealloc
{
	[_variableStore release];
	[super dealloc];
}

@end

@implementation VZMACAddress

/* Six pairs of digits and nothing else. */
- (instancetype)initWithString:(NSString *)string
{
	const char *text = [string UTF8String];
	unsigned octets[6];
	int end = 0;

	self = [super init];
	if (text == NULL || strlen(text) != 17 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &octets[0], &octets[1],
		&octets[2], &octets[3], &octets[4], &octets[5], &end) != 6 ||
	    end != 17) {
		[self release];
		return nil;
	}
	for (int i = 0; i < 6; i++) {
		_octets[i] = (uint8_t)octets[i];
	}
	return self;
}

+ (instancetype)randomLocallyAdministeredAddress
{
	VZMACAddress *address = [[[self alloc] init] autorelease];

	if (getrandom(address->_octets, sizeof(address->_octets), 0) == -1) {
		abort();
	}
	address->_octets[0] = (address->_octets[0] & 0xfc) | 0x02;
	return address;
}

- (NSString *)string
{
	return [NSString stringWithFormat:@"%02x:%02x:%02x:%02x:%02x:%02x",
			 _octets[0], _octets[1], _octets[2], _octets[3],
			 _octets[4], _octets[5]];
}

- (BOOL)isUnicastAddress
{
	return (_octets[0] & 1) == 0;
}

- (BOOL)isLocallyAdministeredAddress
{
	return (_octets[0] & 2) != 0;
}

- (id)copyWithZone:(NSZone *)zone
{
	(void)zone;
	return [self retain];
}

@end

/* Apple's framework raises for a handle whose descriptor is not open. */
static void check_open(NSFileHandle *handle)
{
	if (handle != nil && fcntl([handle fileDescriptor], F_GETFD) == -1) {
		[NSException raise:NSInvalidArgumentException
			    format:@"the file handle's descriptor is invalid"];
	}
}

@implementation VZNetworkDeviceAttachment

ABSTRACT(VZNetworkDeviceAttachment)

@end

@implementation VZVmnetNetworkDeviceAttachment

@synthesize network = _network;

- (instancetype)initWithNetwork:(vmnet_network_ref)network
{
	self = [super init];
	if (network == NULL) {
		[self release];
		return nil;
	}
	_network = (vmnet_network_ref)CFRetain((CFTypeRef)network);
	return self;
}

- (void)dealloc
{
	if (_network != NULL) {
		CFRelease((CFTypeRef)_network);
	}
	[super dealloc];
}

@end

@implementation VZFileHandleNetworkDeviceAttachment

@synthesize fileHandle = _fileHandle;

- (instancetype)initWithFileHandle:(NSFileHandle *)fileHandle
{
	check_open(fileHandle);
	self = [super init];
	_fileHandle = [fileHandle retain];
	return self;
}

- (void)dealloc
{
	[_fileHandle release];
	[super dealloc];
}

@end

@implementation VZNetworkDeviceConfiguration

@synthesize MACAddress = _MACAddress;
@synthesize attachment = _attachment;

- (instancetype)init
{
	self = [super init];
	check_concrete(self, [VZNetworkDeviceConfiguration class]);
	self.MACAddress = [VZMACAddress randomLocallyAdministeredAddress];
	return self;
}

- (void)dealloc
{
	[_MACAddress release];
	[_attachment release];
	[super dealloc];
}

@end

@implementation VZVirtioNetworkDeviceConfiguration
@end

@implementation VZSerialPortAttachment

ABSTRACT(VZSerialPortAttachment)

@end

@implementation VZFileHandleSerialPortAttachment

@synthesize fileHandleForReading = _fileHandleForReading;
@synthesize fileHandleForWriting = _fileHandleForWriting;

- (instancetype)initWithFileHandleForReading:(NSFileHandle *)reading
			fileHandleForWriting:(NSFileHandle *)writing
{
	check_open(reading);
	check_open(writing);
	self = [super init];
	_fileHandleForReading = [reading retain];
	_fileHandleForWriting = [writing retain];
	return self;
}

- (void)dealloc
{
	[_fileHandleForReading release];
	[_fileHandleForWriting release];
	[super dealloc];
}

@end

@implementation VZSerialPortConfiguration

@synthesize attachment = _attachment;

ABSTRACT(VZSerialPortConfiguration)

- (void)dealloc
{
	[_attachment release];
	[super dealloc];
}

@end

@implementation VZVirtioConsoleDeviceSerialPortConfiguration
@end

@implementation VZStorageDeviceAttachment

ABSTRACT(VZStorageDeviceAttachment)

@end

@implementation VZDiskImageStorageDeviceAttachment

@synthesize URL = _URL;
@synthesize readOnly = _readOnly;

- (instancetype)initWithURL:(NSURL *)URL
		   readOnly:(BOOL)readOnly
		      error:(NSError **)error
{
	NSDictionary *attributes =
	    [[NSFileManager defaultManager] fileAttributesAtPath:[URL path]
						    traverseLink:YES];

	self = [super init];
	if (attributes == nil || [attributes fileSize] == 0 ||
	    [attributes fileSize] % 512 != 0) {
		report(error, VZErrorInvalidDiskImage,
		    @"not a raw disk image: its size must be a multiple "
		    @"of 512");
		[self release];
		return nil;
	}
	_URL = [URL copy];
	_readOnly = readOnly;
	return self;
}

- (void)dealloc
{
	[_URL release];
	[super dealloc];
}

@end

@implementation VZStorageDeviceConfiguration

@synthesize attachment = _attachment;

ABSTRACT(VZStorageDeviceConfiguration)

- (void)dealloc
{
	[_attachment release];
	[super dealloc];
}

@end

@implementation VZVirtioBlockDeviceConfiguration

- (instancetype)initWithAttachment:(VZStorageDeviceAttachment *)attachment
{
	self = [super init];
	_attachment = [attachment retain];
	return self;
}

@end

@implementation VZEntropyDeviceConfiguration

ABSTRACT(VZEntropyDeviceConfiguration)

@end

@implementation VZVirtioEntropyDeviceConfiguration
@end

@implementation VZVirtualMachineConfiguration

@synthesize bootLoader = _bootLoader;
@synthesize platform = _platform;
@synthesize memorySize = _memorySize;
@synthesize CPUCount = _CPUCount;
@synthesize serialPorts = _serialPorts;
@synthesize networkDevices = _networkDevices;
@synthesize storageDevices = _storageDevices;
@synthesize entropyDevices = _entropyDevices;

+ (uint64_t)minimumAllowedMemorySize
{
	return 128 * MIB;
}

+ (uint64_t)maximumAllowedMemorySize
{
	return 64 * 1024 * MIB;
}

+ (NSUInteger)minimumAllowedCPUCount
{
	return 1;
}

+ (NSUInteger)maximumAllowedCPUCount
{
	return 64;
}

- (instancetype)init
{
	self = [super init];
	_CPUCount = [[self class] minimumAllowedCPUCount];
	_memorySize = [[self class] minimumAllowedMemorySize];
	_platform = [[VZGenericPlatformConfiguration alloc] init];
	return self;
}

- (BOOL)validateWithError:(NSError **)error
{
	if (_bootLoader == nil) {
		return report(error, VZErrorInvalidVirtualMachineConfiguration,
		    @"there is no boot loader");
	}
	if (_memorySize % MIB != 0 ||
	    _memorySize < [[self class] minimumAllowedMemorySize] ||
	    _memorySize > [[self class] maximumAllowedMemorySize]) {
		return report(error, VZErrorInvalidVirtualMachineConfiguration,
		    @"the memory size is invalid");
	}
	if (_CPUCount < [[self class] minimumAllowedCPUCount] ||
	    _CPUCount > [[self class] maximumAllowedCPUCount]) {
		return report(error, VZErrorInvalidVirtualMachineConfiguration,
		    @"the number of CPUs is invalid");
	}
	return YES;
}

- (id)copyWithZone:(NSZone *)zone
{
	VZVirtualMachineConfiguration *copy =
	    [[[self class] allocWithZone:zone] init];

	copy.bootLoader = _bootLoader;
	copy.platform = _platform;
	copy.memorySize = _memorySize;
	copy.CPUCount = _CPUCount;
	copy.serialPorts = _serialPorts;
	copy.networkDevices = _networkDevices;
	copy.storageDevices = _storageDevices;
	copy.entropyDevices = _entropyDevices;
	return copy;
}

- (void)dealloc
{
	[_bootLoader release];
	[_platform release];
	[_serialPorts release];
	[_networkDevices release];
	[_storageDevices release];
	[_entropyDevices release];
	[super dealloc];
}

@end
