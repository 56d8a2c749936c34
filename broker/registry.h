// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks by name, their holders, and when they are released.
 *
 *	inactive   there is no vmnet network. An acquire begins to create it.
 *	creating   vmnet is creating it; clients that request it wait. When it
 *	           exists, it is held, or lingering if all of them have left. On
 *	           failure, all waiting clients are refused, and it is inactive.
 *	           After a timeout, the same, but it is stuck.
 *	held       at least one client holds it. An acquire is granted at once.
 *	lingering  the last holder has left; the next acquire gets it unchanged.
 *	           When the linger time is over, it is released.
 *	releasing  vmnet is releasing it; clients that request it wait until it
 *	           has been created again. After a timeout, all waiting clients
 *	           are refused, and it is stuck.
 *	stuck      a vmnet call timed out and has not returned; an acquire is
 *	           refused. When vmnet has answered, it is inactive.
 *
 * All networks except the inactive ones are active. A registry that is draining
 * or stopping grants a network only to clients that already hold it; networks
 * that are not held are released, and waiting clients are refused.
 *
 * Plain C: no XPC, no dispatch. All calls and all callbacks are on one thread
 * (the serial queue). Time is monotonic, in nanoseconds.
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

/* One client's hold on one network, granted or pending. */
struct hold {
	struct network *network; /* NULL: none */
	bool granted;
	void *context; /* the caller's */
	TAILQ_ENTRY(hold) entry;
};

TAILQ_HEAD(hold_list, hold);

/* Read-only for other modules. */
struct network {
	/* The newest definition; if that one has a problem, the last one
	 * without problems, if any. */
	const struct config_network *config;
	/* The definition from which vmnet created it; NULL: inactive. */
	const struct config_network *made;
	struct config *config_of; /* retained, as is made_of */
	struct config *made_of;
	bool removed;        /* from the configuration */
	const char *problem; /* of its current entry, or NULL */
	struct registry *registry;
	enum network_state state;
	struct hold_list holds; /* including pending ones */
	size_t hold_count;
	struct backend_network *backend; /* unless inactive */
	uint64_t since;                  /* when this state began */
	uint64_t deadline;               /* of this state; UINT64_MAX: none */
	struct backend_info info;        /* held and lingering */
	uint64_t generation;
	time_t stuck_since;
	struct log_limit failures;
	TAILQ_ENTRY(network) entry; /* while active */
};

enum registry_phase {
	REGISTRY_SERVING,
	REGISTRY_DRAINING, /* until registry_resume() */
	REGISTRY_STOPPING, /* cannot be cancelled */
};

enum registry_event_kind {
	REGISTRY_STATE,   /* its state has changed */
	REGISTRY_CREATED, /* still in the state creating */
	REGISTRY_FAILED,  /* in the state in which it failed */
	REGISTRY_ACQUIRED,
	REGISTRY_RELEASED,
};

/* An event of a network. */
struct registry_event {
	enum registry_event_kind kind;
	const struct network *network;
	const struct hold *hold;       /* that caused it, or NULL */
	const struct failure *failure; /* the reason, or NULL */
};

struct registry_options {
	/* Generation of the first network. Random, so that it differs from
	 * other brokers'. */
	uint64_t generation;
	uint64_t (*now)(void *context); /* monotonic, ns */
	/*
	 * A hold was granted (NULL), or refused: then the registry has dropped
	 * it, and hold->network is the network that was requested. May be
	 * called from inside registry_acquire(). Must not call the registry.
	 */
	void (*answer)(struct hold *hold, const struct failure *failure);
	/* A state changed outside of a call. */
	void (*changed)(void *context);
	/* May be NULL. Must not call the registry. */
	void (*event)(void *context, const struct registry_event *event);
	void *context;
};

struct registry;

/* Retains config. NULL: out of memory. */
struct registry *registry_create(
    struct config *config, const struct registry_options *options);

/* Call it when all networks are inactive. */
void registry_destroy(struct registry *registry);

/* The time, for everything that belongs to the broker. */
uint64_t registry_now(const struct registry *registry);

/* The current configuration. */
const struct config *registry_get_config(const struct registry *registry);

/* Begins to create the persistent networks that are inactive. */
void registry_start(struct registry *registry);

enum registry_change {
	REGISTRY_ADDED,
	REGISTRY_CHANGED, /* now */
	REGISTRY_PENDING, /* in use: changes the next time it is created */
	REGISTRY_REMOVED, /* for new holds; also pending if it is in use */
	REGISTRY_CHANGES,
};

/*
 * Applies another configuration, and retains it. Reports each change. The users
 * that may use a network and its linger time change at once; other options
 * change when the network is no longer held. A network that now has a problem
 * keeps its last valid definition. -1: out of memory, and nothing has changed.
 */
int registry_reload(struct registry *registry, struct config *config,
    void (*tell)(void *context, enum registry_change change, const char *name),
    void *context);

/* Whether it will change the next time it is created. */
bool registry_is_pending(const struct network *network);

/* The network number `index`, from 0, sorted by name; NULL: there are no
 * more. */
const struct network *registry_get(
    const struct registry *registry, size_t index);

/* Includes networks that were removed while in use. NULL: no such network. */
struct network *registry_find(struct registry *registry, const char *name);

/*
 * Requests a hold, in which context is set and network is NULL. answer() is
 * called once for it, unless registry_release() is called first.
 */
void registry_acquire(struct network *network, struct hold *hold);

/* Releases a hold, granted or pending. */
void registry_release(struct hold *hold);

/* Call it when the deadline of registry_summary() has passed. */
void registry_expire(struct registry *registry);

/* Refuses new holds, and releases the networks that are not held. */
void registry_stop(struct registry *registry, enum registry_phase phase);

/* Cancels draining. */
void registry_resume(struct registry *registry);

/*
 * Begins to release a network that is not held, even if it is being created:
 * waiting clients wait for the next one. Afterwards it is inactive, releasing
 * or stuck.
 */
void registry_recreate(struct network *network);

/* Explains why a stuck network is unavailable. */
void registry_explain_stuck(
    const struct network *network, struct failure *failure);

/* Releases all networks, even held ones. There is no callback for the holds
 * that this ends. */
void registry_finish(struct registry *registry);

/* A summary of all networks. */
struct registry_summary {
	enum registry_phase phase;
	size_t networks;     /* active ones */
	size_t held;         /* networks with at least one holder */
	size_t holders;      /* holds that were granted */
	uint64_t idle_since; /* since when all are inactive, if they are */
	uint64_t deadline;   /* of registry_expire(); UINT64_MAX: none */
};

struct registry_summary registry_summary(const struct registry *registry);

/* The active network after `network`; NULL: the first one. */
const struct network *registry_next(
    const struct registry *registry, const struct network *network);

/* The name of a state, such as "held". */
const char *network_state_name(enum network_state state);

#endif
