// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <mach/mach_time.h>: a tick is a nanosecond.
 */

#ifndef STANDIN_MACH_MACH_TIME_H
#define STANDIN_MACH_MACH_TIME_H

#include <mach/kern_return.h>
#include <stdint.h>
#include <sys/cdefs.h>

struct mach_timebase_info {
	uint32_t numer;
	uint32_t denom;
};

typedef struct mach_timebase_info *mach_timebase_info_t;
typedef struct mach_timebase_info mach_timebase_info_data_t;

__BEGIN_DECLS

kern_return_t mach_timebase_info(mach_timebase_info_t info);
kern_return_t mach_wait_until(uint64_t deadline);
uint64_t mach_absolute_time(void);
uint64_t mach_approximate_time(void);
uint64_t mach_continuous_time(void);
uint64_t mach_continuous_approximate_time(void);

__END_DECLS

#endif
