// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <sys/sysctl.h>: the names that programs query about the
 * Mac, and its routes. Nothing can be set.
 */

#ifndef STANDIN_SYS_SYSCTL_H
#define STANDIN_SYS_SYSCTL_H

#include <stddef.h>
#include <sys/cdefs.h>
#include <sys/types.h>

#define CTL_KERN 1
#define CTL_NET 4
#define CTL_HW 6

#define KERN_OSTYPE 1
#define KERN_OSRELEASE 2
#define KERN_VERSION 4
#define KERN_HOSTNAME 10
#define KERN_BOOTTIME 21
#define KERN_OSVERSION 65

/* CTL_NET, PF_ROUTE, 0, AF_INET, NET_RT_DUMP, 0: see <net/route.h>. */
#define NET_RT_DUMP 1

#define HW_MACHINE 1
#define HW_MODEL 2
#define HW_NCPU 3
#define HW_PAGESIZE 7
#define HW_MEMSIZE 24

__BEGIN_DECLS

/*
 * As on macOS: value NULL queries the size; a buffer that is too small is
 * filled, and the call fails with ENOMEM. ENOENT: unknown name. EPERM: an
 * attempt to set a value.
 */
int sysctl(int *name, u_int name_count, void *value, size_t *size,
    void *new_value, size_t new_size);
int sysctlbyname(const char *name, void *value, size_t *size, void *new_value,
    size_t new_size);

__END_DECLS

#endif
