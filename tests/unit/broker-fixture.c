// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/[!m]*.c broker/message.c
// link: tests/unit/broker-base.c tests/unit/broker-fixture-host.c
// link: tests/unit/broker-vmnet.c tests/unit/broker-vmnet-config.c
// link: tests/unit/broker-vmnet-interface.c
// flags: -Wl,--wrap=log_write -Wl,--wrap=getifaddrs -Wl,--wrap=freeifaddrs
// flags: -Wl,--wrap=xpc_connection_get_euid -Wl,--wrap=sysctl
// flags: -Wl,--wrap=xpc_transaction_begin -Wl,--wrap=xpc_transaction_end
// libs: -l:libjansson.a

#include "broker-fixture.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include <standin.h>

#include "broker-vmnet.h"
#include "config.h"
#include "subnet-plan.h"

/* Seconds until a broker without networks exits. */
#define IDLE 120

static struct config config = {
	.networks = broker_networks,
	.count = NETWORKS + 1,
	.name_offset = 1,
	.options = {
		.idle = IDLE,
		.max_clients_per_user = VMNET_BROKER_MAX_PEERS_PER_USER,
	},
};

static struct service *service;
static dispatch_queue_t queue; /* never released, like that of the broker */
static xpc_connection_t listener;
xpc_endpoint_t fixture_endpoint;
const char *fixture_config_path = "/networks.json";
static atomic_bool done;
/* It need not answer, because it was stopped or was idle. */
static bool silent;
static uint64_t elapsed;
static int rounds;
/* Before the start of the broker. */
static long objects;
static int descriptors;

static void finished(int exit_status)
{
	require(!done);
	require(exit_status == 0 || exit_status == 1);
	done = true;
}

void fixture_run(void)
{
	dispatch_sync(queue,
	    ^{
	    });
	sched_yield();
}

void fixture_start(void)
{
	const struct service_options options = {
		.config = &config,
		.config_path = fixture_config_path,
		.config_owner = geteuid(),
		.version = "1.2.3",
		.done = finished,
	};

	descriptors = count_descriptors();
	done = false;
	silent = false;
	elapsed = 0;
	fixture_set_user(501);
	fake_vmnet_reset();
	listener = xpc_connection_create(NULL, queue);
	dispatch_sync(queue, ^{
		service = service_start(&options, listener, queue);
	});
	require(service != NULL);
	fixture_endpoint = xpc_endpoint_create(listener);
}

void fixture_advance(uint64_t time)
{
	elapsed += time;
	silent = silent || elapsed >= IDLE * SECOND;
	standin_clock_advance(time);
	fixture_run();
}

void fixture_stop(void (*how)(struct service *service))
{
	silent = true;
	dispatch_sync(queue, ^{
		if (!done) {
			how(service);
		}
	});
}

static void end(void)
{
	fixture_stop(service_drain);
	while (!done || fixture_transactions() > 0) {
		fake_vmnet_answer();
		fixture_advance(SECOND);
	}
	fixture_run(); /* the last transaction ended on the queue */
	require(fake_vmnet_networks() == 0);
	require(fake_vmnet_configurations() == 0);
	xpc_release(fixture_endpoint);
	xpc_release(listener);
	while (standin_objects_alive(CONNECTION) > 0) {
		sched_yield();
	}
	service_destroy(service);
}

/* vmnet answers the calls that it has not answered yet. */
static void wait_objects(void)
{
	while (standin_objects_alive(NULL) > objects ||
	    fake_vmnet_interfaces() > 0 || fake_vmnet_copies() > 0) {
		fake_vmnet_answer();
		fixture_run();
	}
}

/* On the queue, as the broker reads them there. */
void fixture_set_problems(char **problems, size_t count)
{
	dispatch_sync(queue, ^{
		config.problems = problems;
		config.problem_count = count;
	});
}

void fixture_open(void)
{
	standin_clock_advance(0);
	queue = dispatch_queue_create("broker", DISPATCH_QUEUE_SERIAL);
	subnet_plan_assign(&config);
	start_first_listener();
	objects = standin_objects_alive(NULL);
}

void fixture_end(void)
{
	end();
	wait_objects();
	/* The first round opens files that the libraries keep. */
	while (rounds > 0 && count_descriptors() > descriptors) {
		sched_yield();
	}
	rounds++;
}

xpc_object_t fixture_request(const char *command, const char *name)
{
	xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(request, VMNET_BROKER_KEY_COMMAND, command);
	if (name != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_NETWORK_NAME, name);
	}
	return request;
}

const char *fixture_network(size_t which)
{
	return broker_networks[which].name;
}

void fixture_lose_listener(void)
{
	silent = true;
	xpc_connection_cancel(listener);
}

bool fixture_is_done(void)
{
	return done;
}

void fixture_wait_done(void)
{
	while (!done) {
		fixture_run();
	}
}

void fixture_expect_no_answers(void)
{
	silent = true;
}

bool fixture_need_not_answer(void)
{
	return silent;
}
