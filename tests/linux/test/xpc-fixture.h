// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Shared by the tests of XPC: mailboxes that handlers fill and tests empty, and
 * pairs of connected connections. Nothing here needs the stand-in.
 */

#ifndef XPC_FIXTURE_H
#define XPC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <cmocka.h>

#include <pthread.h>
#include <xpc/xpc.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MANY 200 /* messages, to find what goes wrong only now and then */

/* The singletons, as objects. */
#define INVALID ((xpc_object_t)XPC_ERROR_CONNECTION_INVALID)
#define INTERRUPTED ((xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED)
#define TERMINATION ((xpc_object_t)XPC_ERROR_TERMINATION_IMMINENT)

/*
 * Mailboxes: objects in the order of arrival. MAILBOX is empty.
 */
struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t count, capacity;
	xpc_object_t *objects; /* references */
};

#define MAILBOX                                                                \
	{                                                                      \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0,     \
		    NULL                                                       \
	}

void mailbox_put(struct mailbox *box, xpc_object_t object);
/* Waits for the next object, which becomes the caller's. */
xpc_object_t mailbox_get(struct mailbox *box);
/* Waits for an object, which must be this error. */
void mailbox_expect(struct mailbox *box, xpc_object_t error);
/* Waits for a dictionary whose "n" must be this number; releases it. */
void mailbox_expect_number(struct mailbox *box, int64_t number);
/* Waits until pending events have arrived; the mailbox must be empty then. */
void mailbox_expect_nothing(struct mailbox *box);
void mailbox_free(struct mailbox *box);

/* A flag that a thread waits for. */
struct flag {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int value;
};

#define FLAG                                                                   \
	{                                                                      \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0         \
	}

void flag_add(struct flag *flag);
/* Waits until it is at least value. */
void flag_wait(struct flag *flag, int value);
int flag_get(struct flag *flag);

/*
 * Connections. The handlers put what they get into the mailbox.
 */

/* An active anonymous listener. Its peers are activated with that mailbox. */
struct listener {
	xpc_connection_t connection;
	xpc_endpoint_t endpoint;
	struct mailbox events; /* connections and errors */
	struct mailbox *peers;
	dispatch_queue_t queue; /* of the peers; NULL: the default */
	bool passive;           /* peers are left alone */
};

void listener_open(struct listener *listener, struct mailbox *peers);
void listener_close(struct listener *listener);

/* An active connection to it. */
xpc_connection_t client_open(xpc_endpoint_t endpoint, struct mailbox *events);
/* Cancels, waits for INVALID, releases. */
void client_close(xpc_connection_t client, struct mailbox *events);

void connection_record(xpc_connection_t connection, struct mailbox *events);

/* A client, the peer that serves it, and the events of each. */
struct pair {
	struct listener listener;
	xpc_connection_t client, server; /* references */
	struct mailbox client_events, server_events;
	struct flag gone; /* counts: listener, client and server are freed */
};

void pair_open(struct pair *pair);
/* Closes what is still open, and waits until all three are freed. */
void pair_close(struct pair *pair);

/* {"n": number} */
xpc_object_t message_create(int64_t number);
void send_number(xpc_connection_t connection, int64_t number);
/* Sends a request; its reply goes into the mailbox. */
void ask(xpc_connection_t connection, struct mailbox *answers);
/* Answers the request with {"n": number} and releases it. */
void answer(xpc_object_t request, int64_t number);
/* Takes a request from the mailbox and answers it. */
void serve_one(struct mailbox *box, int64_t number);

/* Waits until everything that was pending at the call has happened. */
void settle(void);

/* Sets up $STANDIN_DIR; removes it at exit. Ends the process if it hangs. */
void fixture_start(void);

#endif
