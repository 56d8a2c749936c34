// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of Virtualization.framework that a launcher for Linux guests uses,
 * with Apple's names, nullability and initializers: what compiles here compiles
 * there. `make macos` compiles the examples against it as for a Mac, with ARC.
 * Behind it is QEMU; see tests/linux/virtualization.
 *
 * clang generates code for the GNU Objective-C runtime here: there is no ARC,
 * and instance variables are declared. Programs do not notice either.
 */

#ifndef STANDIN_VIRTUALIZATION_H
#define STANDIN_VIRTUALIZATION_H

#import <Foundation/Foundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>

NS_ASSUME_NONNULL_BEGIN

extern NSString *const VZErrorDomain;

/* Apple has more, for what the stand-in does not do. */
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

@interface VZPlatformConfiguration : NSObject <NSCopying>
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@end

@interface VZGenericPlatformConfiguration : VZPlatformConfiguration
- (instancetype)init;
@end

@interface VZBootLoader : NSObject <NSCopying>
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@end

@interface VZLinuxBootLoader : VZBootLoader {
	NSURL *_kernelURL;
	NSString *_commandLine;
	NSURL *_initialRamdiskURL;
}
- (instancetype)initWithKernelURL:(NSURL *)kernelURL;
@property (copy) NSURL *kernelURL;
@property (copy) NSString *commandLine;
@property (nullable, copy) NSURL *initialRamdiskURL;
@end

typedef NS_OPTIONS(NSUInteger, VZEFIVariableStoreInitializationOptions) {
	VZEFIVariableStoreInitializationOptionAllowOverwrite = 1 << 0,
};

