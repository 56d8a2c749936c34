// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks for the tests of the stand-in's vmnet that need no interface, and so
 * no root.
 */

#ifndef VMNET_NETWORK_FIXTURE_H
#define VMNET_NETWORK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include <standin.h>

#include "vmnet-fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of a test: vmnetd without options. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Creates it, checks the status and the subnet; the caller's to release. */
vmnet_network_ref network_expect(
    vmnet_mode_t mode, const char *subnet, const char *want);

/* It must be refused, with that status. */
void network_expect_refused(
    vmnet_mode_t mode, const char *subnet, vmnet_return_t want);

vmnet_network_configuration_ref config_shared(void);

/* A network with a reservation and a rule, on 10.9.8.1/24. */
vmnet_network_ref network_full(void);

#endif
