// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The service of the tests of XPC, which executes the commands of its clients,
 * and these clients.
 */

#ifndef XPC_SERVICE_FIXTURE_H
#define XPC_SERVICE_FIXTURE_H

#include "xpc-fixture-standin.h"

/*
 * The service runs in this program, which launchd starts again. It replies with
 * its process ID ("pid") to every command but these:
 *
 *     silence, keep        keeps the request, and does not reply
 *     die                  exits
 *     hang up              cancels the connection
 *
 * It also does what these say: begin and end (a transaction), forget (the kept
 * requests), use up descriptors, release descriptors. When it is to terminate, it
 * sends "told": "termination".
 */

/* In main(), first: runs the service if that is what the arguments say. */
void service_main(int argc, char **argv);

/* Sends {"command": text}. */
void send_command(xpc_connection_t client, const char *text);

/* Sends it, and puts the reply into the mailbox. Replies come in the order in
 * which they arrived: on one serial queue. */
void ask_for(
    xpc_connection_t client, const char *text, struct mailbox *answers);

/* Sends it, and waits for the reply. */
xpc_object_t call(xpc_connection_t client, const char *text);

/* The pid of the process that served this call. */
pid_t call_pid(xpc_connection_t client, const char *text);

#endif
