// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Functions of the stand-in's vmnet for other parts of the stand-in. */

#ifndef STANDIN_VMNET_STANDIN_H
#define STANDIN_VMNET_STANDIN_H

#include <vmnet/vmnet.h>

/* Returns the descriptor of a started interface's tap device, or -1 if it has
 * none. It is borrowed, and valid until the interface is stopped. */
int standin_vmnet_interface_descriptor(interface_ref interface);

#endif
