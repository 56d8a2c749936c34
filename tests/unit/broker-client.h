// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Clients of the broker of broker-fixture.h, for cmocka tests: they send
 * requests, hold networks, and keep the events that they get.
 */

#ifndef BROKER_CLIENT_H
#define BROKER_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>
#include <xpc/xpc.h>

/* Ordinary users. */
#define USER 501
#define OTHER_USER 502

/* The number of events that a client keeps, the first ones. */
#define EVENTS 64

/* A test with its own broker. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Starts a broker; fixture_open() must have been called. */
int set_up(void **unused);
/* Stops the broker; all clients must have left. Ends failures and hangs that
 * the test has started. */
int tear_down(void **unused);

struct client {
	xpc_connection_t connection;
	atomic_bool ended;
	/* The requests of ask_later() without a reply, and the replies with a
	 * network and with an error. */
	atomic_int pending;
	atomic_int granted;
	atomic_int refused;
	/* The last reply to ask_later(), or NULL. Several threads may write it:
	 * the replies to a client that dies come on any of them. */
	_Atomic(xpc_object_t) last;
	xpc_object_t events[EVENTS];
	atomic_int event_count;
	atomic_ulong dropped; /* events, as reported by the broker */
};

/* Connects a client of that user, and waits until the broker knows it. */
struct client *client_connect(unsigned uid);
void client_destroy(struct client *client);

/* Waits until its connection has ended. */
void wait_ended(struct client *client);

/* Sends a request and returns the reply; name NULL: without a network. */
xpc_object_t ask(struct client *client, const char *command, const char *name);

/* Sends a request; wait_reply() waits for the replies to all of them. */
void ask_later(struct client *client, const char *command, const char *name);
void wait_reply(struct client *client);

/* Acquires a network, and returns its generation. */
uint64_t acquire(struct client *client, const char *name);

/* The entry of a network in the reply to list, without the values that vmnet
 * chose. */
xpc_object_t get_listed(struct client *client, const char *name);

void wait_state(struct client *client, const char *name, const char *state);

/*
 * The expected value is text: {a=1 b="x"} for a dictionary, with sorted keys;
 * true and false; 1 for a uint64; i1 for an int64; [] for an array.
 */
void assert_describes(xpc_object_t value, const char *expected);

/* These release reply. */
void assert_reply(xpc_object_t reply, const char *expected);
/* Checks one value of it. */
void assert_value(xpc_object_t reply, const char *key, const char *expected);
/* Checks that it is only an error, whose message contains `part`. */
void assert_refused(xpc_object_t reply, int64_t status, const char *part);

#endif
