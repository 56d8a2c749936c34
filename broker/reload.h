// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reading networks.json: once at the start, and again at SIGHUP and the command
 * "reload".
 *
 * A file that cannot be read, that is not JSON or that is missing leaves
 * everything as it is, and so does an error in an entry for its network; see
 * registry_reload(). The file is read on another thread, since looking up users
 * and groups may take long. All functions are called on the serial queue.
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
	const char *path; /* stays, as does what follows */
	uid_t owner;      /* see config_load() */
	struct registry *registry;
	void *queue; /* the serial dispatch_queue_t */
	/* The registry has another configuration. */
	void (*changed)(void *context);
	void *context;
};

/* What the file at path defines, at the start, with all errors in the log. A
 * file that cannot be used defines nothing. NULL: no memory. */
struct config *reload_read(const char *path, uid_t owner);

/* NULL: no memory. */
struct reload *reload_create(const struct reload_options *options);

/* When nothing is being read. NULL is fine. */
void reload_destroy(struct reload *reload);

/* Reads the file again, and then answers; NULL: nobody waits for an answer. */
void reload_run(struct reload *reload, struct peer *peer, xpc_object_t reply);

/* What the file said when it was read last: its problems, and why it was refused
 * as a whole. */
const struct config *reload_get_read(const struct reload *reload);

/* Adds path, problems and pending to a dictionary, as the protocol has them. */
void reload_describe(const struct reload *reload, xpc_object_t into);

#endif
