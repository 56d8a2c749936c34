// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The lifetime of the broker: whether it accepts new clients, when it exits,
 * and the one timer. Call everything on the serial queue.
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

/* The caller owns all of these; they must stay valid. */
struct lifetime_options {
	struct registry *registry;
	struct peers *peers;
	struct events *events;
	dispatch_queue_t queue; /* the serial queue */
	/* All networks are released, or the time to wait for that has
	 * expired. */
	void (*done)(void *context, int exit_status);
	void *context;
};

/* NULL: out of memory. */
struct lifetime *lifetime_create(const struct lifetime_options *options);

/* Starts the timer. */
void lifetime_start(struct lifetime *lifetime);

/* NULL is allowed. */
void lifetime_destroy(struct lifetime *lifetime);

/* Call it after every event: shuts the broker down if it is time, and sets the
 * timer. */
void lifetime_settle(struct lifetime *lifetime);

/* A client has connected. */
void lifetime_note_client(struct lifetime *lifetime);

/* Each of these is followed by lifetime_settle(). */

/* Refuses new holds; the broker exits when the last holder has left. */
void lifetime_drain(struct lifetime *lifetime);

/* Cancels lifetime_drain(). */
void lifetime_resume(struct lifetime *lifetime);

/* Like lifetime_drain(), but holders have VMNET_BROKER_STOP_TIMEOUT to
 * leave. */
void lifetime_shut_down(struct lifetime *lifetime);

/* Like lifetime_drain(), but it cannot be cancelled, and the exit status is a
 * failure. */
void lifetime_fail(struct lifetime *lifetime);

/* `done` has been called. */
bool lifetime_is_over(const struct lifetime *lifetime);

#endif
