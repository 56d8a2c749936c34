/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * An Internet address has its length in it on macOS: here it is where the
 * kernel does not look.
 */
#include_next <netinet/in.h>

#if defined(__APPLE__) && !defined(sin_len)
#define sin_len sin_zero[0]
#endif
