// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * For the tests of the stand-in's vmnet with the kernel: interfaces and frames,
 * in a separate network namespace. Needs root, or user namespaces and a tun
 * device that all users may open.
 */

#ifndef VMNET_INTERFACE_FIXTURE_H
#define VMNET_INTERFACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include <standin.h>

#include "vmnet-fixture.h"
#include "vmnet-guest.h"

/* First in main(); the tests are skipped when there is no namespace. */
void fixture_enter(void);

/* Of a test: vmnetd without options, or with these. */
int fixture_setup(void **state);
int fixture_setup_with(const char *const *options);
int fixture_teardown(void **state);

/* Skips the test when there is no namespace. */
void need_namespace(void);

/* The scenario must succeed; the second: as a user other than root. */
void run_scenario(void (*scenario)(void));
void run_scenario_as_user(void (*scenario)(void));

/* For vmnet_start_interface(). */
xpc_object_t legacy_description(operating_modes_t mode);

bool link_exists(const char *name);

vmnet_network_ref network_make(vmnet_mode_t mode, const char *subnet);

/* Reads up to count packets, each with a buffer of size bytes. */
vmnet_return_t read_packets(struct guest *guest, size_t size, int count);

#endif
