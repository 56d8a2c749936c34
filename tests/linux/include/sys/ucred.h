// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <sys/ucred.h>: the result of LOCAL_PEERCRED.
 */

#ifndef STANDIN_SYS_UCRED_H
#define STANDIN_SYS_UCRED_H

#include <sys/param.h>
#include <sys/types.h>

#define XUCRED_VERSION 0

struct xucred {
	u_int cr_version;
	uid_t cr_uid;
	short cr_ngroups;
	gid_t cr_groups[16];
};

#define cr_gid cr_groups[0]

#endif
