// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The formats for the types of our <stdint.h>.
 */

#include <stdint.h>

#include_next <inttypes.h>

#if defined(__APPLE__) && !defined(__cplusplus) && !defined(STANDIN_INTTYPES_H)
#define STANDIN_INTTYPES_H

#undef PRId64
#undef PRIi64
#undef PRIo64
#undef PRIu64
#undef PRIx64
#undef PRIX64
#undef SCNd64
#undef SCNi64
#undef SCNo64
#undef SCNu64
#undef SCNx64
#define PRId64 "lld"
#define PRIi64 "lli"
#define PRIo64 "llo"
#define PRIu64 "llu"
#define PRIx64 "llx"
#define PRIX64 "llX"
#define SCNd64 "lld"
#define SCNi64 "lli"
#define SCNo64 "llo"
#define SCNu64 "llu"
#define SCNx64 "llx"

#endif
