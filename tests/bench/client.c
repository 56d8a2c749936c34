// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The client of `make bench`: acquires a network with the SDK and prints how many
 * nanoseconds each acquire took, one per line.
 *
 *	client warm COUNT   one process acquires; its first is not counted
 *	client visit COUNT  COUNT processes, one after the other: each connects,
 *	                    acquires and exits
 *	client hold         for each number that it reads, this many more
 *	                    processes, which exit at the end of standard input;
 *	                    "holding" follows their times
 *
 * After a fork, only one of the two processes may use the SDK. So the children
 * connect, and the parent only counts.
 */

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xpc/xpc.h>

#include "vmnet-broker.h"

#define NETWORK "default"

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Returns how long it took, in nanoseconds. */
static uint64_t acquire(void)
{
	uint64_t start = now();
	xpc_object_t network = vmnet_broker_acquire_network(NETWORK, NULL);
	uint64_t end = now();

	if (network == NULL) {
		errx(EXIT_FAILURE, NETWORK ": %s", vmnet_broker_last_reason());
	}
	xpc_release(network);
	return end - start;
}

static void print(uint64_t duration)
{
	printf("%llu\n", (unsigned long long)duration);
}

static void warm(unsigned long count)
{
	acquire();
	for (unsigned long i = 0; i < count; i++) {
		print(acquire());
	}
}

/* Acquires, reports, and lives until no process can write to `life`. */
static _Noreturn void child(int report, const int life[2])
{
	uint64_t duration = acquire();
	char byte = 0;

	if (write(report, &duration, sizeof(duration)) != sizeof(duration)) {
		err(EXIT_FAILURE, "report");
	}
	close(life[1]);
	if (read(life[0], &byte, 1) != 0) {
		err(EXIT_FAILURE, "life");
	}
	_exit(EXIT_SUCCESS);
}

static void open_pipe(int ends[2])
{
	if (pipe(ends) == -1) {
		err(EXIT_FAILURE, "pipe");
	}
}

/* Starts one child, which ends when life[1] is closed. */
static void start_child(const int life[2])
{
	int report[2];
	uint64_t duration = 0;
	pid_t pid = 0;

	open_pipe(report);
	fflush(stdout);
	pid = fork();
	if (pid == -1) {
		err(EXIT_FAILURE, "fork");
	}
	if (pid == 0) {
		close(report[0]);
		child(report[1], life);
	}
	close(report[1]);
	if (read(report[0], &duration, sizeof(duration)) != sizeof(duration)) {
		errx(EXIT_FAILURE, "a client failed");
	}
	close(report[0]);
	print(duration);
}

static void end_children(const int life[2])
{
	int status = 0;

	close(life[1]);
	close(life[0]);
	while (wait(&status) != -1) {
		if (status != 0) {
			errx(EXIT_FAILURE, "a client ended with %d", status);
		}
	}
}

static void visit(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		int life[2];

		open_pipe(life);
		start_child(life);
		end_children(life);
	}
}

static void hold(void)
{
	char line[32];
	int life[2];

	open_pipe(life);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		unsigned long count = strtoul(line, NULL, 10);

		for (unsigned long i = 0; i < count; i++) {
			start_child(life);
		}
		printf("holding\n");
		fflush(stdout);
	}
	end_children(life);
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "warm") == 0) {
		warm(strtoul(argv[2], NULL, 10));
	} else if (argc == 3 && strcmp(argv[1], "visit") == 0) {
		visit(strtoul(argv[2], NULL, 10));
	} else if (argc == 2 && strcmp(argv[1], "hold") == 0) {
		hold();
	} else {
		fprintf(
		    stderr, "usage: client warm COUNT | visit COUNT | hold\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
