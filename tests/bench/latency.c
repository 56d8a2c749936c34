// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <stdio.h>

#include "protocol.h"

/* What a row is made of; the three take turns at being first. */
struct row {
	const char *name;
	struct samples broker;
	struct samples bare;    /* the kernel alone */
	struct samples standin; /* the frameworks alone */
};

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

static double ratio(struct samples *left, struct samples *right, unsigned p)
{
	return (double)samples_percentile(left, p) /
	    (double)samples_percentile(right, p);
}

static void row_print(struct row *row)
{
	printf("%-17s %9.1f %9.1f %9.1f %9.1f %7.1f %7.1f %9.1f\n", row->name,
	    us(samples_percentile(&row->broker, 50)),
	    us(samples_percentile(&row->broker, 99)),
	    us(samples_percentile(&row->bare, 50)),
	    us(samples_percentile(&row->bare, 99)),
	    ratio(&row->broker, &row->bare, 50),
	    ratio(&row->broker, &row->bare, 99),
	    ratio(&row->broker, &row->standin, 50));
	samples_destroy(&row->broker);
	samples_destroy(&row->bare);
	samples_destroy(&row->standin);
}

static void add(struct samples *samples, uint64_t start)
{
	samples_add(samples, samples_clock() - start);
}

/* A request on a connection that is there. */
static void request(struct samples *samples, xpc_connection_t connection,
    void (*use)(xpc_connection_t connection))
{
	uint64_t start = samples_clock();

	use(connection);
	add(samples, start);
}

static void request_bare(struct samples *samples, const struct floor *floor)
{
	uint64_t start = samples_clock();

	floor_request(floor->pair);
	add(samples, start);
}

static void acquire(unsigned count, xpc_connection_t holder,
    xpc_connection_t service, const struct floor *floor)
{
	struct row row = { .name = "acquire" };

	for (unsigned i = 0; i < 3 * count; i++) {
		/* 012 120 201 012 */
		switch ((i + i / 3) % 3) {
		case 0:
			request(&row.broker, holder, client_acquire);
			break;
		case 1:
			request_bare(&row.bare, floor);
			break;
		default:
			request(&row.standin, service, client_ping);
			break;
		}
	}
	row_print(&row);
}

/* One more client that comes, makes use of the service, and goes. What the
 * service does when a client goes does not count as part of what comes next:
 * it is done when another client has its answer. */
static void visit(struct samples *samples, const char *name,
    xpc_connection_t other, void (*use)(xpc_connection_t connection))
{
	uint64_t start = samples_clock();
	xpc_connection_t connection = client_connect(name);

	use(connection);
	add(samples, start);
	client_disconnect(connection);
	use(other);
}

static void visit_bare(struct samples *samples, const struct floor *floor)
{
	uint64_t start = samples_clock();

	floor_connect(floor);
	add(samples, start);
}

static void connect_acquire(unsigned count, xpc_connection_t holder,
    xpc_connection_t service, const struct floor *floor)
{
	struct row row = { .name = "connect, acquire" };

	for (unsigned i = 0; i < 3 * count; i++) {
		switch ((i + i / 3) % 3) {
		case 0:
			visit(&row.broker, VMNET_BROKER_SERVICE, holder,
			    client_acquire);
			break;
		case 1:
			visit_bare(&row.bare, floor);
			break;
		default:
			visit(
			    &row.standin, BENCH_SERVICE, service, client_ping);
			break;
		}
	}
	row_print(&row);
}

/* One client that finds no broker, and leaves none behind. */
static void visit_alone(struct samples *samples)
{
	uint64_t start = samples_clock();
	xpc_connection_t connection = client_connect(VMNET_BROKER_SERVICE);

	client_acquire(connection);
	add(samples, start);
	client_disconnect_last(connection);
}

/* What the frameworks do in that: start a service, and a network. */
static void visit_alone_standin(struct samples *samples)
{
	uint64_t start = samples_clock();
	xpc_connection_t connection = client_connect(BENCH_SERVICE);

	client_ping(connection);
	struct network network;
	network_start(&network);
	add(samples, start);
	network_stop(&network);
	client_disconnect_last(connection);
}

static void start_acquire(unsigned count)
{
	struct row row = { .name = "start, acquire" };

	for (unsigned i = 0; i < count; i++) {
		uint64_t start = samples_clock();
		floor_spawn();
		add(&row.bare, start);
		visit_alone(&row.broker);
		visit_alone_standin(&row.standin);
	}
	row_print(&row);
}

void latency_run(const struct latency_counts *counts, const struct floor *floor)
{
	xpc_connection_t holder = client_connect(VMNET_BROKER_SERVICE);
	xpc_connection_t service = client_connect(BENCH_SERVICE);

	client_acquire(holder); /* starts them */
	client_ping(service);
	printf("%-17s %9s %9s %9s %9s %7s %7s %9s\n", "time (us)", "median",
	    "p99", "floor", "p99", "ratio", "p99", "framework");
	acquire(counts->warm, holder, service, floor);
	connect_acquire(counts->connect, holder, service, floor);
	client_disconnect_last(service);
	client_disconnect_last(holder);
	start_acquire(counts->cold);
}
