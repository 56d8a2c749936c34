// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What <limits.h> has on macOS and not on Linux.
 */

#include_next <limits.h>

#if defined(__APPLE__) && !defined(UID_MAX)
#define UID_MAX 2147483647U
#define GID_MAX 2147483647U
#endif
