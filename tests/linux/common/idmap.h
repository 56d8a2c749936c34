// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* The IDs that exist in our user namespace; without a namespace, all of
 * them. */

#ifndef COMMON_IDMAP_H
#define COMMON_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns whether there is only one user: then no process can change its
 * user. */
bool idmap_is_single(void);

bool idmap_has_user(uid_t uid);
bool idmap_has_group(gid_t gid);

#endif
