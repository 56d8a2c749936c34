// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * All of XPC is available here in every version of the system.
 */

#ifndef STANDIN_XPC_AVAILABILITY_H
#define STANDIN_XPC_AVAILABILITY_H

#ifndef XPC_TRANSACTION_DEPRECATED
#define XPC_TRANSACTION_DEPRECATED
#endif

#endif
