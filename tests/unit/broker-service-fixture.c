// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/[!m]*.c broker/message.c
// link: tests/unit/broker-vmnet.c tests/unit/broker-vmnet-config.c
// link: tests/unit/broker-vmnet-interface.c tests/unit/broker-host.c
// link: tests/unit/run-until-failure.c
// flags: -Wl,--wrap=log_write -Wl,--wrap=getifaddrs -Wl,--wrap=freeifaddrs
// flags: -Wl,--wrap=xpc_connection_get_euid -Wl,--wrap=sysctl
// flags: -Wl,--wrap=if_indextoname -Wl,--wrap=xpc_connection_suspend
// libs: -l:libjansson.a

#include "broker-service-fixture.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <dispatch/dispatch.h>
#include <standin.h>

#include "service.h"
#include "subnet-plan.h"

/* As the stand-in counts them. */
#define CONNECTION "connection"

/*
 * The broker.
 */

static struct config_network networks[] = {
	{ .name = "default", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "far",
	    .linger = 5,
	    .has_subnet = true,
	    .subnet = { 0xc0a86500, 24 } },
	{ .name = "host", .linger = 5, .mode = CONFIG_HOST },
	{ .name = "n1", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "n2", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "n3", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "n4", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "n5", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "n6", .linger = 5, .mode = CONFIG_SHARED },
	{ .name = "near",
	    .linger = 5,
	    .has_subnet = true,
	    .subnet = { 0xc0a86400, 24 } },
	{ .name = "shared", .linger = 5, .mode = CONFIG_SHARED },
};

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
			if (strcmp(networks[i].name, name) == 0) {
				networks[i] = network;
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

int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(directory);
	while (readdir(directory) != NULL) {
		count++;
	}
	closedir(directory);
	return count;
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
		.networks = networks,
		.count = sizeof(networks) / sizeof(networks[0]),
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

/* Asks the broker to stop unless it has; all clients must have been closed.
 * Then nothing must be left. */
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
	/* Peers, if any, go with their last event. */
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

/* The first listener of a process watches SIGTERM, for good. */
int warm_up(void **unused)
{
	xpc_connection_t first = NULL;

	(void)unused;
	standin_clock_advance(0);
	first = xpc_connection_create(NULL, NULL);
	xpc_connection_set_event_handler(first, ^(xpc_object_t event) {
		(void)event;
	});
	xpc_connection_activate(first);
	xpc_connection_cancel(first);
	xpc_release(first);
	while (standin_objects_alive(CONNECTION) != 0) {
		sched_yield();
	}
	set_up(NULL);
	finish();
	return 0;
}

/*
 * Clients.
 */

void connect_client(struct client *client)
{
	atomic_int *ended = &client->ended;

	client->ended = 0;
	client->connection =
	    xpc_connection_create_from_endpoint(fixture.endpoint);
	xpc_connection_set_event_handler(
	    client->connection, ^(xpc_object_t event) {
		    if (xpc_get_type(event) == XPC_TYPE_ERROR) {
			    (*ended)++;
		    }
	    });
	xpc_connection_activate(client->connection);
}

void wait_ended(struct client *client)
{
	wait_until(^bool {
		return client->ended > 0;
	});
}

void close_client(struct client *client)
{
	xpc_connection_cancel(client->connection);
	wait_ended(client);
	xpc_release(client->connection);
}

xpc_object_t request_create(const char *command, const char *name)
{
	xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);

	if (command != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_COMMAND, command);
	}
	if (name != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_NETWORK_NAME, name);
	}
	return request;
}

xpc_object_t ask(struct client *client, xpc_object_t request)
{
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	return reply;
}

int64_t get_status(xpc_object_t reply)
{
	int64_t status = -1;

	if (xpc_get_type(reply) == XPC_TYPE_DICTIONARY) {
		xpc_object_t error =
		    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR);
		xpc_object_t network =
		    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);

		if ((error == NULL) == (network == NULL)) {
			fail_msg("neither an error nor a network, or both");
		}
		if (error != NULL) {
			assert_ptr_equal(xpc_get_type(error), XPC_TYPE_INT64);
			assert_non_null(xpc_dictionary_get_string(
			    reply, VMNET_BROKER_KEY_ERROR_MESSAGE));
		}
		status = error == NULL ? 0 : xpc_int64_get_value(error);
	}
	xpc_release(reply);
	return status;
}

int64_t acquire(struct client *client, const char *name)
{
	return get_status(
	    ask(client, request_create(VMNET_BROKER_COMMAND_ACQUIRE, name)));
}

void assert_acquire(struct client *client, const char *name, int64_t status)
{
	assert_int_equal(acquire(client, name), status);
}

void assert_info(xpc_object_t reply, const char *key, const char *expected)
{
	xpc_object_t info =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);

	assert_non_null(info);
	assert_string_equal(xpc_dictionary_get_string(info, key), expected);
}

void assert_client_can_acquire(const char *name)
{
	struct client client;

	connect_client(&client);
	assert_acquire(&client, name, 0);
	close_client(&client);
}

void acquire_and_release(const char *name)
{
	assert_client_can_acquire(name);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
}

void acquire_later(
    struct client *client, struct replies *replies, const char *name)
{
	xpc_object_t request =
	    request_create(VMNET_BROKER_COMMAND_ACQUIRE, name);

	xpc_connection_send_message_with_reply(
	    client->connection, request, NULL, ^(xpc_object_t reply) {
		    int64_t status =
			get_status((xpc_object_t)xpc_retain(reply));

		    if (status == 0) {
			    replies->networks++;
		    } else if (status < 0) {
			    replies->ends++;
		    } else {
			    replies->status = (int)status;
			    replies->refused++;
		    }
	    });
	xpc_release(request);
}

void wait_replies(struct replies *replies, int count)
{
	wait_until(^bool {
		return replies->networks + replies->ends + replies->refused ==
		    count;
	});
}

/*
 * Status.
 */

struct status get_broker_status(struct client *client)
{
	xpc_object_t reply =
	    ask(client, request_create(VMNET_BROKER_COMMAND_STATUS, NULL));
	struct status status = { 0 };

	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	status.peers =
	    xpc_dictionary_get_uint64(reply, VMNET_BROKER_STATUS_PEERS);
	status.stopping =
	    xpc_dictionary_get_bool(reply, VMNET_BROKER_STATUS_STOPPING);
	status.networks = xpc_array_get_count(
	    xpc_dictionary_get_value(reply, VMNET_BROKER_STATUS_NETWORKS));
	xpc_release(reply);
	return status;
}

void wait_peers(struct client *client, uint64_t count)
{
	wait_until(^bool {
		return get_broker_status(client).peers == count;
	});
}

void assert_network(
    struct client *client, const char *name, const char *expected)
{
	xpc_object_t reply =
	    ask(client, request_create(VMNET_BROKER_COMMAND_STATUS, NULL));
	xpc_object_t all =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_STATUS_NETWORKS);
	char found[64] = "";

	for (size_t i = 0; i < xpc_array_get_count(all); i++) {
		xpc_object_t one = xpc_array_get_value(all, i);

		if (strcmp(
			xpc_dictionary_get_string(one, VMNET_BROKER_INFO_NAME),
			name) == 0) {
			snprintf(found, sizeof(found), "%s %d",
			    xpc_dictionary_get_string(
				one, VMNET_BROKER_STATUS_STATE),
			    (int)xpc_dictionary_get_uint64(
				one, VMNET_BROKER_STATUS_HOLDERS));
		}
	}
	assert_string_equal(found, expected);
	xpc_release(reply);
}
