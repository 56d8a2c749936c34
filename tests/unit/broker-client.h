// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Clients of the broker of broker-fixture.h, for cmocka tests: they ask, hold, and
 * keep the events that they are sent.
 */

#ifndef BROKER_CLIENT_H
#define BROKER_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>
#include <xpc/xpc.h>

/* Users that are neither root nor the broker's. */
#define USER 501
#define OTHER_USER 502

/* What is kept of a client's events: the first of them. */
#define EVENTS 64

/* A test with a broker of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* fixture_open() comes before the first of them. */
int set_up(void **unused);
/* All clients must be gone. Ends the failures that the test asked for. */
int tear_down(void **unused);

struct client {
	xpc_connection_t connection;
	atomic_bool ended;
	atomic_int pending; /* of ask_later() */
	/* The last reply to ask_later(), or NULL. Several threads may write it: the
	 * replies to a client that dies come on any of them. */
	_Atomic(xpc_object_t) last;
	xpc_object_t events[EVENTS];
	atomic_int event_count;
	atomic_ulong dropped; /* by the broker, as it says */
};

/* One that the broker knows, as that user. */
struct client *client_connect(unsigned uid);
void client_destroy(struct client *client);

/* Until its connection is known to have ended. */
void wait_ended(struct client *client);

/* Asks, and waits; name NULL: without one. */
xpc_object_t ask(struct client *client, const char *command, const char *name);

void ask_later(struct client *client, const char *command, const char *name);
void wait_reply(struct client *client);

/* The generation of the network that it was granted. */
uint64_t acquire(struct client *client, const char *name);

/* The entry of a network in the reply to list, without what vmnet chose. */
xpc_object_t get_listed(struct client *client, const char *name);

void wait_state(struct client *client, const char *name, const char *state);

/*
 * A value is written as text: {a=1 b="x"}, with the keys sorted; true and false,
 * 1 for a uint64, i1 for an int64, [] for an array.
 */
void assert_describes(xpc_object_t value, const char *expected);

/* These release reply. */
void assert_reply(xpc_object_t reply, const char *expected);
/* One value of it. */
void assert_value(xpc_object_t reply, const char *key, const char *expected);
/* An error, which has part in its message, and nothing else. */
void assert_refused(xpc_object_t reply, int64_t status, const char *part);

#endif
