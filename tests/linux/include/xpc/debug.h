// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * For a debugger: why XPC aborted the process.
 */

#ifndef STANDIN_XPC_DEBUG_H
#define STANDIN_XPC_DEBUG_H

#include "base.h"

__BEGIN_DECLS

/* The message of the misuse that aborted the process, or NULL. */
const char *xpc_debugger_api_misuse_info(void);

__END_DECLS

#endif
