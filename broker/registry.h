// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Networks by name, who holds them, and when they go.
 *
 *	absent     nobody has it. An acquire begins to make it.
 *	creating   vmnet is making it; whoever asks waits. Made: held, or
 *	           lingering if all have left. Failed: all who wait are told, and
 *	           it is absent. Too slow: the same, but it is stuck.
 *	held       at least one holds it. An acquire is granted at once.
 *	lingering  the last holder left; the next acquire takes it as it is.
 *	           After the linger it is released.
 *	releasing  vmnet is giving it back; whoever asks waits, and it is made
 *	 *
 * Once stopped, only who holds a network already is granted it; what nobody
 * holds is released, and what was being made is refused.
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
	NETWORK_ABSENT,
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
	const struct config_network *config;
	struct registry *registry;
	enum network_state state;
	struct hold_list holds; /* also those that wait */
	size_t hold_count;
	struct backend_network *backend; /* unless absent */
	uint64_t deadline;               /* of the state; UINT64_MAX: none */
	struct backend_info info;        /* held and lingering */
	uint64_t generation;
	time_t stuck_since;
	struct log_limit failures;
	TAILQ_ENTRY(network) entry; /* while not absent */
};

struct registry_options {
	uint64_t linger;
	/* Of the first network. Random, so that no other broker had it. */
	uint64_t generation;
	uint64_t (*now)(void *context);
	/* Something happened outside of a call. */
	void (*changed)(void *context);
	void *context;
};

struct registry;

/* config stays the caller's, and stays. NULL: no memory. */
struct registry *registry_create(
    const struct config *config, const struct registry_options *options);

/* When all networks are absent. */
void registry_destroy(struct registry *registry);

/* NULL: no such network. */
struct network *registry_find(struct registry *registry, const char *name);

/*
 * Wishes for a hold: done and context set, network NULL. hold->done is called
 * once, unless registry_release() comes first.
 */
void registry_acquire(struct network *network, struct hold *hold);

/* Gives up a hold or a wish. */
void registry_release(struct hold *hold);

/* When registry_expire() is due. UINT64_MAX: never. */
uint64_t registry_deadline(const struct registry *registry);
void registry_expire(struct registry *registry);

/* No new holds; what nobody holds is released. */
void registry_stop(struct registry *registry);

/* Releases all networks, whoever holds them: holds end without a word. */
void registry_finish(struct registry *registry);

/* Networks with a holder. */
size_t registry_count_held(const struct registry *registry);

/* Networks that are not absent. */
size_t registry_count(const struct registry *registry);

/* Since when all networks are absent; if they are. */
uint64_t registry_idle_since(const struct registry *registry);

/* The networks that are not absent: the one after network; NULL: the first. */
const struct network *registry_next(
    const struct registry *registry, const struct network *network);

/* "held" and so on. */
const char *network_state_name(enum network_state state);

#endif
