// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What an acquire costs, in time and in memory, beside what the same would
 * cost with nothing but the kernel: each figure has its floor, measured in
 * the same run and in turn with it, because only their ratio says something
 * about another machine. docs/performance.md tells how to read the result.
 *
 *     main.c     options, and which measurement
 *     latency.c  acquire: connected, connecting, with no broker running
 *     memory.c   what the broker keeps for a peer
 *     client.c   one XPC connection, its requests, the broker's process
 *     floor.c    servers and clients that are as small as they can be
 *     network.c  a network of its own: what vmnet costs by itself
 *     service.c  an XPC service that does nothing: what XPC costs by itself
 *     samples.c  median and 99th percentile
 *
 * Runs in the sandbox (tests/linux/run). A measurement that goes wrong ends
 * the process: a figure is right or it is not there.
 */

#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

/* The service of service.c, and the broker's. */
#define BENCH_SERVICE "com.github.nirs.vmnet-broker.bench"

/* What is acquired. */
#define BENCH_NETWORK "default"

/* samples.c */

struct samples {
	uint64_t *values; /* ns */
	size_t count;
	size_t room;
};

/* Monotonic, ns. */
uint64_t samples_clock(void);
void samples_add(struct samples *samples, uint64_t value);
/* The smallest value that percent of all values are not above. Sorts. */
uint64_t samples_percentile(struct samples *samples, unsigned percent);
void samples_destroy(struct samples *samples);

/* client.c */

/* Connected when the first request is sent. */
xpc_connection_t client_connect(const char *service);
/* Returns when the reply is here, and is the right one. */
void client_acquire(xpc_connection_t connection);
void client_ping(xpc_connection_t connection);
/* Returns when no event can come any more. */
void client_disconnect(xpc_connection_t connection);
/* The same; then has the process at the other end stop, and waits for that. */
void client_disconnect_last(xpc_connection_t connection);

/*
 * floor.c: the servers are processes of their own. They must be started before
 * XPC is used, which starts threads, and end with this process.
 */

struct floor {
	int pair;           /* its other end answers with a descriptor */
	const char *server; /* path: answers a connection's requests */
	const char *keeper; /* path: keeps a small record of a connection */
	pid_t keeper_pid;
};

void floor_start(struct floor *floor);
/* Sends a request and receives a descriptor. */
void floor_request(int socket);
/* Connects to the server and sends a request. */
void floor_connect(const struct floor *floor);
/* Returns the socket when the keeper has it. */
int floor_keep(const struct floor *floor);
/* Starts a process that does nothing and waits for it. */
void floor_spawn(void);

/* network.c: what the broker asks of vmnet for a network, without it. */
struct network {
	vmnet_network_ref ref;
	interface_ref interface;
	dispatch_queue_t queue;
};
/* Created, and on the air. */
void network_start(struct network *network);
void network_stop(struct network *network);

/* service.c: serves until it is stopped. */
_Noreturn void service_run(void);

/* latency.c: prints a table of times. */
struct latency_counts {
	unsigned warm;
	unsigned connect;
	unsigned cold;
};
void latency_run(
    const struct latency_counts *counts, const struct floor *floor);

/* memory.c: prints a table of bytes, a line for each number of peers. */
void memory_run(const unsigned *peers, size_t count, const struct floor *floor);

#endif
