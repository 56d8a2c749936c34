// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef DISPATCH_BLOCK_INTERNAL_H
#define DISPATCH_BLOCK_INTERNAL_H

#include <dispatch/dispatch.h>
#include <stdbool.h>

/* Was the block made by dispatch_block_create() with the barrier flag? */
bool block_is_barrier(dispatch_block_t block);

#endif
