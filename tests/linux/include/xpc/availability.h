/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * Nothing of XPC comes and goes with a version of the system here.
 */
#ifndef STANDIN_XPC_AVAILABILITY_H
#define STANDIN_XPC_AVAILABILITY_H

#ifndef XPC_TRANSACTION_DEPRECATED
#define XPC_TRANSACTION_DEPRECATED
#endif

#endif
