// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * After every event, lifetime_settle() evaluates the state: it begins the
 * shutdown if it is time, and sets the one timer.
 *
 * The shutdown, end_begin(), is the same for all reasons: requests are no
 * longer answered, all networks are released, and when vmnet has released the
 * last one, or does not respond in time, `done` is called. Before that,
 * watchers get their last event, unless one of them does not read.
 */

#include "lifetime.h"

#include <stdlib.h>

#include "log.h"
#include "protocol.h"
#include "text.h"

#define NANOSECONDS UINT64_C(1000000000)

static const uint64_t stop_timeout = VMNET_BROKER_STOP_TIMEOUT * NANOSECONDS;
static const uint64_t end_timeout = VMNET_BROKER_RELEASE_TIMEOUT * NANOSECONDS;
static const uint64_t farewell_timeout =
    VMNET_BROKER_FAREWELL_TIMEOUT * NANOSECONDS;

struct lifetime {
	struct lifetime_options options;
	dispatch_source_t timer;
	uint64_t due;          /* when the timer fires; UINT64_MAX: never */
	uint64_t first_client; /* when it connected; UINT64_MAX: not yet */
	int exit_status;
	uint64_t stop_deadline; /* of held networks; UINT64_MAX: never */
	bool ending;            /* networks are being released */
	uint64_t end_deadline;
	uint64_t farewell_deadline; /* until when watchers are waited for */
	bool over;
};

static uint64_t now(const struct lifetime *lifetime)
{
	return registry_now(lifetime->options.registry);
}

static struct registry_summary summary(const struct lifetime *lifetime)
{
	return registry_summary(lifetime->options.registry);
}

static void post(struct lifetime *lifetime, const char *name)
{
	const struct event event = { .name = name };

	events_post(lifetime->options.events, &event);
}

/* With the number of remaining holds: it tells a client that drains the broker
 * whether the broker exits because there are none. */
static void post_stopping(struct lifetime *lifetime)
{
	const size_t holders = summary(lifetime).holders;
	const struct event event = { .name = "stopping", .holders = &holders };

	events_post(lifetime->options.events, &event);
}

/*
 * The shutdown.
 */

static void finish(struct lifetime *lifetime, int exit_status)
{
	lifetime->over = true;
	dispatch_source_cancel(lifetime->timer);
	lifetime->options.done(lifetime->options.context, exit_status);
}

static bool farewell_is_over(const struct lifetime *lifetime)
{
	return events_are_sent(lifetime->options.events) ||
	    now(lifetime) >= lifetime->farewell_deadline;
}

/* Finishes if all networks are released, or if the time limit has expired. */
static void end_check(struct lifetime *lifetime, size_t left)
{
	if (left == 0) {
		if (!farewell_is_over(lifetime)) {
			return;
		}
		log_notice("exit: all networks are released");
		finish(lifetime, lifetime->exit_status);
	} else if (now(lifetime) >= lifetime->end_deadline) {
		log_error("exit: vmnet did not release %zu network%s: the "
			  "subnets may stay unusable until the Mac restarts",
		    left, text_plural(left));
		finish(lifetime, EXIT_FAILURE);
	}
}

static void end_begin(struct lifetime *lifetime, const char *reason)
{
	log_notice("stopping: %s", reason);
	if (summary(lifetime).phase != REGISTRY_STOPPING) {
		post_stopping(lifetime);
	}
	lifetime->ending = true;
	lifetime->end_deadline = now(lifetime) + end_timeout;
	lifetime->farewell_deadline = now(lifetime) + farewell_timeout;
	peers_stop_answering(lifetime->options.peers);
	registry_finish(lifetime->options.registry);
}

/*
 * When to shut down.
 */

/* When it will have been idle for long enough; UINT64_MAX: it is not idle. A
 * broker that has had no client yet, because KeepAlive or RunAtLoad started it,
 * keeps running: launchd would only start it again. */
static uint64_t idle_deadline(
    const struct lifetime *lifetime, const struct registry_summary *networks)
{
	const struct config *config =
	    registry_get_config(lifetime->options.registry);
	uint64_t since = networks->idle_since;

	if (lifetime->first_client == UINT64_MAX || networks->networks > 0) {
		return UINT64_MAX;
	}
	if (since < lifetime->first_client) {
		since = lifetime->first_client;
	}
	return since + config->options.idle * NANOSECONDS;
}

