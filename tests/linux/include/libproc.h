// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of macOS's <libproc.h> that returns a process's name.
 */

#ifndef STANDIN_LIBPROC_H
#define STANDIN_LIBPROC_H

#include <stdint.h>
#include <sys/cdefs.h>
#include <sys/param.h>

#define PROC_PIDPATHINFO_MAXSIZE (4 * MAXPATHLEN)

__BEGIN_DECLS

/* The length, or 0 and errno. */
int proc_pidpath(int pid, void *buffer, uint32_t size);
int proc_name(int pid, void *buffer, uint32_t size);

__END_DECLS

#endif
