// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <assert.h>
#include <err.h>
#include <stdlib.h>
#include <time.h>

uint64_t samples_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void samples_add(struct samples *samples, uint64_t value)
{
	if (samples->count == samples->room) {
		samples->room = samples->room * 2 + 64;
		samples->values = reallocarray(
		    samples->values, samples->room, sizeof(*samples->values));
		if (samples->values == NULL) {
			err(EXIT_FAILURE, "samples");
		}
	}
	samples->values[samples->count++] = value;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

uint64_t samples_percentile(struct samples *samples, unsigned percent)
{
	assert(samples->count > 0 && percent > 0 && percent <= 100);
	qsort(
	    samples->values, samples->count, sizeof(*samples->values), compare);
	return samples->values[(samples->count * percent + 99) / 100 - 1];
}

void samples_destroy(struct samples *samples)
{
	free(samples->values);
	*samples = (struct samples){ 0 };
}
