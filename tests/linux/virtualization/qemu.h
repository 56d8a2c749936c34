// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The QEMU process behind a VZVirtualMachine.
 *
 * A machine has a thread of its own, which starts the interfaces, spawns QEMU,
 * waits for it and stops the interfaces. The kernel kills QEMU when this thread
 * ends, also if the process is killed: a machine never outlives its launcher.
 */

#ifndef STANDIN_VIRTUALIZATION_QEMU_H
#define STANDIN_VIRTUALIZATION_QEMU_H

#import <Virtualization/Virtualization.h>

struct standin_machine;

/* The events of a machine, on its thread. */
@protocol StandinMachineOwner
- (void)machineDidStart;
/* Also called if the machine never started. `text` is nil if the guest powered
 * off. */
- (void)machineDidEnd:(NSString *)text;
/* The attachment that standin_machine_plug() got could not be started. */
- (void)machineInterface:(NSUInteger)number
		 didLose:(VZNetworkDeviceAttachment *)attachment;
@end

/* Owner and configuration are retained until machineDidEnd: has returned. The
 * attachments are those of the network devices, or NSNull. Returns NULL without
 * memory or a thread.
 */
struct standin_machine *standin_machine_start(id<StandinMachineOwner> owner,
    VZVirtualMachineConfiguration *config, NSArray *attachments);

/* Connects the network interface to another attachment, or to none: its link
 * goes down, and up again if there is one. Allowed before the machine has
 * started; when it has ended, this does nothing. Returns at once. */
void standin_machine_plug(struct standin_machine *machine, NSUInteger number,
    VZNetworkDeviceAttachment *attachment);

/* Presses the power button, or forces the machine off. Only between start and
 * end. */
void standin_machine_power_button(struct standin_machine *machine);
void standin_machine_kill(struct standin_machine *machine);

/* After machineDidEnd:. NULL is fine. */
void standin_machine_destroy(struct standin_machine *machine);

#endif
