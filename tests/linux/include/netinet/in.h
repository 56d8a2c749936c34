// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * On macOS a socket address contains its length: here it is stored where the
 * kernel ignores it.
 */

#include_next <netinet/in.h>

#if defined(__APPLE__) && !defined(sin_len)
#define sin_len sin_zero[0]
#endif
