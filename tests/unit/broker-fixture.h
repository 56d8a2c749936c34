// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The whole broker but main(), for a fuzzer and a test: on an anonymous listener
 * in this process, with the vmnet of broker-vmnet.h and a clock that moves only
 * by fixture_advance(). What waits here waits for ever: its user sets an alarm.
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

/* Clients of the broker connect to it, between start and end. */
extern xpc_endpoint_t fixture_endpoint;

/* What a reload reads. */
extern const char *fixture_config_path;

/* Once. */
void fixture_open(void);

void fixture_start(void);

/* All clients must be gone. No network, object or descriptor may be left. */
void fixture_end(void);

/* Of broker-base.h's networks, which are all there. */
const char *fixture_network(size_t which);

/* A request, to be released; name NULL: without one. */
xpc_object_t fixture_request(const char *command, const char *name);

/* Whose the connections are that come from now on. */
void fixture_set_user(unsigned uid);

/* The broker has one for each network that it makes, until vmnet has it back. */
int fixture_transactions(void);

/* Lets the broker do what it can do now. */
void fixture_run(void);

void fixture_advance(uint64_t nanoseconds);

/* service_drain() or service_shut_down(). */
void fixture_stop(void (*how)(struct service *service));

void fixture_lose_listener(void);

/* Whether the broker has ended; until it has. */
bool fixture_is_done(void);
void fixture_wait_done(void);

/* A client may have asked it to stop. */
void fixture_expect_no_answers(void);

/* Before the start; they stay. */
void fixture_set_problems(char **problems, size_t count);

/* Whether the broker need not answer: it was asked to stop, or was idle. */
bool fixture_need_not_answer(void);

/* Ends the process. */
void require(bool condition);
void require_printable(const char *text);

#endif
