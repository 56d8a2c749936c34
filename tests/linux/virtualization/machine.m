// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * VZVirtualMachine: the states, on the machine's queue, as in Apple's
 * framework. Events of the process come from its thread and move to the queue
 * first. Like Apple's this aborts when it is used from another queue.
 */

#include "qemu.h"

#include <Block.h>
#include <standin.h>

@interface VZVirtualMachine (Standin) <StandinMachineOwner>
- (void)end:(NSString *)text;
- (void)deviceDidChange:(VZNetworkDevice *)device;
@end

@interface VZNetworkDevice (Standin)
- (instancetype)initWithMachine:(VZVirtualMachine *)machine
		     attachment:(VZNetworkDeviceAttachment *)attachment;
- (void)forgetMachine;
- (void)loseAttachment;
@end

static NSError *create_error(VZErrorCode code, NSString *text)
{
	return [NSError
	    errorWithDomain:VZErrorDomain
		       code:code
		   userInfo:
		       [NSDictionary
			   dictionaryWithObject:text
					 forKey:NSLocalizedDescriptionKey]];
}

/* In this runtime blocks are not objects and cannot receive messages. */
static void release_block(void (^block)(NSError *))
{
	if (block != NULL) {
		Block_release(block);
	}
}

@implementation VZVirtualMachine

@synthesize queue = _queue;
@synthesize delegate = _delegate;
@synthesize networkDevices = _networkDevices;

+ (BOOL)isSupported
{
	return YES;
}

- (instancetype)initWithConfiguration:
    (VZVirtualMachineConfiguration *)configuration
{
	return [self initWithConfiguration:configuration
				     queue:dispatch_get_main_queue()];
}

- (instancetype)initWithConfiguration:
		    (VZVirtualMachineConfiguration *)configuration
				queue:(dispatch_queue_t)queue
{
	NSMutableArray *devices = [NSMutableArray array];

	self = [super init];
	_configuration = [configuration copy];
	_queue = queue;
	dispatch_retain(queue);
	for (VZNetworkDeviceConfiguration *config in configuration
		 .networkDevices) {
		VZNetworkDevice *device = [[[VZNetworkDevice alloc]
		    initWithMachine:self
			 attachment:config.attachment] autorelease];
		[devices addObject:device];
	}
	_networkDevices = [devices copy];
	return self;
}

- (void)dealloc
{
	standin_machine_destroy(_process);
	[_networkDevices makeObjectsPerformSelector:@selector(forgetMachine)];
	dispatch_release(_queue);
	[_configuration release];
	[_networkDevices release];
	release_block(_startHandler);
	release_block(_stopHandler);
	[super dealloc];
}

- (VZVirtualMachineState)state
{
	dispatch_assert_queue(_queue);
	return _state;
}

- (BOOL)canStart
{
	return self.state == VZVirtualMachineStateStopped ||
	    self.state == VZVirtualMachineStateError;
}

- (BOOL)canStop
{
	return self.state == VZVirtualMachineStateRunning;
}

- (BOOL)canRequestStop
{
	return self.state == VZVirtualMachineStateRunning;
}

- (void)startWithCompletionHandler:(void (^)(
				       NSError *errorOrNil))completionHandler
{
	if (![self canStart]) {
		completionHandler(
		    create_error(VZErrorInvalidVirtualMachineStateTransition,
			@"the machine is not stopped"));
		return;
	}
	NSMutableArray *attachments = [NSMutableArray array];
	for (VZNetworkDevice *device in _networkDevices) {
		[attachments addObject:device.attachment != nil
				 ? (id)device.attachment
				 : [NSNull null]];
	}
	standin_machine_destroy(_process);
	_state = VZVirtualMachineStateStarting;
	_startHandler = Block_copy(completionHandler);
	_process = standin_machine_start(self, _configuration, attachments);
	if (_process == NULL) {
		[self end:@"out of memory"];
	}
}

