// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The audit types that XPC's declarations name.
 */

#ifndef STANDIN_BSM_AUDIT_H
#define STANDIN_BSM_AUDIT_H

#include <sys/types.h>

typedef uid_t au_id_t;
typedef pid_t au_asid_t;

#ifndef AU_DEFAUDITSID
#define AU_DEFAUDITSID 0
#define AU_ASSIGN_ASID (-1)
#endif

#endif