@interface VZEFIVariableStore : NSObject {
	NSURL *_URL;
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
- (instancetype)initWithURL:(NSURL *)URL;
- (nullable instancetype)
    initCreatingVariableStoreAtURL:(NSURL *)URL
			   options:
			       (VZEFIVariableStoreInitializationOptions)options
			     error:(NSError *_Nullable *_Nullable)error;
@property (readonly, copy) NSURL *URL;
@end

@interface VZEFIBootLoader : VZBootLoader {
	VZEFIVariableStore *_variableStore;
}
- (instancetype)init;
@property (nullable, strong) VZEFIVariableStore *variableStore;
@end

/* --- Devices ------------------------------------------------------------- */

@interface VZMACAddress : NSObject <NSCopying> {
	uint8_t _octets[6];
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
- (nullable instancetype)initWithString:(NSString *)string;
+ (instancetype)randomLocallyAdministeredAddress;
@property (readonly, copy) NSString *string;
@property (readonly) BOOL isUnicastAddress;
@property (readonly) BOOL isLocallyAdministeredAddress;
@end

@interface VZNetworkDeviceAttachment : NSObject
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@end

@interface VZVmnetNetworkDeviceAttachment : VZNetworkDeviceAttachment {
	vmnet_network_ref _network;
}
- (instancetype)initWithNetwork:(vmnet_network_ref)network;
@property (readonly) vmnet_network_ref network;
@end

/* A connected datagram socket; each datagram is a frame. */
@interface VZFileHandleNetworkDeviceAttachment : VZNetworkDeviceAttachment {
	NSFileHandle *_fileHandle;
}
- (instancetype)initWithFileHandle:(NSFileHandle *)fileHandle;
@property (readonly, strong) NSFileHandle *fileHandle;
@end

@interface VZNetworkDeviceConfiguration : NSObject {
	VZMACAddress *_MACAddress;
	VZNetworkDeviceAttachment *_attachment;
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@property (copy) VZMACAddress *MACAddress;
@property (nullable, strong) VZNetworkDeviceAttachment *attachment;
@end

@interface VZVirtioNetworkDeviceConfiguration : VZNetworkDeviceConfiguration
- (instancetype)init;
@end

@interface VZSerialPortAttachment : NSObject
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@end

@interface VZFileHandleSerialPortAttachment : VZSerialPortAttachment {
	NSFileHandle *_fileHandleForReading;
	NSFileHandle *_fileHandleForWriting;
}
- (instancetype)initWithFileHandleForReading:(nullable NSFileHandle *)reading
			fileHandleForWriting:(nullable NSFileHandle *)writing;
@property (nullable, readonly, strong) NSFileHandle *fileHandleForReading;
@property (nullable, readonly, strong) NSFileHandle *fileHandleForWriting;
@end

@interface VZSerialPortConfiguration : NSObject {
	VZSerialPortAttachment *_attachment;
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@property (nullable, strong) VZSerialPortAttachment *attachment;
@end

@interface VZVirtioConsoleDeviceSerialPortConfiguration
    : VZSerialPortConfiguration
- (instancetype)init;
@end

@interface VZStorageDeviceAttachment : NSObject
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@end

@interface VZDiskImageStorageDeviceAttachment : VZStorageDeviceAttachment {
	NSURL *_URL;
	BOOL _readOnly;
}
- (nullable instancetype)initWithURL:(NSURL *)URL
			    readOnly:(BOOL)readOnly
			       error:(NSError *_Nullable *_Nullable)error;
@property (readonly, copy) NSURL *URL;
@property (readonly, getter=isReadOnly) BOOL readOnly;
@end

@interface VZStorageDeviceConfiguration : NSObject {
	VZStorageDeviceAttachment *_attachment;
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@property (readonly, strong) VZStorageDeviceAttachment *attachment;
@end

@interface VZVirtioBlockDeviceConfiguration : VZStorageDeviceConfiguration
- (instancetype)initWithAttachment:(VZStorageDeviceAttachment *)attachment;
@end

@interface VZEntropyDeviceConfiguration : NSObject
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@end

@interface VZVirtioEntropyDeviceConfiguration : VZEntropyDeviceConfiguration
- (instancetype)init;
@end

/* --- The machine --------------------------------------------------------- */

@interface VZVirtualMachineConfiguration : NSObject <NSCopying> {
	VZBootLoader *_bootLoader;
	VZPlatformConfiguration *_platform;
	uint64_t _memorySize;
	NSUInteger _CPUCount;
	NSArray<VZSerialPortConfiguration *> *_serialPorts;
	NSArray<VZNetworkDeviceConfiguration *> *_networkDevices;
	NSArray<VZStorageDeviceConfiguration *> *_storageDevices;
	NSArray<VZEntropyDeviceConfiguration *> *_entropyDevices;
}
@property (nullable, strong) VZBootLoader *bootLoader;
@property (strong) VZPlatformConfiguration *platform;
@property uint64_t memorySize;
@property NSUInteger CPUCount;
@property (copy) NSArray<VZSerialPortConfiguration *> *serialPorts;
@property (copy) NSArray<VZNetworkDeviceConfiguration *> *networkDevices;
@property (copy) NSArray<VZStorageDeviceConfiguration *> *storageDevices;
@property (copy) NSArray<VZEntropyDeviceConfiguration *> *entropyDevices;
@property (class, readonly) uint64_t minimumAllowedMemorySize;
@property (class, readonly) uint64_t maximumAllowedMemorySize;
@property (class, readonly) NSUInteger minimumAllowedCPUCount;
@property (class, readonly) NSUInteger maximumAllowedCPUCount;
- (BOOL)validateWithError:(NSError *_Nullable *_Nullable)error;
@end

@class VZVirtualMachine;

/* A device of a running machine. Setting another attachment, or nil, takes
 * effect immediately. Use it on the machine's queue, like the machine
 * itself. */
@interface VZNetworkDevice : NSObject {
	VZVirtualMachine *_machine; /* which owns this */
	VZNetworkDeviceAttachment *_attachment;
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
@property (nullable, strong) VZNetworkDeviceAttachment *attachment;
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

/* The GNU runtime has no weak references: the assigned object must outlive
 * it. */

#if __has_feature(objc_arc)
#define STANDIN_WEAK weak
#else
#define STANDIN_WEAK assign
#endif

@interface VZVirtualMachine : NSObject {
	VZVirtualMachineConfiguration *_configuration;
	dispatch_queue_t _queue;
	id<VZVirtualMachineDelegate> _delegate;
	VZVirtualMachineState _state;
	NSArray<VZNetworkDevice *> *_networkDevices;
	struct standin_machine *_process;
	void (^_startHandler)(NSError *_Nullable);
	void (^_stopHandler)(NSError *_Nullable);
}
+ (instancetype)new NS_UNAVAILABLE;
- (instancetype)init NS_UNAVAILABLE;
- (instancetype)initWithConfiguration:
    (VZVirtualMachineConfiguration *)configuration;
- (instancetype)initWithConfiguration:
		    (VZVirtualMachineConfiguration *)configuration
				queue:(dispatch_queue_t)queue;
@property (class, readonly, getter=isSupported) BOOL supported;
@property (readonly) dispatch_queue_t queue;
@property (readonly) VZVirtualMachineState state;
@property (nullable, STANDIN_WEAK) id<VZVirtualMachineDelegate> delegate;
@property (readonly, copy) NSArray<VZNetworkDevice *> *networkDevices;
@property (readonly) BOOL canStart;
@property (readonly) BOOL canStop;
@property (readonly) BOOL canRequestStop;
- (void)startWithCompletionHandler:
    (void (^)(NSError *_Nullable errorOrNil))completionHandler;
- (void)stopWithCompletionHandler:
    (void (^)(NSError *_Nullable errorOrNil))completionHandler;
- (BOOL)requestStopWithError:(NSError *_Nullable *_Nullable)error;
@end

NS_ASSUME_NONNULL_END

#endif
