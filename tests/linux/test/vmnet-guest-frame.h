// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The frames of a guest, for its own files.
 */

#ifndef VMNET_GUEST_FRAME_H
#define VMNET_GUEST_FRAME_H

#include <net/ethernet.h>

#include "vmnet-guest.h"

#define FRAME_MAX 1514

/* A broadcast. */
void guest_fill_ether(
    struct guest *guest, struct ether_header *ether, uint16_t type);

/* As guest_read(). 0: none came within the time, in ms; -1: there is no
 * limit. */
size_t guest_read_within(
    struct guest *guest, void *data, size_t size, int timeout);

#endif
