// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of macOS's <mach-o/dyld.h> that returns a program's own path.
 */

#ifndef STANDIN_MACH_O_DYLD_H
#define STANDIN_MACH_O_DYLD_H

#include <stdint.h>
#include <sys/cdefs.h>

__BEGIN_DECLS

/* -1 and the required size if the buffer is too small. */
int _NSGetExecutablePath(char *buffer, uint32_t *size);

__END_DECLS

#endif
