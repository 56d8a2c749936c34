// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reads networks.json: once at start-up, and again on SIGHUP or the command
 * "reload".
 *
 * If the file is missing, cannot be read or is not JSON, nothing changes; if an
 * entry has an error, its network does not change; see registry_reload(). The
 * file is read on another thread, because looking up users and groups may take
 * long. All functions are called on the serial queue.
 */

#ifndef RELOAD_H
#define RELOAD_H

#include <sys/types.h>
#include <xpc/xpc.h>

#include "config.h"
#include "peer.h"
#include "registry.h"

struct reload;

struct reload_options {
	const char *path; /* must stay valid, like the members below */
	uid_t owner;      /* see config_load() */
	struct registry *registry;
	void *queue; /* the serial dispatch_queue_t */
	/* The registry has a new configuration. */
	void (*changed)(void *context);
	void *context;
};

/* Reads the file at start-up, and logs its errors. A file that cannot be used
 * defines no networks. NULL: out of memory. */
struct config *reload_read(const char *path, uid_t owner);

/* NULL: out of memory. */
struct reload *reload_create(const struct reload_options *options);

/* Call it when nothing is being read. NULL is allowed. */
void reload_destroy(struct reload *reload);

/* Reads the file again, and then sends the reply; peer NULL: there is no
 * reply. */
void reload_run(struct reload *reload, struct peer *peer, xpc_object_t reply);

/* The result of the last reading of the file: its problems, and why it was
 * refused as a whole. */
const struct config *reload_get_read(const struct reload *reload);

/* A dictionary with path, problems and pending, as the protocol defines, which
 * the caller owns. */
xpc_object_t reload_describe(const struct reload *reload);

#endif
