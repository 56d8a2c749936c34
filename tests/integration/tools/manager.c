// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * manager: a long-running program that acquires and releases networks.
 *
 *	manager ROUNDS [FIRST]
 *
 * acquires n0 to n9 by holds, all at once, and releases them, FIRST times
 * (default: ROUNDS). Prints "ready", waits for a line on standard input,
 * repeats this ROUNDS times, and prints by how many KiB and descriptors it has
 * grown meanwhile: "0 KiB, 0 descriptors".
 */

#include <dirent.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmnet-broker.h"

#define HOLDS 10

/* Anonymous memory, in KiB. */
static long memory(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long size = -1;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "RssAnon: %ld", &size) == 1) {
			break;
		}
	}
	if (file == NULL || size == -1) {
		errx(1, "/proc/self/status: no RssAnon");
	}
	fclose(file);
	return size;
}

static long descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	long count = 0;

	if (directory == NULL) {
		err(1, "/proc/self/fd");
	}
	while (readdir(directory) != NULL) {
		count++;
	}
	closedir(directory);
	return count;
}

/* Waits for all. Returns false if the broker accepts no new holds: it may be
 * draining, and then waits until the others are released. */
static bool wait_for_all(vmnet_broker_hold_t holds[HOLDS])
{
	char reason[512] = "";

	for (int i = 0; i < HOLDS; i++) {
		vmnet_broker_return_t status = VMNET_BROKER_XPC_FAILURE;

		for (int seconds = 0;
		     seconds < 60 && status == VMNET_BROKER_XPC_FAILURE;
		     seconds++) {
			status = vmnet_broker_hold_wait(holds[i], 1);
			if (vmnet_broker_hold_get_reason(holds[i], reason,
				sizeof(reason)) == VMNET_BROKER_BUSY) {
				return false;
			}
		}
		if (status != VMNET_BROKER_SUCCESS) {
			errx(1, "n%d: %s", i, reason);
		}
	}
	return true;
}

static void take_and_give_back(void)
{
	vmnet_broker_hold_t holds[HOLDS];
	bool granted = false;

	while (!granted) {
		for (int i = 0; i < HOLDS; i++) {
			char name[] = { 'n', (char)('0' + i), '\0' };

			holds[i] =
			    vmnet_broker_hold_create(name, NULL, NULL, NULL);
			if (holds[i] == NULL) {
				errx(1, "%s: out of memory", name);
			}
		}
		granted = wait_for_all(holds);
		for (int i = 0; i < HOLDS; i++) {
			vmnet_broker_hold_release(holds[i], NULL);
		}
	}
}

/* Cancelled connections end a little later: waits until no more do. */
static long settled_descriptors(long fewest)
{
	long count = descriptors();

	for (int i = 0; i < 100 && count > fewest; i++) {
		usleep(10000);
		count = descriptors();
	}
	return count;
}

int main(int argc, char *argv[])
{
	long rounds = argc >= 2 ? atol(argv[1]) : 0;
	long first = argc == 3 ? atol(argv[2]) : rounds;
	long size;
	long count;

	if (rounds <= 0 || first <= 0 || argc > 3) {
		errx(2, "usage: manager ROUNDS [FIRST]");
	}
	count = descriptors();
	for (long i = 0; i < first; i++) {
		take_and_give_back();
	}
	count = settled_descriptors(count);
	size = memory();
	printf("ready\n");
	fflush(stdout);
	if (getchar() == EOF) {
		errx(1, "standard input was closed");
	}
	for (long i = 0; i < rounds; i++) {
		take_and_give_back();
	}
	printf("%ld KiB, %ld descriptors\n", memory() - size,
	    settled_descriptors(count) - count);
	return 0;
}
