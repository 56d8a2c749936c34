// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The whole broker except main(), for a fuzzer and for tests: it has an
 * anonymous listener in this process, the vmnet of broker-vmnet.h, and a clock
 * that only fixture_advance() changes. Functions that wait have no timeout, so
 * the program sets an alarm.
 */

#ifndef BROKER_FIXTURE_H
#define BROKER_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

#include "broker-base.h"
#include "service.h"

/* Clients connect to it, between fixture_start() and fixture_end(). */
extern xpc_endpoint_t fixture_endpoint;

/* The file that a reload reads. */
extern const char *fixture_config_path;

/* Prepares the process; call it once. */
void fixture_open(void);

/* Starts a broker. */
void fixture_start(void);

/* Stops it. All clients must have left. No network, object or descriptor may be
 * left over. */
void fixture_end(void);

/* The name of a network of broker-base.h, counted from 0. */
const char *fixture_network(size_t which);

/* Creates a request; name NULL: without a network. */
xpc_object_t fixture_request(const char *command, const char *name);

/* Sets the user of new connections. */
void fixture_set_user(unsigned uid);

/* The broker has one for each network that it makes, until vmnet has it
 * back. */
int fixture_transactions(void);

/* Waits until the broker has done its current work. */
void fixture_run(void);

/* Advances the clock. */
void fixture_advance(uint64_t nanoseconds);

/* Calls service_drain() or service_shut_down(). */
void fixture_stop(void (*how)(struct service *service));

/* Cancels the listener. */
void fixture_lose_listener(void);

/* Whether the broker has exited, and waiting for that. */
bool fixture_is_done(void);
void fixture_wait_done(void);

/* From now on the broker need not answer: a client may have stopped it. */
void fixture_expect_no_answers(void);

/* The problems of the configuration; call it before fixture_start(). */
void fixture_set_problems(char **problems, size_t count);

/* Whether the broker need not answer, because it was stopped or was idle. */
bool fixture_need_not_answer(void);

/* These end the process if the condition is false. */
void require(bool condition);
void require_printable(const char *text);

#endif
