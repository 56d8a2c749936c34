// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Enough that the 99th percentile of the rarest has a value above it. */
static const struct latency_counts full = {
	.warm = 20000,
	.connect = 5000,
	.cold = 200,
};
static const unsigned full_peers[] = { 250, 1000 };

/* Enough to see that it works. */
static const struct latency_counts quick = {
	.warm = 500,
	.connect = 100,
	.cold = 5,
};
static const unsigned quick_peers[] = { 200 };

/* A client has a descriptor for each of its connections. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit)) {
		err(EXIT_FAILURE, "RLIMIT_NOFILE");
	}
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		err(EXIT_FAILURE, "RLIMIT_NOFILE");
	}
}

int main(int argc, char *argv[])
{
	struct floor floor;

	if (argc == 2 && strcmp(argv[1], "--serve") == 0) {
		raise_limit();
		service_run();
	}
	bool is_quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
	if (argc > 1 && !is_quick) {
		fprintf(stderr, "usage: bench [--quick | --serve]\n");
		return EXIT_FAILURE;
	}

	/* Line by line, also into a pipe: a run takes minutes. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	raise_limit();
	floor_start(&floor);
	if (is_quick) {
		latency_run(&quick, &floor);
		memory_run(quick_peers, COUNT(quick_peers), &floor);
	} else {
		latency_run(&full, &floor);
		memory_run(full_peers, COUNT(full_peers), &floor);
	}
	return EXIT_SUCCESS;
}
