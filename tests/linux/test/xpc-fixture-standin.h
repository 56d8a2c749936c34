// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Also shared by the tests of the stand-in's XPC: a launchd, counted objects,
 * and scenarios, which are separate processes.
 */

#ifndef XPC_FIXTURE_STANDIN_H
#define XPC_FIXTURE_STANDIN_H

#include <standin.h>

#include "xpc-fixture.h"

#define SERVICE "com.example.test"

/* An active connection to a service, as client_open(). */
xpc_connection_t client_to(const char *service, struct mailbox *events);

/* Waits until so many objects of the type are alive. */
void wait_alive(const char *type, long count);
/* Descriptors of this process that refer to the same file. */
size_t descriptors_to(int fd);
void wait_descriptors(int fd, size_t count);

/*
 * launchd: keeps the socket of a service, and starts the service by running
 * this program with "serve MODE" when a client connects.
 */
void launchd_start(void);
/* mode NULL: no service is started. */
void launchd_register(const char *service, const char *mode);
/* As after bootout. */
void launchd_unregister(void);
/* Waits for the service to run; its pid. Then it may be killed. */
pid_t launchd_wait_running(void);
void launchd_kill(void);
/* Waits until the process has gone by itself; its status. */
int launchd_wait_gone(void);
/* Waits until that number of transactions was reported. */
void launchd_wait_transactions(long count);

/*
 * Scenarios: this very program, started again with the arguments.
 */
/* Runs it; its status. What it wrote to stderr is in text. */
int scenario_run(const char *one, const char *two, char *text, size_t size);
/* Starts it and lets it run. */
pid_t scenario_start(const char *name);
/* It must abort with this message. */
void expect_misuse(const char *name, const char *why);

#endif
