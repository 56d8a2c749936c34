// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The service: accepts connections, decodes requests, answers them, and decides
 * when the broker exits.
 *
 * Everything happens on one serial queue: the events of the listener and of all
 * peers, timers, signals, and results from vmnet. Nothing on it blocks.
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
	struct config *config;   /* retained: networks.json at start-up */
	const char *config_path; /* must stay valid, as must version */
	uid_t config_owner;      /* see config_load() */
	const char *version;
	/* The broker has finished: networks are released. Called on the serial
	 * queue. */
	void (*done)(int exit_status);
};

/*
 * Accepts clients on listener, which was created for this serial queue and is
 * not activated yet. The caller owns both; they must stay valid. NULL: out of
 * memory.
 */
struct service *service_start(const struct service_options *options,
    xpc_connection_t listener, dispatch_queue_t queue);

/* Reads networks.json again, see reload.h. Call it on the serial queue. */
void service_reload(struct service *service);

/*
 * Call both on the serial queue. They refuse new holds; the broker exits when
 * the last hold is released, immediately if there is none. service_shut_down()
 * gives clients VMNET_BROKER_STOP_TIMEOUT; service_drain() has no time limit,
 * and a client can cancel it.
 */
void service_drain(struct service *service);
void service_shut_down(struct service *service);

/* Call it after `done`, when all clients have left. NULL is allowed. */
void service_destroy(struct service *service);

#endif
