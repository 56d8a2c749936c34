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

#include "broker-client.h"
#include "broker-fixture.h"
#include "run-until-failure.h"

/* A test: the void function `name`, without parameters, lets the victim die. */
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

/* Requests a network. On return, the broker has read the request. */
void ask_and_wait(struct client *client, const char *name);

/* All clients request the network, the victim first. */
void all_ask(void);

/* Another client has held the network and left. */
void leave_lingering(void);

/* Waits until the network has this state and number of holders, and the broker
 * this number of clients. */
void expect(const char *name, const char *state, int holders, int clients);
/* The same: the victim is dead, and all others hold the network or wait for
 * it. */
void expect_rest(const char *state);
/* The same: the others hold it; without others, its state is `alone`. */
void expect_held(const char *alone);

/* Waits for the replies to the others, and checks that each of them got so many
 * networks and refusals. */
void expect_answers(int granted, int refused);

#endif
