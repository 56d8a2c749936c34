// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef MANAGER_H
#define MANAGER_H

#include "../os/system.h"

/*
 * The manager thread's parts. Its loop: run the posts, fire the timers, wait,
 * call the watches.
 */

/* Starts the manager thread unless it runs. From any thread. */
void manager_start(void);

/* Makes the manager go around its loop. Safe in a signal handler. */
void manager_wake(void);

/* The manager's epoll descriptor. */
int manager_epoll(void);

/* After fork(): the thread does not exist in the child. */
void timers_forget(void);
void watches_forget(void);

/* Fires what is due; returns the next deadline, or UINT64_MAX. */
uint64_t timers_run(void);

/* Calls the watches of the descriptor. */
void watches_run(int fd, uint32_t events);

/* Calls the watches of descriptors that are always ready; returns whether there
 * are any. */
bool watches_run_always(void);

#endif
