// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/[!m]*.c broker/message.c
// link: tests/unit/broker-base.c tests/unit/broker-service-client.c
// link: tests/unit/broker-vmnet.c tests/unit/broker-vmnet-config.c
// link: tests/unit/broker-vmnet-interface.c tests/unit/broker-host.c
// link: tests/unit/run-until-failure.c
// flags: -Wl,--wrap=log_write -Wl,--wrap=getifaddrs -Wl,--wrap=freeifaddrs
// flags: -Wl,--wrap=xpc_connection_get_euid -Wl,--wrap=sysctl
// flags: -Wl,--wrap=if_indextoname -Wl,--wrap=xpc_connection_suspend
// libs: -l:libjansson.a

#include "broker-service-fixture.h"

#include <sched.h>
#include <string.h>

#include <dispatch/dispatch.h>
#include <standin.h>

#include "service.h"
#include "subnet-plan.h"

struct fixture fixture;

static struct service_options options;
static struct service *service;
static dispatch_queue_t queue;

static long objects_before;
static long connections_before;
static int descriptors_before;

static void done(int exit_status)
{
	fixture.exit_status = exit_status;
	fixture.done++;
}

void on_queue(void (^block)(void))
{
	dispatch_sync(queue, block);
}

void set_network(const char *name, struct config_network network)
{
	on_queue(^{
		for (size_t i = 0; i < fixture.config.count; i++) {
			if (strcmp(broker_networks[i].name, name) == 0) {
				broker_networks[i] = network;
			}
		}
	});
}

void advance(uint64_t time)
{
	standin_clock_advance(time);
	on_queue(^{
	});
}

void wait_until(bool (^condition)(void))
{
	while (!condition()) {
		on_queue(^{
		});
		sched_yield();
	}
}

void wait_log(const char *text)
{
	wait_until(^bool {
		return host_take_log(text);
	});
}

void wait_networks(int count)
{
	wait_until(^bool {
		return fake_vmnet_networks() == count;
	});
}

void wait_no_clients(void)
{
	wait_until(^bool {
		return standin_objects_alive(CONNECTION) == connections_before;
	});
}

void wait_done(int status)
{
	wait_until(^bool {
		return fixture.done == 1;
	});
	assert_int_equal(fixture.exit_status, status);
	assert_int_equal(fake_vmnet_networks(), 0);
	assert_int_equal(fake_vmnet_interfaces(), 0);
}

static void start(void)
{
	objects_before = standin_objects_alive(NULL);
	descriptors_before = count_descriptors();
	fixture.done = 0;
	log_bytes = 0;
	queue = dispatch_queue_create("broker", DISPATCH_QUEUE_SERIAL);
	fixture.listener = xpc_connection_create(NULL, queue);
	on_queue(^{
		service = service_start(&options, fixture.listener, queue);
	});
	assert_non_null(service);
	fixture.endpoint = xpc_endpoint_create(fixture.listener);
	connections_before = standin_objects_alive(CONNECTION);
	log_lines = 0;
}

int set_up(void **unused)
{
	(void)unused;
	fake_vmnet_reset();
	peer_uid = USER;
	host_reset();
	fixture.config = (struct config){
		.networks = broker_networks,
		.count = NETWORKS,
		.options = config_default_options,
	};
	subnet_plan_assign(&fixture.config);
	options = (struct service_options){
		.config = &fixture.config,
		.config_path = "/networks.json",
		.version = "1.2.3",
		.done = done,
	};
	start();
	return 0;
}

void stop(void)
{
	on_queue(^{
		if (fixture.done == 0) {
			service_drain(service);
		}
	});
}

/* Stops the broker; all clients must have left. Checks that nothing is left
 * over. */
static void finish(void)
{
	standin_fail(NULL);
	standin_unhang();
	stop();
	wait_until(^bool {
		return fixture.done == 1;
	});
	xpc_release(fixture.endpoint);
	xpc_release(fixture.listener);
	/* Peers are freed after their last event. */
	wait_until(^bool {
		return standin_objects_alive(CONNECTION) == 0;
	});
	service_destroy(service);
	dispatch_release(queue);
	while (standin_objects_alive(NULL) > objects_before) {
		sched_yield();
	}
	assert_int_equal(fake_vmnet_networks(), 0);
	assert_int_equal(fake_vmnet_copies(), 0);
	assert_int_equal(fake_vmnet_interfaces(), 0);
	assert_int_equal(fake_vmnet_configurations(), 0);
}

int tear_down(void **unused)
{
	(void)unused;
	finish();
	while (count_descriptors() > descriptors_before) {
		sched_yield();
	}
	return 0;
}

void restart(void)
{
	finish();
	start();
}

int warm_up(void **unused)
{
	(void)unused;
	standin_clock_advance(0);
	start_first_listener();
	set_up(NULL);
	finish();
	return 0;
}
