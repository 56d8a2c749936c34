// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* GNUstep's headers need this if blocks are enabled; on Debian it is in this
 * header. */

#include <Block.h>
