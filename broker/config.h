// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * networks.json: which networks there are.
 *
 * An object with one entry per network: "mode" ("shared" or "host", required)
 * and "subnet" ("192.168.100.0/24", optional). The networks "shared" and "host"
 * are there without an entry; one may give them a subnet, not another mode.
 */

#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "protocol.h"
#include "subnet.h"

/* Bytes of networks.json. */
#define CONFIG_SIZE_MAX ((size_t)64 * 1024)

/* Room for "FILE:LINE:COLUMN: reason". */
#define CONFIG_ERROR 1536

enum config_mode { CONFIG_SHARED, CONFIG_HOST };

/* "shared" or "host". */
const char *config_mode_name(enum config_mode mode);

struct config_network {
	char name[VMNET_BROKER_NAME_MAX + 1];
	enum config_mode mode;
	bool has_subnet; /* in networks.json */
	/* That, or else the one assigned (see subnet-plan.h); of length 0: the
	 * system chooses. */
	struct subnet subnet;
};

struct config {
	struct config_network *networks; /* sorted by name */
	size_t count;
	/* Why the file was refused, or "". */
	char error[CONFIG_ERROR];
	size_t error_name; /* where the file's name without its folder begins */
};

/* With the built-in networks only. NULL: no memory. */
struct config *config_create(void);
void config_destroy(struct config *config);

enum config_result {
	CONFIG_LOADED,
	CONFIG_MISSING, /* no such file */
	CONFIG_REFUSED,
};

/*
 * Adds what path defines. The file must be a regular file that root, our
 * effective user or `owner` owns and nobody else can write. Unless it is
 * LOADED, config has the networks it had; if it is REFUSED, error is one line
 * that says why.
 */
enum config_result config_load(
    struct config *config, const char *path, uid_t owner);

/* NULL: not there. */
const struct config_network *config_find(
    const struct config *config, const char *name);

#endif
