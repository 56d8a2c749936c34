// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks by name, who holds them, and when they go.
 *
 *	inactive   there is no vmnet network. An acquire begins to create it.
 *	creating   vmnet is creating it; clients that ask wait. When it is there:
 *	           held, or lingering if all of them have left. If that fails, all
 *	           who wait are told, and it is inactive. If it takes too long, the
 *	           same, but it is stuck.
 *	held       at least one client holds it. An acquire is granted at once.
 *	lingering  the last holder has left; the next acquire takes it as it is.
 *	           When the linger time is over it is released.
 *	releasing  vmnet is releasing it; clients that ask wait until it has been
 *	           created again. If that takes too long, all who wait are told,
 *	           and it is stuck.
 *	stuck      a call of vmnet timed out and has not returned; an acquire is
 *	           refused. When vmnet has answered, it is inactive.
 *
 * All but the inactive networks are active. A registry that is draining or
 * stopping grants a network only to clients that hold it already; what nobody
 * holds is released, and clients that wait are refused.
 *
 * Plain C: no XPC, no dispatch. All calls and all callbacks on one thread (the
 * serial queue). Time is monotonic nanoseconds.
 */

#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "backend.h"
#include "config.h"
#include "failure.h"
#include "log.h"

enum network_state {
	NETWORK_INACTIVE,
	NETWORK_CREATING,
	NETWORK_HELD,
	NETWORK_LINGERING,
	NETWORK_RELEASING,
	NETWORK_STUCK,
};

/* One client's hold on one network, or its wish for one. */
struct hold {
	struct network *network; /* NULL: none */
	bool granted;
	/*
	 * The wish was granted (NULL), or refused: the registry has forgotten it,
	 * and `network` is what it was for. May come from inside
	 * registry_acquire(). Must not call the registry.
	 */
	void (*done)(struct hold *hold, const struct failure *failure);
	void *context;
	TAILQ_ENTRY(hold) entry;
};

TAILQ_HEAD(hold_list, hold);

/* For others to read. */
struct network {
	/* The newest definition; if that has a problem, the last without, if any. */
	const struct config_network *config;
	/* What vmnet made it from; NULL: inactive. */
	const struct config_network *made;
	struct config *config_of; /* retained, as is made_of */
	struct config *made_of;
	bool removed;        /* from the configuration */
	const char *problem; /* of its entry now, or NULL */
	struct registry *registry;
	enum network_state state;
	struct hold_list holds; /* also those that wait */
	size_t hold_count;
	struct backend_network *backend; /* unless inactive */
	uint64_t since;                  /* when the state began */
	uint64_t deadline;               /* of the state; UINT64_MAX: none */
	struct backend_info info;        /* held and lingering */
	uint64_t generation;
	time_t stuck_since;
	struct log_limit failures;
	TAILQ_ENTRY(network) entry; /* while active */
};

enum registry_phase {
	REGISTRY_SERVING,
	REGISTRY_DRAINING, /* until registry_resume() */
	REGISTRY_STOPPING, /* for good */
};

enum registry_event_kind {
	REGISTRY_STATE,   /* it is in another state */
	REGISTRY_CREATED, /* still in state creating */
	REGISTRY_FAILED,  /* in the state in which it failed */
	REGISTRY_ACQUIRED,
	REGISTRY_RELEASED,
};

/* Something that happened to a network. */
struct registry_event {
	enum registry_event_kind kind;
	const struct network *network;
	const struct hold *hold;       /* whose it is, or NULL */
	const struct failure *failure; /* why, or NULL */
};

struct registry_options {
	/* Of the first network. Random, so that no other broker had it. */
	uint64_t generation;
	uint64_t (*now)(void *context);
	/* Something happened outside of a call. */
	void (*changed)(void *context);
	/* May be NULL. Must not call the registry. */
	void (*event)(void *context, const struct registry_event *event);
	void *context;
};

struct registry;

/* Retains config. NULL: no memory. */
struct registry *registry_create(
    struct config *config, const struct registry_options *options);

/* When all networks are inactive. */
void registry_destroy(struct registry *registry);

/* What it was given last. */
const struct config *registry_get_config(const struct registry *registry);

/* Begins to create the persistent networks that are inactive. */
void registry_start(struct registry *registry);

enum registry_change {
	REGISTRY_ADDED,
	REGISTRY_CHANGED, /* now */
	REGISTRY_PENDING, /* when it is made the next time: it is in use */
	REGISTRY_REMOVED, /* for new holds: if it is in use it is pending, too */
	REGISTRY_CHANGES,
};

/*
 * Takes another configuration in force, and retains it. Each change is told.
 * Who may use a network and how long it lingers changes at once; what vmnet has
 * made when nobody holds it any more. A network that has a problem now keeps
 * its last good definition. -1: no memory, and nothing has changed.
 */
int registry_reload(struct registry *registry, struct config *config,
    void (*tell)(void *context, enum registry_change change, const char *name),
    void *context);

/* Whether it will be another one when it is made the next time. */
bool registry_is_pending(const struct network *network);

/* All networks in the order of their names, from 0; NULL: there are no more. */
const struct network *registry_get(
    const struct registry *registry, size_t index);

/* Also one that was removed while it is in use. NULL: no such network. */
struct network *registry_find(struct registry *registry, const char *name);

/*
 * Wishes for a hold: done and context set, network NULL. hold->done is called
 * once, unless registry_release() comes first.
 */
void registry_acquire(struct network *network, struct hold *hold);

/* Gives up a hold or a wish. */
void registry_release(struct hold *hold);

/* What registry_summary() calls the deadline has come. */
void registry_expire(struct registry *registry);

/* No new holds; what nobody holds is released. */
void registry_stop(struct registry *registry, enum registry_phase phase);

/* Takes draining back. */
void registry_resume(struct registry *registry);

/*
 * Begins to release a network that nobody holds, also one that is being made:
 * whoever waits for it waits for the next. It is inactive, releasing or stuck
 * afterwards.
 */
void registry_recreate(struct network *network);

/* Why a stuck network cannot be had. */
void registry_explain_stuck(
    const struct network *network, struct failure *failure);

/* Releases all networks, whoever holds them: holds end without a word. */
void registry_finish(struct registry *registry);

/* All networks at a glance. */
struct registry_summary {
	enum registry_phase phase;
	size_t networks;     /* that are active */
	size_t held;         /* networks with a holder */
	size_t holders;      /* holds that were granted */
	uint64_t idle_since; /* since when all are inactive; if they are */
	uint64_t deadline;   /* of registry_expire(); UINT64_MAX: none */
};

struct registry_summary registry_summary(const struct registry *registry);

/* The active networks: the one after network; NULL: the first. */
const struct network *registry_next(
    const struct registry *registry, const struct network *network);

/* "held" and so on. */
const char *network_state_name(enum network_state state);

#endif
