// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The whole broker but main(), on an anonymous listener in this process, with the
 * vmnet of broker-vmnet.h, the host of broker-host.h, and a clock that moves only
 * by advance(); and clients of it. What waits here waits until the test is killed.
 *
 * After each test nothing is left: no network, interface, connection, message or
 * descriptor.
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

/* Whose clients are, unless a test says something else. */
#define USER 501

/* The broker, between the set-up and the tear-down of a test. Its networks are
 * those of broker-base.h that can be had: the subnet of far is the bridge's, and
 * that of near is en0's. */
struct fixture {
	struct config config; /* on its queue */
	xpc_connection_t listener;
	xpc_endpoint_t endpoint;
	atomic_int done; /* how often the broker said that it has ended */
	atomic_int exit_status;
};

extern struct fixture fixture;

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define RUN(tests) RUN_UNTIL_FAILURE(tests, warm_up, NULL)

int warm_up(void **unused);
int set_up(void **unused);
int tear_down(void **unused);

/* Another broker, after this one has ended as in tear_down(). */
void restart(void);

/* What the broker reads is changed there. */
void on_queue(void (^block)(void));
/* While the network has no holder. */
void set_network(const char *name, struct config_network network);

void advance(uint64_t time);

/* Asks the broker to stop, unless it has. */
void stop(void);

/*
 * These let everything happen that can happen now, until something holds.
 */

void wait_until(bool (^condition)(void));
/* A line of the log has this text. */
void wait_log(const char *text);
/* vmnet has so many networks. */
void wait_networks(int count);
/* All connections but the listener's are gone, on both sides. */
void wait_no_clients(void);
/* The broker has ended, with nothing left of vmnet's. */
void wait_done(int status);

/*
 * Clients.
 */

struct client {
	xpc_connection_t connection;
	atomic_int ended; /* errors that its handler got */
};

void connect_client(struct client *client);
void wait_ended(struct client *client);
void close_client(struct client *client);

/* NULL: without that key. */
xpc_object_t request_create(const char *command, const char *name);

/* Sends request, which it releases, and waits. */
xpc_object_t ask(struct client *client, xpc_object_t request);

/* Releases reply. 0: a network; -1: the connection ended. */
int64_t get_status(xpc_object_t reply);

int64_t acquire(struct client *client, const char *name);

void assert_acquire(struct client *client, const char *name, int64_t status);
/* A value of the reply's info. */
void assert_info(xpc_object_t reply, const char *key, const char *expected);

/* One client that comes, acquires, and goes. */
void assert_client_can_acquire(const char *name);
/* The same, until the network has gone. */
void acquire_and_release(const char *name);

/* Requests whose replies come later. */
struct replies {
	atomic_int networks;
	atomic_int ends;
	atomic_int refused;
	atomic_int status; /* of the last that was refused */
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

/* "held 2", or "" if there is no such network. */
void assert_network(
    struct client *client, const char *name, const char *expected);

#endif
