// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The objects of the vmnet of broker-vmnet.h, for its own files.
 */

#ifndef BROKER_VMNET_OBJECT_H
#define BROKER_VMNET_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmnet/vmnet.h>

enum fake_kind { CONFIGURATION = 1, NETWORK };

struct fake_object {
	enum fake_kind kind;
	int references;
	atomic_int *count;
};

struct vmnet_network_configuration {
	struct fake_object object;
	uint32_t gateway; /* host order; 0: the system chooses */
};

struct vmnet_network {
	struct fake_object object;
	uint32_t gateway;
};

/* Creates an object with one reference, which count includes until it is
 * freed. */
void *fake_object_create(size_t size, enum fake_kind kind, atomic_int *count);

/* Whether the test makes this call fail. Does not return if the test makes it
 * hang. */
bool fake_fault(const char *function, vmnet_return_t *status);

#endif
