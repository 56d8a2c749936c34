// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Functions of the stand-in's vmnet for other parts of the stand-in. */

#ifndef STANDIN_VMNET_STANDIN_H
#define STANDIN_VMNET_STANDIN_H

#include <vmnet/vmnet.h>

/* The descriptor of a started interface's tap device: lent, and good until the
 * interface is stopped. -1 when it has none. */
int standin_vmnet_interface_descriptor(interface_ref interface);

#endif
