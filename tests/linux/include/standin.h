// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Features of the Linux stand-in that macOS does not have: inject faults, run
 * on a clock that the test advances, count objects. For tests only, never for
 * the product itself.
 *
 * Everything can also be requested in the environment of any process:
 *
 *     STANDIN_FAIL=KIND:N[+][=STATUS],...    see standin_fail()
 *     STANDIN_HANG=FUNCTION:N,...            see standin_hang()
 *     STANDIN_COUNT=FILE                     at exit, append "TYPE N" for
 *                                            every type with objects alive
 *     STANDIN_CLOCK=FILE                     the clock, shared by processes
 *     STANDIN_LOG=stderr                     os_log goes to stderr as well
 *     STANDIN_DIR=DIR                        where the sandbox's sockets and
 *                                            its log are (/run/standin)
 *
 * All of it is process-wide and thread-safe.
 */

#ifndef STANDIN_H
#define STANDIN_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Faults
 */

/*
 * Sets the plan, a comma-separated list of KIND:N[+][=STATUS]; NULL clears it.
 * All counts restart from 0. KIND is
 *
 *     malloc      malloc, calloc, realloc, strdup, asprintf ... as called by
 *                 the program itself: NULL and ENOMEM
 *     fd          open, dup, socket, accept, pipe, fcntl(F_DUPFD) ... as
 *                 called by the program itself: -1 and EMFILE
 *     FUNCTION    a function of vmnet.framework: returns STATUS (1001)
 *     guest_stops_first
 *                 a VZVirtualMachine that is to be stopped by force has just
 *                 stopped by itself: the request fails
 *     signal      a dispatch source does not see a signal
 *     interruption
 *                 a client's connection is invalid where it would only be
 *                 interrupted
 *     termination XPC_ERROR_TERMINATION_IMMINENT does not come
 *
 * and N counts calls of that kind from 1: the Nth fails; with "+" all after it
 * fail as well. KIND=STATUS alone means all calls. An invalid plan aborts,
 * because a test without faults would test nothing.
 */
void standin_fail(const char *plan);

/* Number of calls of that kind since the plan was set; they are also counted
 * without a plan. */
unsigned long standin_fail_count(const char *kind);

/* The same grammar, for calls of vmnet functions that never return. */
void standin_hang(const char *plan);

/* Lets all hanging calls return, and clears the plan of hanging calls. */
void standin_unhang(void);

/* For the libraries: whether this call should fail. Counts the call. */
bool standin_fault(const char *kind);
bool standin_fault_status(const char *function, int *status);

/* For the libraries: counts the call; does not return if it should hang. */
void standin_fault_hang(const char *function);

/*
 * Objects
 */

/* Number of live objects of that type in this process; NULL: of all types. */
long standin_objects_alive(const char *type);

/* For the libraries. The type must be a string that stays valid. */
void standin_count_add(const char *type, int delta);

/*
 * The clock
 */

/*
 * Advances the clock and fires the timers that are due, in all processes that
 * share it. The first call stops the clock of this process, unless
 * STANDIN_CLOCK already did; an advance by 0 does only that.
 */
void standin_clock_advance(uint64_t nanoseconds);

/* Nanoseconds, as reported to the program by clock_gettime(CLOCK_MONOTONIC). */
uint64_t standin_clock_now(void);

#ifdef __cplusplus
}
#endif

#endif
