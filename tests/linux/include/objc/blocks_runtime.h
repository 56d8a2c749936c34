// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* What GNUstep's headers ask for when blocks are on: Debian has it in here. */

#include <Block.h>
