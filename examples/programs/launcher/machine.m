// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: running and stopping the VM.
 *
 * Everything here runs on the queue of the VM.
 */

#import "launcher.h"

#include <signal.h>
#include <stdlib.h>

/* A guest that has not stopped after this time ignores the request. */
#define STOP_TIMEOUT (10 * NSEC_PER_SEC)

VZVirtualMachine *machine;
dispatch_queue_t queue;

static void guestStopped(void) __attribute__((noreturn));

static void guestStopped(void)
{
	say(@"stopped");
	exit(EXIT_SUCCESS);
}

@interface Delegate : NSObject <VZVirtualMachineDelegate>
@end

@implementation Delegate

- (void)guestDidStopVirtualMachine:(VZVirtualMachine *)virtualMachine
{
	(void)virtualMachine;
	guestStopped();
}

- (void)virtualMachine:(VZVirtualMachine *)virtualMachine
      didStopWithError:(NSError *)error
{
	(void)virtualMachine;
	fail(@"stopped by an error: %@", [error localizedDescription]);
}

/* An interface could not be started, perhaps because its network was lost
 * again. The guest keeps running without it, and is attached when the hold is
 * granted again. */
- (void)virtualMachine:(VZVirtualMachine *)virtualMachine
			 networkDevice:(VZNetworkDevice *)device
    attachmentWasDisconnectedWithError:(NSError *)error
{
	networkIsDisconnected(
	    [virtualMachine.networkDevices indexOfObject:device], error);
}

@end

static Delegate *delegate; /* the VM has only a weak reference to it */

void createMachine(void)
{
	delegate = [[Delegate alloc] init];
	machine = [[VZVirtualMachine alloc]
	    initWithConfiguration:createConfiguration()
			    queue:queue];
	machine.delegate = delegate;
}

void startMachine(void)
{
	[machine startWithCompletionHandler:^(NSError *error) {
		if (error != nil) {
			fail(@"cannot start: %@", [error localizedDescription]);
		}
		say(@"running");
	}];
}

static void forceStop(void)
{
	static BOOL forced;

	if (forced) {
		return;
	}
	if (![machine canStop]) {
		fail(@"stopped before it was running");
	}
	forced = YES;
	[machine stopWithCompletionHandler:^(NSError *error) {
		if (machine.state == VZVirtualMachineStateStopped &&
		    error != nil) {
			guestStopped(); /* by itself, just before the timeout */
		}
		if (error != nil) {
			fail(@"cannot stop: %@", [error localizedDescription]);
		}
		fail(@"the guest did not stop when asked, and was stopped");
	}];
}

/* Asks the guest to stop; then guestDidStopVirtualMachine: is called. A second
 * request stops it immediately. */
static void stopMachine(void)
{
	static BOOL asked;
	NSError *error = nil;

	if (asked || ![machine canRequestStop]) {
		forceStop();
		return;
	}
	asked = YES;
	if (![machine requestStopWithError:&error]) {
		say(@"cannot ask the guest: %@", [error localizedDescription]);
		forceStop();
		return;
	}
	say(@"stopping");
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, STOP_TIMEOUT), queue, ^{
		forceStop();
	});
}

/* With nohup, closing the terminal does not stop the VM. */
static BOOL isIgnored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	    action.sa_handler == SIG_IGN;
}

static void stopOn(int number)
{
	static dispatch_source_t sources[NSIG];

	/* The source still receives the signal, and the process survives. */
	signal(number, SIG_IGN);
	sources[number] = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, (uintptr_t)number, 0, queue);
	dispatch_source_set_event_handler(sources[number], ^{
		stopMachine();
	});
	dispatch_activate(sources[number]);
}

void stopOnSignals(void)
{
	stopOn(SIGINT);
	stopOn(SIGTERM);
	if (!isIgnored(SIGHUP)) {
		stopOn(SIGHUP);
	}
	stopOn(SIGQUIT);
}
