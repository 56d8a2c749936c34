// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * S21: a client dies in each state of a network and of a request, alone, beside
 * one other client of the network, and beside 100. Afterwards the state, the
 * holders, the clients and the events of the others must be exact, and
 * fixture_end() checks that nothing is left over.
 */

#ifndef BROKER_KILL_FIXTURE_H
#define BROKER_KILL_FIXTURE_H

#include <stdbool.h>

#include "broker-client.h"
#include "broker-fixture.h"
#include "run-until-failure.h"

/* Of a void function without parameters, which lets the victim die. */
#define KILL_TEST(name)                                                        \
	{                                                                      \
#name, die_in_state, choose_state, NULL, (void *)name          \
	}

int choose_state(void **state);
void die_in_state(void **unused);

#define KILL_NETWORK "default"
#define OTHERS_MAX 100

extern struct client *victim;
extern struct client *others[OTHERS_MAX];
extern int others_count;

/* When it is back, the broker has read all that the client has sent. */
void ask_and_wait(struct client *client, const char *name);

/* The victim first. */
void all_ask(void);

/* A client had the network before, and has left. */
void leave_lingering(void);

/* Until this is the state of the network, with so many holders and clients. */
void expect(const char *name, const char *state, int holders, int clients);
/* The victim is dead, and so many others hold it. */
void expect_rest(const char *state);
/* Held by the others; without others it is left as `alone`. */
void expect_held(const char *alone);

/* The last answer is a network, or a refusal. */
void expect_answer(struct client *client, bool granted);
/* Of each of the others. */
void expect_answers(bool granted);

#endif
