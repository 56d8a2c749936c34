// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Shared by the tests of the stand-in's vmnet: a separate vmnetd, and scenarios
 * in separate processes, so that each scenario starts with an unused library,
 * and can run as another user or be killed.
 */

#ifndef VMNET_FIXTURE_H
#define VMNET_FIXTURE_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <CoreFoundation/CoreFoundation.h>
#include <vmnet/vmnet.h>

#define CHECK_INT(got, want)                                                   \
	do {                                                                   \
		long long got_ = (long long)(got), want_ = (long long)(want);  \
		if (got_ != want_) {                                           \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n",       \
			    __FILE__, __LINE__, #got, got_, want_);            \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define CHECK_TRUE(what) CHECK_INT(!!(what), 1)

#define CHECK_STRING(got, want)                                                \
	do {                                                                   \
		const char *got_ = (got), *want_ = (want);                     \
		if (got_ == NULL || strcmp(got_, want_) != 0) {                \
			fprintf(stderr, "%s:%d: %s is %s, not %s\n", __FILE__, \
			    __LINE__, #got, got_, want_);                      \
			exit(1);                                               \
		}                                                              \
	} while (0)

/*
 * A network namespace with an en0 and a default route, for this process and
 * vmnetd; before anything else. NULL, or why there cannot be one.
 */
const char *fixture_namespace(void);

/* Starts vmnetd in a fresh STANDIN_DIR; options end with NULL. */
void fixture_start(const char *const *options);

/* Ends it and starts another in the same place. */
void fixture_restart(void);

/* SIGTERM; it must exit with 0 and leave nothing in its directory. */
void fixture_stop(void);

/* Calls scenario in a new process; true if it returned and nothing leaked. */
bool fixture_run(void (*scenario)(void));

/* The same as a user other than root, if there is one. */
bool fixture_run_user(void (*scenario)(void));

/* In the background; it has reached fixture_hold when this returns. */
pid_t fixture_background(void (*scenario)(void));
/* Until it is killed, or fixture_end lets it continue. */
void fixture_hold(void);
void fixture_kill(pid_t pid);
/* True if it ended well. */
bool fixture_end(pid_t pid);

/* A network: NULL for a subnet that the system chooses. */
vmnet_network_ref fixture_network(
    vmnet_mode_t mode, const char *subnet, vmnet_return_t *status);

/* "192.168.64.1/24" of a network; good until the next call. */
const char *fixture_subnet(vmnet_network_ref network);

#endif
