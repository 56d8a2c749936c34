// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol.h"

/* Bytes of a process that no file backs and that are in memory. */
static long anonymous(pid_t pid)
{
	char line[256];
	long kib = -1;

	snprintf(line, sizeof(line), "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(line, "re");
	if (file == NULL) {
		err(EXIT_FAILURE, "%s", line);
	}
	while (kib == -1 && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "Anonymous: %ld kB", &kib) != 1) {
			kib = -1;
		}
	}
	fclose(file);
	if (kib == -1) {
		errx(EXIT_FAILURE, "pid %d: smaps_rollup", (int)pid);
	}
	return kib * 1024;
}

/*
 * Bytes for each of count more connections to service; with no use of the
 * service beyond use(), and one connection there before.
 */
static double per_connection(const char *service, unsigned count,
    void (*use)(xpc_connection_t connection))
{
	xpc_connection_t *connections = calloc(count, sizeof(*connections));

	if (connections == NULL) {
		err(EXIT_FAILURE, "memory");
	}
	xpc_connection_t first = client_connect(service);
	use(first);
	pid_t pid = xpc_connection_get_pid(first);
	long before = anonymous(pid);
	for (unsigned i = 0; i < count; i++) {
		connections[i] = client_connect(service);
		use(connections[i]);
	}
	long after = anonymous(pid);
	if (xpc_connection_get_pid(connections[count - 1]) != pid) {
		errx(EXIT_FAILURE, "%s started anew meanwhile", service);
	}
	for (unsigned i = 0; i < count; i++) {
		client_disconnect(connections[i]);
	}
	/* So that the next measurement starts with a new process. */
	client_disconnect_last(first);
	free(connections);
	return (double)(after - before) / count;
}

/* The same of the bare server. */
static double per_socket(const struct floor *floor, unsigned count)
{
	int *sockets = calloc(count, sizeof(*sockets));

	if (sockets == NULL) {
		err(EXIT_FAILURE, "memory");
	}
	close(floor_keep(floor));
	long before = anonymous(floor->keeper_pid);
	for (unsigned i = 0; i < count; i++) {
		sockets[i] = floor_keep(floor);
	}
	long after = anonymous(floor->keeper_pid);
	for (unsigned i = 0; i < count; i++) {
		close(sockets[i]);
	}
	free(sockets);
	return (double)(after - before) / count;
}

void memory_run(const unsigned *peers, size_t count, const struct floor *floor)
{
	printf("%-17s %9s %9s %9s %9s %7s %7s %9s\n", "memory (B/peer)",
	    "broker", "", "floor", "", "ratio", "", "framework");
	for (size_t i = 0; i < count; i++) {
		double bare = per_socket(floor, peers[i]);
		double standin =
		    per_connection(BENCH_SERVICE, peers[i], client_ping);
		double broker = per_connection(
		    VMNET_BROKER_SERVICE, peers[i], client_acquire);

		printf("%5u peers       %9.0f %9s %9.0f %9s %7.1f %7s %9.1f\n",
		    peers[i], broker, "", bare, "", broker / bare, "",
		    broker / standin);
	}
}
