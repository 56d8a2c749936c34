// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The service: takes connections, decodes requests, answers them, and decides
 * when the broker is done.
 *
 * Everything happens on one serial queue: the listener's events, those of all
 * peers, timers, signals, and what vmnet answers. Nothing on it waits.
 */

#ifndef SERVICE_H
#define SERVICE_H

#include <dispatch/dispatch.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <xpc/xpc.h>

#include "config.h"

struct service;

struct service_options {
	struct config *config;   /* retained: networks.json at the start */
	const char *config_path; /* stays, as version */
	uid_t config_owner;      /* see config_load() */
	const char *version;
	/* The broker is done: networks are released. On the serial queue. */
	void (*done)(int exit_status);
};

/*
 * Serves on listener, which was created with or for this serial queue and not
 * yet activated. Both stay the caller's and must stay. NULL: no memory.
 */
struct service *service_start(const struct service_options *options,
    xpc_connection_t listener, dispatch_queue_t queue);

/* On the serial queue: reads networks.json again, see reload.h. */
void service_reload(struct service *service);

/*
 * Both on the serial queue. No new holds; exits when the last client has given
 * back its network, at once if there is none. service_shut_down() gives clients
 * VMNET_BROKER_STOP_TIMEOUT, service_drain() as long as they like, and a client
 * may take it back.
 */
void service_drain(struct service *service);
void service_shut_down(struct service *service);

/* After `done`, and when all clients have left. NULL is fine. */
void service_destroy(struct service *service);

#endif
