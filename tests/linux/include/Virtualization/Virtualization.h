// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of Virtualization.framework that a launcher for Linux guests uses,
 * with Apple's names. Behind it is QEMU; see tests/linux/virtualization.
 *
 * clang makes code for the GNU Objective-C runtime here: no ARC, and instance
 * variables are declared. Programs see neither.
 */

#ifndef STANDIN_VIRTUALIZATION_H
#define STANDIN_VIRTUALIZATION_H

#import <Foundation/Foundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>

extern NSString *const VZErrorDomain;

typedef NS_ENUM(NSInteger, VZErrorCode) {
	VZErrorInternal = 1,
	VZErrorInvalidVirtualMachineConfiguration = 2,
	VZErrorInvalidVirtualMachineState = 3,
	VZErrorInvalidVirtualMachineStateTransition = 4,
	VZErrorInvalidDiskImage = 5,
	VZErrorVirtualMachineLimitExceeded = 6,
	VZErrorNetworkError = 7,
};

/* --- Platform and boot loaders ------------------------------------------- */

@interface VZPlatformConfiguration : NSObject
@end

@interface VZGenericPlatformConfiguration : VZPlatformConfiguration
@end

@interface VZBootLoader : NSObject
@end

@interface VZLinuxBootLoader : VZBootLoader {
	NSURL *_kernelURL;
	NSString *_commandLine;
	NSURL *_initialRamdiskURL;
}
- (instancetype)initWithKernelURL:(NSURL *)kernelURL;
@property (copy) NSURL *kernelURL;
@property (copy) NSString *commandLine;
@property (copy) NSURL *initialRamdiskURL;
@end

typedef NS_OPTIONS(NSUInteger, VZEFIVariableStoreInitializationOptions) {
	VZEFIVariableStoreInitializationOptionAllowOverwrite = 1 << 0,
};

@interface VZEFIVariableStore : NSObject {
	NSURL *_URL;
}
- (instancetype)initWithURL:(NSURL *)URL;
- (instancetype)
    initCreatingVariableStoreAtURL:(NSURL *)URL
			   options:
			       (VZEFIVariableStoreInitializationOptions)options
			     error:(NSError **)error;
@property (readonly, copy) NSURL *URL;
@end

@interface VZEFIBootLoader : VZBootLoader {
	VZEFIVariableStore *_variableStore;
}
@property (strong) VZEFIVariableStore *variableStore;
@end

/* --- Devices ------------------------------------------------------------- */

@interface VZMACAddress : NSObject {
	uint8_t _octets[6];
}
- (instancetype)initWithString:(NSString *)string;
+ (instancetype)randomLocallyAdministeredAddress;
@property (readonly, copy) NSString *string;
@property (readonly) BOOL isUnicastAddress;
@property (readonly) BOOL isLocallyAdministeredAddress;
@end

@interface VZNetworkDeviceAttachment : NSObject
@end

@interface VZVmnetNetworkDeviceAttachment : VZNetworkDeviceAttachment {
	vmnet_network_ref _network;
}
- (instancetype)initWithNetwork:(vmnet_network_ref)network;
@property (readonly) vmnet_network_ref network;
@end

@interface VZNetworkDeviceConfiguration : NSObject {
	VZMACAddress *_MACAddress;
	VZNetworkDeviceAttachment *_attachment;
}
@property (copy) VZMACAddress *MACAddress;
@property (strong) VZNetworkDeviceAttachment *attachment;
@end

@interface VZVirtioNetworkDeviceConfiguration : VZNetworkDeviceConfiguration
@end

@interface VZSerialPortAttachment : NSObject
@end

@interface VZFileHandleSerialPortAttachment : VZSerialPortAttachment {
	NSFileHandle *_fileHandleForReading;
	NSFileHandle *_fileHandleForWriting;
}
- (instancetype)initWithFileHandleForReading:(NSFileHandle *)reading
			fileHandleForWriting:(NSFileHandle *)writing;
@property (readonly, strong) NSFileHandle *fileHandleForReading;
@property (readonly, strong) NSFileHandle *fileHandleForWriting;
@end

@interface VZSerialPortConfiguration : NSObject {
	VZSerialPortAttachment *_attachment;
}
@property (strong) VZSerialPortAttachment *attachment;
@end

@interface VZVirtioConsoleDeviceSerialPortConfiguration
    : VZSerialPortConfiguration
@end

@interface VZStorageDeviceAttachment : NSObject
@end

@interface VZDiskImageStorageDeviceAttachment : VZStorageDeviceAttachment {
	NSURL *_URL;
	BOOL _readOnly;
}
- (instancetype)initWithURL:(NSURL *)URL
		   readOnly:(BOOL)readOnly
		      error:(NSError **)error;
