// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The registry with a fake backend: the test decides when a network is created,
 * fails or is released, and sets the clock.
 */

#ifndef BROKER_REGISTRY_FIXTURE_H
#define BROKER_REGISTRY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <cmocka.h>

#include "backend.h"
#include "registry.h"

#define SECOND UINT64_C(1000000000)
#define LINGER (5 * SECOND)

/*
 * The backend.
 */

enum phase { MAKING, MADE, GIVING_BACK };

struct backend_network {
	struct backend_request request;
	const struct backend_events *events;
	void *context;
	enum phase phase;
	bool given_up;
	TAILQ_ENTRY(backend_network) entry;
};

TAILQ_HEAD(owned_list, backend_network);

extern struct owned_list owned_all;
extern size_t owned_count;
extern bool no_memory;

/* vmnet has created it, has failed to, has released it. */
void make(struct backend_network *owned);
void refuse(struct backend_network *owned);
void give_back(struct backend_network *owned);

/* The oldest and the newest network of the backend; there must be one. */
struct backend_network *first(void);
struct backend_network *last(void);

/*
 * The registry.
 */

/* "a" has an assigned subnet, "b" a configured one, and "c" none. */
#define NETWORKS 3
extern struct config_network config_networks[NETWORKS];

extern uint64_t clock_now;
extern struct registry *registry;

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

void start(uint32_t linger);
int set_up(void **unused);
int tear_down(void **unused);

void advance(uint64_t time);

const struct network *get(const char *name);
void assert_state(const char *name, enum network_state state);

/*
 * Holders.
 */

struct client {
	struct hold hold;
	unsigned granted;
	unsigned refused;
	enum failure_status status;
	int64_t vmnet_status;
	char message[FAILURE_MESSAGE];
};

void acquire(struct client *client, const char *name);
/* The network was created and is being released: the client waits. No other
 * network may exist. */
void acquire_during_release(struct client *client, const char *name);

#endif