/* Why it is time to shut down, or NULL. */
static const char *end_reason(
    const struct lifetime *lifetime, const struct registry_summary *networks)
{
	uint64_t time = now(lifetime);

	if (networks->phase != REGISTRY_SERVING && networks->held == 0) {
		return "asked to stop, and no network is in use";
	}
	if (time >= lifetime->stop_deadline) {
		return "the time limit for clients to leave has passed";
	}
	if (time >= idle_deadline(lifetime, networks)) {
		return "idle";
	}
	return NULL;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_deadline(
    const struct lifetime *lifetime, const struct registry_summary *networks)
{
	uint64_t due = earlier(
	    networks->deadline, peers_deadline(lifetime->options.peers));

	if (lifetime->ending) {
		return earlier(due,
		    networks->networks == 0 ? lifetime->farewell_deadline
					    : lifetime->end_deadline);
	}
	due = earlier(due, idle_deadline(lifetime, networks));
	return earlier(due, lifetime->stop_deadline);
}

/* A timer that fires early does no harm, so it is not moved to a later time:
 * each request would move it twice. It is set again after it has fired. */
static void set_timer(struct lifetime *lifetime, uint64_t due)
{
	uint64_t time = now(lifetime);

	if (due >= lifetime->due) {
		return;
	}
	lifetime->due = due;
	dispatch_time_t start = dispatch_time(
	    DISPATCH_TIME_NOW, (int64_t)(due > time ? due - time : 0));
	dispatch_source_set_timer(
	    lifetime->timer, start, DISPATCH_TIME_FOREVER, 0);
}

void lifetime_settle(struct lifetime *lifetime)
{
	struct registry_summary networks = summary(lifetime);
	const char *reason = NULL;

	if (lifetime->over) {
		return;
	}
	if (!lifetime->ending) {
		reason = end_reason(lifetime, &networks);
	}
	if (reason != NULL) {
		end_begin(lifetime, reason);
		networks = summary(lifetime);
	}
	if (lifetime->ending) {
		end_check(lifetime, networks.networks);
	}
	if (!lifetime->over) {
		set_timer(lifetime, next_deadline(lifetime, &networks));
	}
}

static void timer_fired(struct lifetime *lifetime)
{
	lifetime->due = UINT64_MAX;
	if (!lifetime->over) {
		registry_expire(lifetime->options.registry);
		peers_expire(lifetime->options.peers);
	}
	lifetime_settle(lifetime);
}

/*
 * Requests to stop.
 */

/* peers_stop_answering() must come before registry_stop(): waiting clients are
 * refused or, if the broker exits now, not answered, so that they ask the next
 * broker. */
static void stop(struct lifetime *lifetime, enum registry_phase phase)
{
	const struct registry_summary before = summary(lifetime);

	if (before.phase >= phase || lifetime->ending) {
		return;
	}
	if (phase == REGISTRY_DRAINING) {
		post(lifetime, "draining");
	} else {
		post_stopping(lifetime);
	}
	if (before.held == 0) {
		peers_stop_answering(lifetime->options.peers);
	} else if (before.phase == REGISTRY_SERVING) {
		log_notice(
		    "asked to stop: waiting for the clients of %zu network%s",
		    before.held, text_plural(before.held));
	}
	registry_stop(lifetime->options.registry, phase);
}

void lifetime_drain(struct lifetime *lifetime)
{
	stop(lifetime, REGISTRY_DRAINING);
}

void lifetime_resume(struct lifetime *lifetime)
{
	if (summary(lifetime).phase != REGISTRY_SERVING) {
		log_notice("resumed: new clients are accepted again");
		registry_resume(lifetime->options.registry);
		post(lifetime, "resumed");
	}
}

void lifetime_shut_down(struct lifetime *lifetime)
{
	stop(lifetime, REGISTRY_STOPPING);
	if (!lifetime->ending && lifetime->stop_deadline == UINT64_MAX) {
		lifetime->stop_deadline = now(lifetime) + stop_timeout;
		log_notice("shutting down: clients have %d seconds to leave",
		    VMNET_BROKER_STOP_TIMEOUT);
	}
}

void lifetime_fail(struct lifetime *lifetime)
{
	lifetime->exit_status = EXIT_FAILURE;
	stop(lifetime, REGISTRY_STOPPING);
}

void lifetime_note_client(struct lifetime *lifetime)
{
	if (lifetime->first_client == UINT64_MAX) {
		lifetime->first_client = now(lifetime);
	}
}

bool lifetime_is_over(const struct lifetime *lifetime)
{
	return lifetime->over;
}

/*
 * Set-up.
 */

struct lifetime *lifetime_create(const struct lifetime_options *options)
{
	struct lifetime *lifetime = calloc(1, sizeof(*lifetime));

	if (lifetime == NULL) {
		return NULL;
	}
	lifetime->options = *options;
	lifetime->due = UINT64_MAX;
	lifetime->first_client = UINT64_MAX;
	lifetime->stop_deadline = UINT64_MAX;
	return lifetime;
}

void lifetime_start(struct lifetime *lifetime)
{
	lifetime->timer = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_TIMER, 0, 0, lifetime->options.queue);
	dispatch_source_set_event_handler(lifetime->timer, ^{
		timer_fired(lifetime);
	});
	lifetime_settle(lifetime);
	dispatch_activate(lifetime->timer);
}

void lifetime_destroy(struct lifetime *lifetime)
{
	if (lifetime == NULL) {
		return;
	}
	if (lifetime->timer != NULL) {
		dispatch_release(lifetime->timer);
	}
	free(lifetime);
}
