// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The whole broker except main(), and clients of it. It has an anonymous
 * listener in this process, the vmnet of broker-vmnet.h, the host of
 * broker-host.h, and a clock that only advance() changes. Functions that wait
 * have no timeout: they wait until the test is killed.
 *
 * After each test, no network, interface, connection, message or descriptor may
 * be left over.
 */

#ifndef BROKER_SERVICE_FIXTURE_H
#define BROKER_SERVICE_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xpc/xpc.h>

#include "broker-base.h"
#include "broker-host.h"
#include "broker-vmnet.h"
#include "config.h"
#include "failure.h"
#include "protocol.h"
#include "run-until-failure.h"

/* The user of the clients, unless a test sets another one. */
#define USER 501

/* The broker of a test, between set_up() and tear_down(). Its networks are the
 * valid ones of broker-base.h: far has the bridge's subnet, near that of
 * en0. */
struct fixture {
	struct config config; /* on its queue */
	xpc_connection_t listener;
	xpc_endpoint_t endpoint;
	atomic_int done; /* how often the broker reported its exit */
	atomic_int exit_status;
};

extern struct fixture fixture;

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define RUN(tests) RUN_UNTIL_FAILURE(tests, warm_up, NULL)

int warm_up(void **unused);
int set_up(void **unused);
int tear_down(void **unused);

/* Stops the broker as tear_down() does, and starts another one. */
void restart(void);

/* Runs the block on the broker's queue, where its data may be changed. */
void on_queue(void (^block)(void));

/* Changes the definition of a network that has no holder. */
void set_network(const char *name, struct config_network network);

/* Advances the clock, in ns. */
void advance(uint64_t time);

/* Stops the broker, unless it has exited. */
void stop(void);

/*
 * These wait until the broker's work has led to a condition.
 */

void wait_until(bool (^condition)(void));
/* A line of the log contains this text. */
void wait_log(const char *text);
/* vmnet has this many networks. */
void wait_networks(int count);
/* All connections except the listener have ended, at both ends. */
void wait_no_clients(void);
/* The broker has exited, and vmnet has no networks and interfaces left. */
void wait_done(int status);

/*
 * Clients.
 */

struct client {
	xpc_connection_t connection;
	atomic_int ended; /* number of errors that its handler got */
};

void connect_client(struct client *client);
void wait_ended(struct client *client);
void close_client(struct client *client);

/* Creates a request; NULL: without that key. */
xpc_object_t request_create(const char *command, const char *name);

/* Sends the request, releases it, and returns the reply. */
xpc_object_t ask(struct client *client, xpc_object_t request);

/* Releases the reply, and returns its status; 0: it has a network; -1: the
 * connection ended. */
int64_t get_status(xpc_object_t reply);

int64_t acquire(struct client *client, const char *name);

void assert_acquire(struct client *client, const char *name, int64_t status);
/* Checks a value of the reply's info. */
void assert_info(xpc_object_t reply, const char *key, const char *expected);

/* A client connects, acquires the network, and disconnects. */
void assert_client_can_acquire(const char *name);
/* The same, and the network is released after its linger time. */
void acquire_and_release(const char *name);

/* The replies to requests that do not block. */
struct replies {
	atomic_int networks;
	atomic_int ends;
	atomic_int refused;
	atomic_int status; /* of the last refusal */
};

void acquire_later(
    struct client *client, struct replies *replies, const char *name);
void wait_replies(struct replies *replies, int count);

/*
 * Status.
 */

struct status {
	uint64_t peers;
	bool stopping;
	size_t networks;
};

struct status get_broker_status(struct client *client);
void wait_peers(struct client *client, uint64_t count);

/* expected: state and holders, such as "held 2"; "": no such network. */
void assert_network(
    struct client *client, const char *name, const char *expected);

#endif
