// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What <time.h> has on macOS and not on Linux.
 */

#include_next <time.h>

#if !defined(STANDIN_TIME_H) && defined(CLOCK_MONOTONIC)
#define STANDIN_TIME_H

#include <stdint.h>

#define CLOCK_UPTIME_RAW CLOCK_MONOTONIC
#define CLOCK_UPTIME_RAW_APPROX CLOCK_MONOTONIC
#define CLOCK_MONOTONIC_RAW_APPROX CLOCK_MONOTONIC_RAW

#ifdef __cplusplus
extern "C" {
#endif

uint64_t clock_gettime_nsec_np(clockid_t clock_id);

#ifdef __cplusplus
}
#endif

#endif
