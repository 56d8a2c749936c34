// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_DISPATCH_TIME_H
#define STANDIN_DISPATCH_TIME_H

#include "base.h"

#undef NSEC_PER_SEC
#undef USEC_PER_SEC
#undef NSEC_PER_USEC
#undef NSEC_PER_MSEC
#undef MSEC_PER_SEC
#define MSEC_PER_SEC 1000ull
#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define USEC_PER_SEC 1000000ull
#define NSEC_PER_USEC 1000ull

#define DISPATCH_TIME_NOW (0ull)
#define DISPATCH_TIME_FOREVER (~0ull)

#ifdef STANDIN_CONFORMANCE
_Static_assert(DISPATCH_WALLTIME_NOW == ~1ull, "DISPATCH_WALLTIME_NOW");
#else
enum {
	DISPATCH_WALLTIME_NOW = ~1ull,
};
#endif

STANDIN_DISPATCH_BEGIN

struct timespec;

typedef uint64_t dispatch_time_t;

DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_time_t
dispatch_time(dispatch_time_t when, int64_t delta);

DISPATCH_EXPORT DISPATCH_WARN_RESULT DISPATCH_NOTHROW dispatch_time_t
dispatch_walltime(const struct timespec *when, int64_t delta);

STANDIN_DISPATCH_END

#endif
