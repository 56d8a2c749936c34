/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The vmnet-broker authors */

/* Which ids exist in our user namespace: without one, all of them. */

#ifndef COMMON_IDMAP_H
#define COMMON_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

/* Is there only one user, of whom nobody can become another? */
bool idmap_is_single(void);

bool idmap_has_user(uid_t uid);
bool idmap_has_group(gid_t gid);

#endif
