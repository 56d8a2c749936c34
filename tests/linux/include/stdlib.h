// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * On macOS this header also declares waitpid() and the macros for its status.
 */

#include_next <stdlib.h>

#if defined(__APPLE__) && !defined(STANDIN_STDLIB_H)
#define STANDIN_STDLIB_H

#include <sys/wait.h>

#endif