@property (readonly, copy) NSURL *URL;
@property (readonly, getter=isReadOnly) BOOL readOnly;
@end

@interface VZStorageDeviceConfiguration : NSObject {
	VZStorageDeviceAttachment *_attachment;
}
- (instancetype)initWithAttachment:(VZStorageDeviceAttachment *)attachment;
@property (readonly, strong) VZStorageDeviceAttachment *attachment;
@end

@interface VZVirtioBlockDeviceConfiguration : VZStorageDeviceConfiguration
@end

@interface VZEntropyDeviceConfiguration : NSObject
@end

@interface VZVirtioEntropyDeviceConfiguration : VZEntropyDeviceConfiguration
@end

/* --- The machine --------------------------------------------------------- */

@interface VZVirtualMachineConfiguration : NSObject <NSCopying> {
	VZBootLoader *_bootLoader;
	VZPlatformConfiguration *_platform;
	uint64_t _memorySize;
	NSUInteger _CPUCount;
	NSArray *_serialPorts;
	NSArray *_networkDevices;
	NSArray *_storageDevices;
	NSArray *_entropyDevices;
}
@property (strong) VZBootLoader *bootLoader;
@property (copy) VZPlatformConfiguration *platform;
@property uint64_t memorySize;
@property NSUInteger CPUCount;
@property (copy) NSArray *serialPorts;
@property (copy) NSArray *networkDevices;
@property (copy) NSArray *storageDevices;
@property (copy) NSArray *entropyDevices;
+ (uint64_t)minimumAllowedMemorySize;
+ (uint64_t)maximumAllowedMemorySize;
+ (NSUInteger)minimumAllowedCPUCount;
+ (NSUInteger)maximumAllowedCPUCount;
- (BOOL)validateWithError:(NSError **)error;
@end

@class VZVirtualMachine;

/* Of a running machine. Another attachment, or nil, is connected at once; used
 * on the machine's queue, as the machine itself. */
@interface VZNetworkDevice : NSObject {
	VZVirtualMachine *_machine; /* which owns this */
	VZNetworkDeviceAttachment *_attachment;
}
@property (strong) VZNetworkDeviceAttachment *attachment;
@end

@protocol VZVirtualMachineDelegate <NSObject>
@optional
- (void)guestDidStopVirtualMachine:(VZVirtualMachine *)virtualMachine;
- (void)virtualMachine:(VZVirtualMachine *)virtualMachine
      didStopWithError:(NSError *)error;
- (void)virtualMachine:(VZVirtualMachine *)virtualMachine
			 networkDevice:(VZNetworkDevice *)networkDevice
    attachmentWasDisconnectedWithError:(NSError *)error;
@end

typedef NS_ENUM(NSInteger, VZVirtualMachineState) {
	VZVirtualMachineStateStopped = 0,
	VZVirtualMachineStateRunning = 1,
	VZVirtualMachineStatePaused = 2,
	VZVirtualMachineStateError = 3,
	VZVirtualMachineStateStarting = 4,
	VZVirtualMachineStatePausing = 5,
	VZVirtualMachineStateResuming = 6,
	VZVirtualMachineStateStopping = 7,
	VZVirtualMachineStateSaving = 8,
	VZVirtualMachineStateRestoring = 9,
};

struct standin_machine;

@interface VZVirtualMachine : NSObject {
	VZVirtualMachineConfiguration *_configuration;
	dispatch_queue_t _queue;
	id<VZVirtualMachineDelegate> _delegate;
	VZVirtualMachineState _state;
	NSArray *_networkDevices;
	struct standin_machine *_process;
	void (^_startHandler)(NSError *);
	void (^_stopHandler)(NSError *);
}
+ (BOOL)isSupported;
- (instancetype)initWithConfiguration:
    (VZVirtualMachineConfiguration *)configuration;
- (instancetype)initWithConfiguration:
		    (VZVirtualMachineConfiguration *)configuration
				queue:(dispatch_queue_t)queue;
@property (readonly) dispatch_queue_t queue;
@property (readonly) VZVirtualMachineState state;
@property (assign) id<VZVirtualMachineDelegate> delegate;
@property (readonly, copy) NSArray *networkDevices;
@property (readonly) BOOL canStart;
@property (readonly) BOOL canStop;
@property (readonly) BOOL canRequestStop;
- (void)startWithCompletionHandler:(void (^)(
				       NSError *errorOrNil))completionHandler;
- (void)stopWithCompletionHandler:(void (^)(
				      NSError *errorOrNil))completionHandler;
- (BOOL)requestStopWithError:(NSError **)error;
@end

#endif