- (void)stopWithCompletionHandler:(void (^)(
				      NSError *errorOrNil))completionHandler
{
	if (![self canStop]) {
		completionHandler(
		    create_error(VZErrorInvalidVirtualMachineStateTransition,
			@"the machine is not running"));
		return;
	}
	/* The guest may have stopped before the request is handled. */
	if (standin_fault("guest_stops_first")) {
		_state = VZVirtualMachineStateStopped;
		completionHandler(
		    create_error(VZErrorInvalidVirtualMachineStateTransition,
			@"the machine has stopped"));
		return;
	}
	_state = VZVirtualMachineStateStopping;
	_stopHandler = Block_copy(completionHandler);
	standin_machine_kill(_process);
}

- (BOOL)requestStopWithError:(NSError **)error
{
	if (![self canRequestStop]) {
		if (error != NULL) {
			*error = create_error(VZErrorInvalidVirtualMachineState,
			    @"the machine is not running");
		}
		return NO;
	}
	standin_machine_power_button(_process);
	return YES;
}

- (void)machineDidStart
{
	dispatch_async(_queue, ^{
		void (^handler)(NSError *) = _startHandler;
		_startHandler = NULL;
		_state = VZVirtualMachineStateRunning;
		@autoreleasepool {
			handler(nil);
		}
		Block_release(handler);
	});
}

- (void)machineDidEnd:(NSString *)text
{
	NSString *kept = [text retain];

	dispatch_async(_queue, ^{
		@autoreleasepool {
			[self end:kept];
		}
		[kept release];
	});
}

- (void)deviceDidChange:(VZNetworkDevice *)device
{
	dispatch_assert_queue(_queue);
	if (_process != NULL) {
		standin_machine_plug(_process,
		    [_networkDevices indexOfObject:device], device.attachment);
	}
}

- (void)machineInterface:(NSUInteger)number
		 didLose:(VZNetworkDeviceAttachment *)attachment
{
	VZNetworkDevice *device = [_networkDevices objectAtIndex:number];

	[attachment retain];
	dispatch_async(_queue, ^{
		@autoreleasepool {
			/* It may have another attachment by now. */
			if (device.attachment == attachment) {
				[self deviceDidLose:device];
			}
		}
		[attachment release];
	});
}

- (void)deviceDidLose:(VZNetworkDevice *)device
{
	[device loseAttachment];
	if ([_delegate
		respondsToSelector:@selector
		(virtualMachine:
		    networkDevice:attachmentWasDisconnectedWithError:)]) {
		[_delegate virtualMachine:self
					 networkDevice:device
		    attachmentWasDisconnectedWithError:
			create_error(VZErrorInternal,
			    @"Internal Virtualization error. Internal Network "
			    @"Error.")];
	}
}

/* Calls the start handler, the stop handler or the delegate. */
- (void)end:(NSString *)text
{
	void (^starting)(NSError *) = _startHandler;
	void (^stopping)(NSError *) = _stopHandler;
	NSError *error =
	    text == nil ? nil : create_error(VZErrorInternal, text);

	_startHandler = NULL;
	_stopHandler = NULL;
	_state = error == nil || stopping != NULL ? VZVirtualMachineStateStopped
						  : VZVirtualMachineStateError;
	if (starting != NULL) {
		starting(error);
	} else if (stopping != NULL) {
		stopping(nil);
	} else if (error == nil &&
	    [_delegate
		respondsToSelector:@selector(guestDidStopVirtualMachine:)]) {
		[_delegate guestDidStopVirtualMachine:self];
	} else if (error != nil &&
	    [_delegate respondsToSelector:@selector(virtualMachine:
						  didStopWithError:)]) {
		[_delegate virtualMachine:self didStopWithError:error];
	}
	release_block(starting);
	release_block(stopping);
}

@end

@implementation VZNetworkDevice

- (instancetype)initWithMachine:(VZVirtualMachine *)machine
		     attachment:(VZNetworkDeviceAttachment *)attachment
{
	self = [super init];
	_machine = machine;
	_attachment = [attachment retain];
	return self;
}

- (VZNetworkDeviceAttachment *)attachment
{
	return _attachment;
}

- (void)setAttachment:(VZNetworkDeviceAttachment *)attachment
{
	[attachment retain];
	[_attachment release];
	_attachment = attachment;
	[_machine deviceDidChange:self];
}

- (void)loseAttachment
{
	[_attachment release];
	_attachment = nil;
}

- (void)forgetMachine
{
	_machine = nil;
}

- (void)dealloc
{
	[_attachment release];
	[super dealloc];
}

@end
