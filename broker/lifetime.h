// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The life of the broker: whether it takes new clients, when it ends, and the
 * one timer. Everything on the serial queue.
 */

#ifndef LIFETIME_H
#define LIFETIME_H

#include <dispatch/dispatch.h>
#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "peer.h"
#include "registry.h"

struct lifetime;

/* All of these stay the caller's, and must stay. */
struct lifetime_options {
	struct registry *registry;
	struct peers *peers;
	struct events *events;
	dispatch_queue_t queue;         /* the serial queue */
	uint64_t (*now)(void *context); /* ns */
	/* The end: all networks are released, or it is too late to wait. */
	void (*done)(void *context, int exit_status);
	void *context;
};

/* NULL: no memory. */
struct lifetime *lifetime_create(const struct lifetime_options *options);

/* Starts the timer. */
void lifetime_start(struct lifetime *lifetime);

/* NULL is fine. */
void lifetime_destroy(struct lifetime *lifetime);

/* After every event: ends the broker if it is time, and sets the timer. */
void lifetime_settle(struct lifetime *lifetime);

/* A client has come. */
void lifetime_note_client(struct lifetime *lifetime);

/* Each of these is followed by lifetime_settle(). */

/* No new holds; the broker ends when the last holder has left. */
void lifetime_drain(struct lifetime *lifetime);

/* Takes lifetime_drain() back. */
void lifetime_resume(struct lifetime *lifetime);

/* As lifetime_drain(), but holders have VMNET_BROKER_STOP_TIMEOUT. */
void lifetime_shut_down(struct lifetime *lifetime);

/* As lifetime_drain(), but for good, and the exit status is a failure. */
void lifetime_fail(struct lifetime *lifetime);

/* `done` has been called. */
bool lifetime_is_over(const struct lifetime *lifetime);

#endif
