// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: broker/[!m]*.c broker/message.c
// link: tests/unit/broker-vmnet.c
// flags: -Wl,--wrap=log_write -Wl,--wrap=getifaddrs -Wl,--wrap=freeifaddrs
// flags: -Wl,--wrap=xpc_connection_get_euid -Wl,--wrap=sysctl
// flags: -Wl,--wrap=if_indextoname
// flags: -Wl,--wrap=xpc_connection_suspend
// libs: -l:libjansson.a

/*
 * The whole broker but main(), on an anonymous listener in this process, with a
 * vmnet that does what the test says and a clock that the test advances. After
 * each test nothing is left: no network, interface, connection, message or
 * descriptor.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <cmocka.h>

#include <Block.h>
#include <dispatch/dispatch.h>
#include <standin.h>
#include <xpc/xpc.h>

#include "anchor.h"
#include "broker-vmnet.h"
#include "config.h"
#include "failure.h"
#include "log.h"
#include "protocol.h"
#include "service.h"
#include "subnet-plan.h"
#include "text.h"

#define SECOND UINT64_C(1000000000)

/* Whose clients are, unless a test says something else. */
#define USER 501

/* As the stand-in counts them. */
#define CONNECTION "connection"

/*
 * The log and the host's addresses are the test's.
 */

static atomic_int log_lines; /* but for debug */
static atomic_long log_bytes;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_recent[16][1024]; /* a ring */
static size_t log_next;

void __wrap_log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void __wrap_log_write(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level == LOG_LEVEL_DEBUG) {
		return;
	}
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	pthread_mutex_lock(&log_lock);
	memcpy(log_recent[log_next++ % 16], line, sizeof(line));
	pthread_mutex_unlock(&log_lock);
	for (const char *at = line; *at != '\0'; at++) {
		if (*at < 0x20 || *at > 0x7e) {
			abort(); /* S16 */
		}
	}
	log_lines++;
	log_bytes += (long)strlen(line);
}

/* Whose the connections are. */
static atomic_uint peer_uid;

uid_t __wrap_xpc_connection_get_euid(xpc_connection_t connection);

uid_t __wrap_xpc_connection_get_euid(xpc_connection_t connection)
{
	(void)connection;
	return peer_uid;
}

/* How often a peer had to wait for the others. */
static atomic_int turns;

void __real_xpc_connection_suspend(xpc_connection_t connection);
void __wrap_xpc_connection_suspend(xpc_connection_t connection);

void __wrap_xpc_connection_suspend(xpc_connection_t connection)
{
	turns++;
	__real_xpc_connection_suspend(connection);
}

static struct sockaddr_in en0_address, en0_mask, bridge_address;
static struct ifaddrs en0[5], bridge[5]; /* as bridge_names */
static char bridge_names[5][16] = { "bridge100", "bridge0", "bridge99",
	"bridge", "bridge100x" };
static atomic_int bridge_used; /* which of them the Mac has */

int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);

/* en0 is on 192.168.100.20/24, bridge100 on 192.168.101.1/24. */
int __wrap_getifaddrs(struct ifaddrs **list)
{
	*list = &en0[bridge_used];
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	assert_true(list >= &en0[0] && list <= &en0[4]);
}

/* The routes, as the kernel lists them. */
struct route {
	struct rt_msghdr header;
	uint8_t destination[16]; /* length, family, port, address */
	uint8_t mask[8];         /* as long as it says */
};

static struct route routes[8];
static atomic_size_t route_count;
static pthread_mutex_t routes_lock = PTHREAD_MUTEX_INITIALIZER;

/* Of the interface with that number. A mask ends with its last byte that is not
 * 0; of_length 33: without a mask. */
static void add_route(unsigned interface, uint32_t address, int of_length)
{
	struct route *route = &routes[route_count];
	uint32_t to = htonl(address);
	int bytes = (of_length + 7) / 8;

	pthread_mutex_lock(&routes_lock);
	*route = (struct route){ 0 };
	route->header.rtm_msglen = sizeof(*route);
	route->header.rtm_version = RTM_VERSION;
	route->header.rtm_index = (u_short)interface;
	route->header.rtm_flags = RTF_UP;
	route->header.rtm_addrs = RTA_DST;
	route->destination[0] = sizeof(route->destination);
	route->destination[1] = AF_INET;
	memcpy(route->destination + 4, &to, sizeof(to));
	if (of_length <= 32) {
		uint32_t mask =
		    htonl(of_length == 0 ? 0 : UINT32_MAX << (32 - of_length));

		route->header.rtm_addrs |= RTA_NETMASK;
		route->mask[0] = bytes == 0 ? 0 : (uint8_t)(4 + bytes);
		memcpy(route->mask + 4, &mask, (size_t)bytes);
	}
	route_count++;
	pthread_mutex_unlock(&routes_lock);
}

/* The last one that was added. */
static void set_route(int flags, size_t length)
{
	pthread_mutex_lock(&routes_lock);
	routes[route_count - 1].header.rtm_flags = flags;
	routes[route_count - 1].header.rtm_msglen = (u_short)length;
	pthread_mutex_unlock(&routes_lock);
}

int __wrap_sysctl(int *name, u_int count, void *value, size_t *size,
    void *new_value, size_t new_size);
char *__wrap_if_indextoname(unsigned index, char *name);

int __wrap_sysctl(int *name, u_int count, void *value, size_t *size,
    void *new_value, size_t new_size)
{
	(void)new_value;
	(void)new_size;
	assert_int_equal(count, 6);
	assert_int_equal(name[4], NET_RT_DUMP);
	pthread_mutex_lock(&routes_lock);
	if (value != NULL) {
		assert_true(*size >= route_count * sizeof(routes[0]));
		memcpy(value, routes, route_count * sizeof(routes[0]));
	}
	*size = route_count * sizeof(routes[0]);
	pthread_mutex_unlock(&routes_lock);
	return 0;
}

char *__wrap_if_indextoname(unsigned index, char *name)
{
	snprintf(name, IF_NAMESIZE, "%s", index == 9 ? "utun3" : "bridge100");
	return name;
}

static void set_address(struct sockaddr_in *address, const char *text)
{
	address->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, text, &address->sin_addr), 1);
}

static void set_up_interfaces(void)
{
	static char name[] = "en0";

	set_address(&en0_address, "192.168.100.20");
	set_address(&en0_mask, "255.255.255.0");
	set_address(&bridge_address, "192.168.101.1");
	for (int i = 0; i < 5; i++) {
		en0[i] = (struct ifaddrs){
			.ifa_next = &bridge[i],
			.ifa_name = name,
			.ifa_addr = (struct sockaddr *)&en0_address,
			.ifa_netmask = (struct sockaddr *)&en0_mask,
		};
		bridge[i] = (struct ifaddrs){
			.ifa_name = bridge_names[i],
			.ifa_addr = (struct sockaddr *)&bridge_address,
			.ifa_netmask = (struct sockaddr *)&en0_mask,
		};
	}
}

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

static struct config config;
static struct service_options options;
static struct service *service;
static dispatch_queue_t queue;
static xpc_connection_t listener;
static xpc_endpoint_t endpoint;

static atomic_int done_count;
static atomic_int done_status;
static long objects_before;
static long connections_before;
static int descriptors_before;

static void done(int exit_status)
{
	done_status = exit_status;
	done_count++;
}

static int count_descriptors(void)
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

/* Lets everything happen that can happen now, until condition holds. The test
 * is killed by the alarm if it never does. */
static void wait_until(bool (^condition)(void))
{
	while (!condition()) {
		dispatch_sync(queue,
		    ^{
		    });
		sched_yield();
	}
}

/* Until this is what the last line of the log says. */
/* Finds it among the last lines, and takes it away. */
static bool take_log(const char *text)
{
	bool found = false;

	pthread_mutex_lock(&log_lock);
	for (size_t i = 0; i < 16 && !found; i++) {
		found = strstr(log_recent[i], text) != NULL;
		if (found) {
			log_recent[i][0] = '\0';
		}
	}
	pthread_mutex_unlock(&log_lock);
	return found;
}

static void wait_log(const char *text)
{
	wait_until(^bool {
		return take_log(text);
	});
}

static void wait_networks(int count)
{
	wait_until(^bool {
		return fake_vmnet_networks() == count;
	});
}

/* All connections but the listener's are gone, on both sides. */
static void wait_alone(void)
{
	wait_until(^bool {
		return standin_objects_alive(CONNECTION) == connections_before;
	});
}

static void start(void)
{
	objects_before = standin_objects_alive(NULL);
	descriptors_before = count_descriptors();
	done_count = 0;
	log_lines = 0;
	log_bytes = 0;
	queue = dispatch_queue_create("broker", DISPATCH_QUEUE_SERIAL);
	listener = xpc_connection_create(NULL, queue);
	dispatch_sync(queue, ^{
		service = service_start(&options, listener, queue);
	});
	assert_non_null(service);
	endpoint = xpc_endpoint_create(listener);
	connections_before = standin_objects_alive(CONNECTION);
	log_lines = 0;
}

static int set_up(void **unused)
{
	(void)unused;
	fake_vmnet_reset();
	peer_uid = USER;
	route_count = 0;
	set_up_interfaces();
	config = (struct config){
		.networks = networks,
		.count = sizeof(networks) / sizeof(networks[0]),
		.options = config_default_options,
	};
	subnet_plan_assign(&config);
	options = (struct service_options){
		.config = &config,
		.config_path = "/networks.json",
		.version = "1.2.3",
		.done = done,
	};
	memset(log_recent, 0, sizeof(log_recent));
	start();
	return 0;
}

static void stop(void)
{
	dispatch_sync(queue, ^{
		if (done_count == 0) {
			service_drain(service);
		}
	});
}

/* Asks the broker to stop unless it has; all clients must have been closed.
 * Then nothing must be left. */
static void end(void)
{
	standin_fail(NULL);
	standin_unhang();
	stop();
	wait_until(^bool {
		return done_count == 1;
	});
	xpc_release(endpoint);
	xpc_release(listener);
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

static int tear_down(void **unused)
{
	(void)unused;
	end();
	while (count_descriptors() > descriptors_before) {
		sched_yield();
	}
	return 0;
}

static void restart(void)
{
	end();
	start();
}

/* What the libraries open once and keep is open after one round. */
/* The first listener of a process watches SIGTERM, for good. */
static int warm_up(void **unused)
{
	xpc_connection_t first = xpc_connection_create(NULL, NULL);

	(void)unused;
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
	end();
	return 0;
}

static void advance(uint64_t time)
{
	standin_clock_advance(time);
	dispatch_sync(queue,
	    ^{
	    });
}

/*
 * A client.
 */

struct client {
	xpc_connection_t connection;
	atomic_int ended; /* errors that its handler got */
};

static void connect_client(struct client *client)
{
	atomic_int *ended = &client->ended;

	client->ended = 0;
	client->connection = xpc_connection_create_from_endpoint(endpoint);
	xpc_connection_set_event_handler(
	    client->connection, ^(xpc_object_t event) {
		    if (xpc_get_type(event) == XPC_TYPE_ERROR) {
			    (*ended)++;
		    }
	    });
	xpc_connection_activate(client->connection);
}

static void wait_ended(struct client *client)
{
	wait_until(^bool {
		return client->ended > 0;
	});
}

static void close_client(struct client *client)
{
	xpc_connection_cancel(client->connection);
	wait_ended(client);
	xpc_release(client->connection);
}

static xpc_object_t request_create(const char *command, const char *name)
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

/* Sends request, which it releases, and waits. */
static xpc_object_t ask(struct client *client, xpc_object_t request)
{
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	return reply;
}

/* Releases reply. 0: a network; -1: the connection ended. */
static int64_t get_status(xpc_object_t reply)
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

static int64_t acquire(struct client *client, const char *name)
{
	return get_status(
	    ask(client, request_create(VMNET_BROKER_COMMAND_ACQUIRE, name)));
}

static void assert_acquire(
    struct client *client, const char *name, int64_t status)
{
	assert_int_equal(acquire(client, name), status);
}

/* One client that comes, acquires, and goes. */
static void assert_serves(const char *name)
{
	struct client client;

	connect_client(&client);
	assert_acquire(&client, name, 0);
	close_client(&client);
}

/* Requests whose replies come later. */
struct replies {
	atomic_int networks;
	atomic_int ends;
	atomic_int refused;
	atomic_int status; /* of the last that was refused */
};

static void ask_later(struct client *client, struct replies *replies,
    const char *command, const char *name)
{
	xpc_object_t request = request_create(command, name);

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

static void acquire_later(
    struct client *client, struct replies *replies, const char *name)
{
	ask_later(client, replies, VMNET_BROKER_COMMAND_ACQUIRE, name);
}

static void wait_replies(struct replies *replies, int count)
{
	wait_until(^bool {
		return replies->networks + replies->ends + replies->refused ==
		    count;
	});
}

/*
 * Status.
 */

struct status {
	uint64_t peers;
	bool stopping;
	size_t networks;
};

static struct status get_broker_status(struct client *client)
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

static void wait_peers(struct client *client, uint64_t count)
{
	wait_until(^bool {
		return get_broker_status(client).peers == count;
	});
}

/* "held 2", or "" if there is no such network. */
static void assert_network(
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

/*
 * What is promised.
 */

static void assert_info(
    xpc_object_t reply, const char *key, const char *expected)
{
	xpc_object_t info =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);

	assert_non_null(info);
	assert_string_equal(xpc_dictionary_get_string(info, key), expected);
}

/* Goal: the serialization as vmnet gave it, and what it means. */
static void test_acquire(void **unused)
{
	struct client client;
	xpc_object_t reply = NULL;
	xpc_object_t again = NULL;
	xpc_object_t network = NULL;

	(void)unused;
	connect_client(&client);
	reply = ask(&client, request_create("acquire", "host"));
	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	assert_int_equal(xpc_dictionary_get_count(reply), 2);
	network = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK);
	assert_int_equal(xpc_dictionary_get_count(network), 1);
	assert_int_equal(
	    xpc_dictionary_get_uint64(network, "gateway"), 0xc0a85f01);
	assert_info(reply, VMNET_BROKER_INFO_NAME, "host");
	assert_info(reply, VMNET_BROKER_INFO_MODE, "host");
	assert_info(reply, VMNET_BROKER_INFO_SUBNET, "192.168.95.0/24");
	assert_info(reply, VMNET_BROKER_INFO_GATEWAY, "192.168.95.1");
	assert_info(reply, VMNET_BROKER_INFO_MASK, "255.255.255.0");
	assert_info(
	    reply, VMNET_BROKER_INFO_IPV6_PREFIX, "fd12:3456:789a:1::/64");
	network = xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);
	assert_int_equal(
	    xpc_dictionary_get_uint64(network, VMNET_BROKER_INFO_MTU), 1500);
	assert_int_not_equal(
	    xpc_dictionary_get_uint64(network, VMNET_BROKER_INFO_GENERATION),
	    0);

	again = ask(&client, request_create("acquire", "host"));
	assert_true(xpc_equal(reply, again));
	assert_network(&client, "host", "held 1");
	assert_int_equal(fake_vmnet_created(), 1);
	wait_until(^bool {
		return fake_vmnet_interfaces() == 1;
	});
	xpc_release(reply);
	xpc_release(again);
	close_client(&client);
}

/* Goal: many share one network, which lives as long as one has it, and 5 s. */
static void test_share(void **unused)
{
	struct client clients[10];
	struct client watcher;

	(void)unused;
	connect_client(&watcher);
	for (int i = 0; i < 10; i++) {
		connect_client(&clients[i]);
		assert_acquire(&clients[i], "default", 0);
	}
	assert_network(&watcher, "default", "held 10");
	assert_int_equal(get_broker_status(&watcher).peers, 11);
	for (int i = 0; i < 10; i++) {
		close_client(&clients[i]);
	}
	wait_peers(&watcher, 1);
	assert_network(&watcher, "default", "lingering 0");
	advance(5 * SECOND);
	wait_networks(0);
	assert_int_equal(fake_vmnet_created(), 1);
	close_client(&watcher);
}

static void test_unknown(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	assert_acquire(&client, "nowhere", FAILURE_NOT_FOUND);
	assert_acquire(&client, "defaul", FAILURE_NOT_FOUND);
	dispatch_sync(queue, ^{
		config.refused = "f:1:2: wrong";
	});
	assert_acquire(&client, "nowhere", FAILURE_CONFIGURATION);
	assert_acquire(&client, "shared", 0);
	close_client(&client);
}

/* Goal: nobody gets a network whose entry is wrong, and others get theirs. */
static void test_broken(void **unused)
{
	struct config_network *broken = &networks[3];
	struct client client;

	(void)unused;
	connect_client(&client);
	dispatch_sync(queue, ^{
		broken->problem = "f:2:3: n1: wrong";
	});
	assert_acquire(&client, "n1", FAILURE_CONFIGURATION);
	assert_acquire(&client, "n2", 0);
	dispatch_sync(queue, ^{
		broken->problem = NULL;
	});
	assert_acquire(&client, "n1", 0);
	close_client(&client);
}

/*
 * What clients should not send.
 */

/* A value of each type but string. */
static xpc_object_t create_value(int i)
{
	static const uuid_t uuid = { 1 };

	switch (i) {
	case 0:
		return xpc_int64_create(1);
	case 1:
		return xpc_uint64_create(1);
	case 2:
		return xpc_double_create(1);
	case 3:
		return xpc_bool_create(true);
	case 4:
		return xpc_date_create(1);
	case 5:
		return xpc_data_create("acquire", 7);
	case 6:
		return xpc_uuid_create(uuid);
	case 7:
		return xpc_null_create();
	case 8:
		return xpc_array_create(NULL, 0);
	case 9:
		return xpc_dictionary_create(NULL, NULL, 0);
	case 10:
		return xpc_fd_create(STDIN_FILENO);
	case 11:
		return (xpc_object_t)xpc_retain(endpoint);
	default:
		return NULL;
	}
}

static void set_and_ask(
    struct client *client, const char *key, xpc_object_t value, int64_t status)
{
	xpc_object_t request = request_create("acquire", "default");

	xpc_dictionary_set_value(request, key, value);
	assert_int_equal(get_status(ask(client, request)), status);
}

/* Goal: S2. */
static void test_types(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	for (int i = 0;; i++) {
		xpc_object_t value = create_value(i);

		if (value == NULL) {
			break;
		}
		set_and_ask(&client, VMNET_BROKER_KEY_COMMAND, value,
		    FAILURE_INVALID_REQUEST);
		set_and_ask(&client, VMNET_BROKER_KEY_NETWORK_NAME, value,
		    FAILURE_INVALID_REQUEST);
		xpc_release(value);
	}
	assert_int_equal(get_status(ask(&client, request_create(NULL, "x"))),
	    FAILURE_INVALID_REQUEST);
	assert_int_equal(
	    get_status(ask(&client, request_create("acquire", NULL))),
	    FAILURE_INVALID_REQUEST);
	assert_int_equal(get_status(ask(&client, request_create(NULL, NULL))),
	    FAILURE_INVALID_REQUEST);
	assert_int_equal(fake_vmnet_created(), 0);
	assert_int_equal(get_broker_status(&client).networks, 0);
	close_client(&client);
}

/* Goal: S1: generated strings, most of them nearly names, are answered: a name
 * with what there is, all else with INVALID_REQUEST. (What they can reach is
 * asked a million times in broker-config-test.) */
static void test_generated_strings(void **unused)
{
	char text[80];
	struct client client;

	(void)unused;
	srandom(1);
	connect_client(&client);
	for (int i = 0; i < 20000; i++) {
		size_t length = (size_t)random() % (sizeof(text) - 1);
		int64_t status = 0;

		/* No NUL, and not "default": others hold no network. */
		for (size_t at = 0; at < length; at++) {
			text[at] = random() % 50 == 0 ? (char)(random() | 1)
						      : (char)('u' + at % 4);
		}
		text[length] = '\0';
		status = name_is_valid(text, length) ? FAILURE_NOT_FOUND
						     : FAILURE_INVALID_REQUEST;
		assert_acquire(&client, text, status);
		assert_int_equal(
		    get_status(ask(&client, request_create(text, "x"))),
		    FAILURE_INVALID_REQUEST);
	}
	close_client(&client);
	assert_serves("default");
}

/* Goal: S1: any bytes in a string are an answer, and nothing else. */
static void test_strings(void **unused)
{
	static const size_t lengths[] = { 1, 2, 62, 63, 64, 65, 1000, 65536,
		1 << 20, 16 << 20 };
	static const char bytes[] = "\xff\x01\x7f%\r\n\\\"/.\xc3";
	char *text = malloc((16 << 20) + 1);
	struct client client;

	(void)unused;
	assert_non_null(text);
	connect_client(&client);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
			if (lengths[i] > 65536 && b > 0) {
				continue;
			}
			memset(text, bytes[b], lengths[i]);
			text[lengths[i]] = '\0';
			assert_acquire(&client, text, FAILURE_INVALID_REQUEST);
			assert_int_equal(
			    get_status(ask(&client, request_create(text, "x"))),
			    FAILURE_INVALID_REQUEST);
		}
	}
	assert_acquire(&client, "", FAILURE_INVALID_REQUEST);
	assert_acquire(&client, "Default", FAILURE_INVALID_REQUEST);
	assert_acquire(&client, "default ", FAILURE_INVALID_REQUEST);
	assert_acquire(&client, "../default", FAILURE_INVALID_REQUEST);
	close_client(&client);
	free(text);
	assert_serves("default");
}

/* Goal: S16: what bad requests do to the log is bounded. */
static void test_log(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	for (int i = 0; i < 5000; i++) {
		assert_acquire(&client, "x\xff\n%s", FAILURE_INVALID_REQUEST);
	}
	assert_int_equal(log_lines, 10);
	close_client(&client);
	for (int i = 0; i < 300; i++) {
		connect_client(&client);
		assert_acquire(&client, "X", FAILURE_INVALID_REQUEST);
		close_client(&client);
	}
	assert_int_equal(log_lines, 10);
	/* Another user has lines of his own. */
	peer_uid = USER + 1;
	connect_client(&client);
	assert_acquire(&client, "Y", FAILURE_INVALID_REQUEST);
	wait_log("(uid 502, ");
	assert_int_equal(log_lines, 11);
	close_client(&client);
	advance(1 * SECOND);
	peer_uid = USER;
	connect_client(&client);
	assert_acquire(&client, "X", FAILURE_INVALID_REQUEST);
	wait_log("user 501: 5290 ");
	close_client(&client);
	assert_true(log_bytes < 13L * 400);
}

/* Goal: S3: unknown keys are ignored, many and deep. */
static void test_unknown_keys(void **unused)
{
	xpc_object_t request = request_create("acquire", "default");
	xpc_object_t deep = xpc_dictionary_create(NULL, NULL, 0);
	struct client client;
	char key[32];

	(void)unused;
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		xpc_dictionary_set_int64(request, key, i);
	}
	for (int i = 0; i < 100; i++) {
		xpc_object_t outer = xpc_dictionary_create(NULL, NULL, 0);

		xpc_dictionary_set_value(outer, "deeper", deep);
		xpc_release(deep);
		deep = outer;
	}
	xpc_dictionary_set_value(request, "deep", deep);
	xpc_release(deep);
	connect_client(&client);
	assert_int_equal(get_status(ask(&client, request)), 0);
	close_client(&client);
}

/* Goal: S4: attached descriptors are closed. tear_down() counts as well. */
static void test_descriptors(void **unused)
{
	struct client client;
	int before = 0;

	(void)unused;
	connect_client(&client);
	assert_acquire(&client, "default", 0);
	before = count_descriptors();
	for (int i = 0; i < 1000; i++) {
		xpc_object_t request = request_create(
		    i % 2 == 0 ? "acquire" : "nothing", "default");

		xpc_dictionary_set_fd(request, "a", STDIN_FILENO);
		xpc_dictionary_set_fd(request, "b", STDOUT_FILENO);
		assert_int_equal(get_status(ask(&client, request)),
		    i % 2 == 0 ? 0 : FAILURE_INVALID_REQUEST);
	}
	wait_until(^bool {
		return count_descriptors() == before;
	});
	close_client(&client);
}

/* Goal: S5: creates nothing, one line, and the peer is dropped. */
static void test_no_reply(void **unused)
{
	xpc_object_t request = request_create("acquire", "default");
	struct client client;
	struct client watcher;

	(void)unused;
	connect_client(&client);
	xpc_connection_send_message(client.connection, request);
	xpc_connection_send_message(client.connection, request);
	xpc_release(request);
	wait_ended(&client);
	xpc_release(client.connection);
	connect_client(&watcher);
	assert_int_equal(get_broker_status(&watcher).networks, 0);
	assert_int_equal(log_lines, 1);
	assert_int_equal(fake_vmnet_created(), 0);
	close_client(&watcher);
}

/* Goal: S6: one reply to each of many requests, whatever they are. The stand-in
 * aborts on a second. */
static void test_one_reply(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	connect_client(&client);
	assert_acquire(&client, "host", 0);
	for (int i = 0; i < 1000; i++) {
		acquire_later(&client, &replies,
		    i % 3 == 0       ? "host"
			: i % 3 == 1 ? "nowhere"
				     : "?");
	}
	wait_replies(&replies, 1000);
	assert_int_equal(replies.networks, 334);
	assert_int_equal(replies.refused, 666);
	close_client(&client);
}

/*
 * Limits.
 */

/* Goal: S8: the fifth unanswered request is refused; the others are served. */
static void test_requests_in_flight(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&client);
	for (int i = 0; i < 4; i++) {
		acquire_later(&client, &replies, "default");
	}
	assert_acquire(&client, "default", FAILURE_BUSY);
	assert_int_equal(
	    get_status(ask(&client, request_create("x", NULL))), FAILURE_BUSY);
	standin_unhang();
	wait_replies(&replies, 4);
	assert_int_equal(replies.networks, 4);
	assert_network(&client, "default", "held 1");
	close_client(&client);
}

/* Goal: S10: eight networks a peer; also when they could not be made. */
static void test_networks_per_peer(void **unused)
{
	static const char *const names[] = { "default", "host", "shared", "n1",
		"n2", "n3", "n4", "n5", "n6" };
	struct client client;

	(void)unused;
	connect_client(&client);
	standin_fail("vmnet_network_create=1001");
	for (int i = 0; i < 9; i++) {
		assert_acquire(&client, names[i], FAILURE_CREATE);
	}
	standin_fail(NULL);
	for (int i = 0; i < 8; i++) {
		assert_acquire(&client, names[i], 0);
	}
	assert_acquire(&client, names[8], FAILURE_BUSY);
	assert_acquire(&client, names[0], 0);
	close_client(&client);
}

static void connect_many(struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		connect_client(&clients[i]);
		assert_acquire(&clients[i], "default", 0);
	}
}

static void close_many(struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		close_client(&clients[i]);
	}
}

/* Goal: S10: one user's 257th client is refused whenever it asks, until there is
 * room; other users are served. */
static void test_peers_of_user(void **unused)
{
	static struct client clients[VMNET_BROKER_MAX_PEERS_PER_USER];
	struct client more;
	struct client other;

	(void)unused;
	connect_many(clients, VMNET_BROKER_MAX_PEERS_PER_USER);
	connect_client(&more);
	assert_acquire(&more, "default", FAILURE_BUSY);
	assert_acquire(&more, "default", FAILURE_BUSY);
	peer_uid = USER + 1;
	connect_client(&other);
	assert_acquire(&other, "default", 0);
	assert_int_equal(get_broker_status(&other).peers,
	    VMNET_BROKER_MAX_PEERS_PER_USER + 1);
	close_client(&clients[0]);
	wait_peers(&other, VMNET_BROKER_MAX_PEERS_PER_USER);
	assert_acquire(&more, "default", 0);
	close_many(clients + 1, VMNET_BROKER_MAX_PEERS_PER_USER - 1);
	close_client(&more);
	close_client(&other);
}

/* There is room for one more that is refused, once those that went are gone. */
static bool is_refused_again(void)
{
	struct client client;
	int64_t status;

	connect_client(&client);
	status = acquire(&client, "default");
	close_client(&client);
	assert_true(status == FAILURE_BUSY || status == -1);
	return status == FAILURE_BUSY;
}

/* Goal: S10: four users and all their clients do not lock root out; what is
 * refused is bounded as well. */
static void test_peers(void **unused)
{
	static struct client clients[VMNET_BROKER_MAX_PEERS];
	const size_t most =
	    VMNET_BROKER_MAX_PEERS - VMNET_BROKER_PEERS_KEPT_FOR_ROOT;
	struct client refused[65];
	struct replies replies = { 0 };

	(void)unused;
	for (size_t i = 0; i < most; i++) {
		peer_uid = USER + (unsigned)i / 256;
		connect_many(&clients[i], 1);
	}
	for (size_t i = 0; i < 64; i++) {
		connect_client(&refused[i]);
		assert_acquire(&refused[i], "default", FAILURE_BUSY);
	}
	connect_client(&refused[64]);
	acquire_later(&refused[64], &replies, "default");
	wait_ended(&refused[64]);
	peer_uid = 0;
	connect_many(&clients[most], VMNET_BROKER_PEERS_KEPT_FOR_ROOT);
	close_many(refused, 64);
	xpc_release(refused[64].connection);
	wait_peers(&clients[most], VMNET_BROKER_MAX_PEERS);
	wait_until(^bool {
		return is_refused_again();
	});
	close_many(clients, VMNET_BROKER_MAX_PEERS);
}

/* Goal: S7: a client that sends many messages in one go yields to the others,
 * each 16, and is answered all the same; also when it goes meanwhile. */
static void test_turns(void **unused)
{
	struct replies replies = { 0 };
	struct client greedy;

	(void)unused;
	connect_client(&greedy);
	turns = 0;
	for (int i = 0; i < 160; i++) {
		acquire_later(&greedy, &replies, "nowhere");
	}
	wait_replies(&replies, 160);
	assert_int_equal(turns, 10);
	for (int i = 0; i < 160; i++) {
		acquire_later(&greedy, &replies, "nowhere");
	}
	close_client(&greedy);
	wait_replies(&replies, 320);
	assert_serves("default");
}

/* Goal: S11: who holds nothing is dropped after 60 s; who holds is not. */
static void test_idle_peer(void **unused)
{
	struct client holder;
	struct client idle;

	(void)unused;
	connect_client(&holder);
	connect_client(&idle);
	assert_acquire(&holder, "default", 0);
	assert_acquire(&idle, "nowhere", FAILURE_NOT_FOUND);
	advance(59 * SECOND);
	assert_acquire(&idle, "nowhere", FAILURE_NOT_FOUND);
	advance(59 * SECOND);
	assert_int_equal(get_broker_status(&holder).peers, 2);
	assert_int_equal(idle.ended, 0);
	advance(1 * SECOND);
	wait_ended(&idle);
	/* The client may be told before the broker is. */
	wait_peers(&holder, 1);
	advance(1000 * SECOND);
	assert_network(&holder, "default", "held 1");
	xpc_release(idle.connection);
	close_client(&holder);
}

/*
 * The end.
 */

static void wait_done(int status)
{
	wait_until(^bool {
		return done_count == 1;
	});
	assert_int_equal(done_status, status);
	assert_int_equal(fake_vmnet_networks(), 0);
	assert_int_equal(fake_vmnet_interfaces(), 0);
}

/* Goal: S11: who holds nothing does not keep the broker. */
static void test_stop_idle(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	get_broker_status(&client);
	stop();
	wait_done(0);
	close_client(&client);
}

/* Goal: what lingers is released before the end. */
static void test_stop_lingering(void **unused)
{
	(void)unused;
	assert_serves("default");
	stop();
	wait_done(0);
	assert_int_equal(fake_vmnet_created(), 1);
}

/* Goal: S12: a holder defers it; status says so; nobody else gets in. */
static void test_stop_held(void **unused)
{
	struct client holder;
	struct client late;

	(void)unused;
	connect_client(&holder);
	assert_acquire(&holder, "default", 0);
	stop();
	connect_client(&late);
	assert_true(get_broker_status(&late).stopping);
	assert_acquire(&late, "default", FAILURE_BUSY);
	assert_acquire(&late, "host", FAILURE_BUSY);
	assert_acquire(&holder, "host", FAILURE_BUSY);
	assert_acquire(&holder, "default", 0);
	advance(1000 * SECOND);
	assert_int_equal(done_count, 0);
	stop();
	assert_acquire(&holder, "default", 0);
	assert_int_equal(done_count, 0);
	close_client(&holder);
	wait_done(0);
	close_client(&late);
}

/* Goal: stopped while a network is made: it is released, whoever waited. */
static void test_stop_creating(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&client);
	acquire_later(&client, &replies, "default");
	get_broker_status(&client);
	stop();
	assert_int_equal(done_count, 0);
	standin_unhang();
	wait_done(0);
	/* Not a word: it is to ask the next broker. */
	assert_int_equal(replies.refused + replies.networks, 0);
	close_client(&client);
	wait_replies(&replies, 1);
}

/* Goal: a vmnet that hangs delays the end for 8 s, and no more. */
static void test_stop_hanging(void **unused)
{
	struct replies replies = { 0 };
	struct client client;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&client);
	acquire_later(&client, &replies, "default");
	get_broker_status(&client);
	stop();
	advance(8 * SECOND - 1);
	assert_int_equal(done_count, 0);
	advance(1);
	wait_until(^bool {
		return done_count == 1;
	});
	assert_int_equal(done_status, 1);
	close_client(&client);
	wait_replies(&replies, 1);
	standin_unhang();
	wait_log("network default: released");
}

/* Goal: without a network for 120 s the broker is done; not before, and not
 * before its first client: KeepAlive would only start it again. */
static void test_idle_exit(void **unused)
{
	(void)unused;
	advance(1000 * SECOND);
	assert_int_equal(done_count, 0);
	advance(60 * SECOND);
	assert_serves("default");
	wait_alone();
	advance(5 * SECOND);
	wait_log("network default: released");
	advance(120 * SECOND - 1);
	assert_int_equal(done_count, 0);
	advance(1);
	wait_done(0);
}

/* Goal: without its listener a broker ends. */
static void test_listener(void **unused)
{
	(void)unused;
	xpc_connection_cancel(listener);
	wait_done(1);
}

/*
 * A vmnet that fails.
 */

static const char *const fatal_functions[] = {
	"vmnet_network_configuration_create",
	"vmnet_network_configuration_set_ipv4_subnet",
	"vmnet_network_create",
	"vmnet_network_copy_serialization",
};

static void assert_vmnet_failure(const char *function, int status)
{
	struct client client;
	xpc_object_t reply = NULL;
	xpc_object_t number = NULL;
	const char *message = NULL;
	char plan[128];

	snprintf(plan, sizeof(plan), "%s=%d", function, status);
	standin_fail(plan);
	connect_client(&client);
	reply = ask(&client, request_create("acquire", "far"));
	standin_fail(NULL);
	assert_int_equal(
	    xpc_dictionary_get_int64(reply, "error"), FAILURE_CREATE);
	number = xpc_dictionary_get_value(reply, "vmnet_status");
	assert_non_null(number);
	assert_int_equal(xpc_int64_get_value(number), status);
	message = xpc_dictionary_get_string(reply, "error_message");
	snprintf(plan, sizeof(plan), "(%d)", status);
	if (strstr(message, function) == NULL ||
	    strstr(message, plan) == NULL) {
		fail_msg("\"%s\"", message);
	}
	xpc_release(reply);
	/* And the next is served. */
	assert_acquire(&client, "far", 0);
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
}

/* Goal: S17: each status of each function, known or not. */
static void test_vmnet_statuses(void **unused)
{
	static const int statuses[] = { 1000, 1001, 1002, 1003, 1004, 1005,
		1006, 1007, 1008, 1009, 1010, 1011, 0, -1, 4242 };

	(void)unused;
	for (size_t f = 0; f < 4; f++) {
		for (size_t s = 0; s < sizeof(statuses) / sizeof(statuses[0]);
		     s++) {
			/* This one returns a status and nothing else. */
			if (f == 1 && statuses[s] == 1000) {
				continue;
			}
			/* "vmnet_status" 0 would say that it was not vmnet. */
			if (statuses[s] > 0) {
				assert_vmnet_failure(
				    fatal_functions[f], statuses[s]);
			}
		}
	}
}

/* Goal: whatever becomes of the anchor, the network is served and goes. */
static void test_anchor(void **unused)
{
	(void)unused;
	for (int start_mode = START_WELL; start_mode < START_SILENT;
	     start_mode++) {
		for (int stop_mode = STOP_WELL; stop_mode <= STOP_TWICE;
		     stop_mode++) {
			fake_vmnet.start = (enum fake_start)start_mode;
			fake_vmnet.stop = (enum fake_stop)stop_mode;
			assert_serves("default");
			wait_alone();
			advance(5 * SECOND);
			wait_networks(0);
		}
	}
}

/* Goal: an anchor whose start is never answered costs nobody anything. */
static void test_anchor_silent(void **unused)
{
	struct client client;

	(void)unused;
	fake_vmnet.start = START_SILENT;
	assert_serves("default");
	wait_alone();
	connect_client(&client);
	advance(5 * SECOND);
	assert_network(&client, "default", "releasing 0");
	advance(ANCHOR_STOP_TIMEOUT * SECOND - 1);
	assert_network(&client, "default", "releasing 0");
	advance(1);
	wait_log("did not stop the anchor");
	wait_networks(0);
	/* vmnet still owes an answer: the next one is served without. */
	assert_acquire(&client, "default", 0);
	wait_log("has not answered for the last one");
	/* The answer comes when the network is long gone, and is a failure. */
	assert_true(fake_vmnet_answer());
	wait_log("could not start it");
	close_client(&client);
}

/* Goal: if vmnet never says that the anchor stopped, the network is released
 * after 3 s, and whoever waited gets a new one. */
static void test_stop_silent(void **unused)
{
	struct client client;
	struct replies replies = { 0 };

	(void)unused;
	fake_vmnet.stop = STOP_SILENT;
	assert_serves("default");
	wait_alone();
	advance(5 * SECOND);
	connect_client(&client);
	acquire_later(&client, &replies, "default");
	assert_network(&client, "default", "releasing 1");
	assert_int_equal(replies.networks, 0);
	fake_vmnet.stop = STOP_WELL;
	advance(ANCHOR_STOP_TIMEOUT * SECOND);
	wait_replies(&replies, 1);
	assert_int_equal(replies.networks, 1);
	wait_networks(1);
	assert_int_equal(fake_vmnet_created(), 2);
	assert_true(fake_vmnet_answer());
	close_client(&client);
}

/* Goal: S20: a call that hangs costs its askers 30 s, and nobody else. */
static void test_create_hangs(void **unused)
{
	struct replies replies = { 0 };
	struct client asker;
	struct client other;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&asker);
	connect_client(&other);
	acquire_later(&asker, &replies, "default");
	acquire_later(&asker, &replies, "default");
	assert_network(&asker, "default", "creating 1");
	assert_acquire(&other, "host", 0);
	advance(30 * SECOND - 1);
	assert_int_equal(replies.refused, 0);
	advance(1);
	wait_replies(&replies, 2);
	assert_int_equal(replies.refused, 2);
	assert_int_equal(replies.status, FAILURE_CREATE);
	assert_network(&other, "default", "stuck 0");
	assert_acquire(&asker, "default", FAILURE_CREATE);
	wait_log("has not answered for this network since ");
	standin_unhang();
	wait_log("network default: vmnet has answered after all");
	wait_networks(1);
	assert_acquire(&asker, "default", 0);
	assert_int_equal(fake_vmnet_created(), 3);
	close_client(&asker);
	close_client(&other);
}

/* Goal: S18: a subnet that is none is a failure, and not the end. */
static void test_odd_mask(void **unused)
{
	struct client client;

	(void)unused;
	fake_vmnet.mask = 0xff00ff00;
	connect_client(&client);
	assert_acquire(&client, "default", FAILURE_CREATE);
	assert_int_equal(fake_vmnet_networks(), 0);
	fake_vmnet.mask = 0xffff0000;
	assert_acquire(&client, "default", 0);
	close_client(&client);
}

/*
 * Subnets.
 */

/* Goal: a subnet that the Mac is on is refused, and by which interface; one
 * that only a bridge of vmnet has, from 100 up, is not. */
static void test_host_overlap(void **unused)
{
	struct client client;
	xpc_object_t reply = NULL;
	const char *message = NULL;

	(void)unused;
	connect_client(&client);
	reply = ask(&client, request_create("acquire", "near"));
	message = xpc_dictionary_get_string(reply, "error_message");
	assert_string_equal(message,
	    "the subnet 192.168.100.0/24 overlaps the Mac's own interface "
	    "en0 (192.168.100.20/24): choose another in networks.json");
	assert_null(xpc_dictionary_get_value(reply, "vmnet_status"));
	xpc_release(reply);
	assert_int_equal(fake_vmnet_created(), 0);
	for (int i = 1; i < 5; i++) {
		bridge_used = i;
		assert_acquire(&client, "far", FAILURE_CREATE);
	}
	assert_int_equal(fake_vmnet_created(), 0);
	bridge_used = 0;
	assert_acquire(&client, "far", 0);
	assert_int_equal(fake_vmnet.asked, 0xc0a86500);
	close_client(&client);
}

/* Goal: a subnet that a route leads to is refused, and by which route; routes
 * that take everything, and those of vmnet's bridges, are in nobody's way. */
static void test_route_overlap(void **unused)
{
	struct client client;

	(void)unused;
	add_route(9, 0, 0);             /* default */
	add_route(9, 0, 1);             /* half of everything, by a VPN */
	add_route(9, 0x80000000, 1);    /* the other half */
	add_route(100, 0xc0a86500, 24); /* of the bridge */
	add_route(9, 0xc0a86505, 33);   /* a neighbour, to be left out */
	set_route(RTF_UP | RTF_LLINFO, sizeof(routes[0]));
	connect_client(&client);
	assert_acquire(&client, "far", 0);
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);

	add_route(9, 0xc0a86000, 20);
	connect_client(&client);
	assert_acquire(&client, "far", FAILURE_CREATE);
	wait_log("the subnet 192.168.101.0/24 overlaps the Mac's own route to "
		 "192.168.96.0/20 through utun3: choose another in "
		 "networks.json");
	/* A single host is in the way as well. */
	route_count = 0;
	add_route(9, 0xc0a86505, 33);
	assert_acquire(&client, "far", FAILURE_CREATE);
	wait_log("192.168.101.5/32 through utun3");
	/* What is no message ends the list. */
	route_count = 0;
	add_route(9, 0xc0a86505, 33);
	set_route(RTF_UP, sizeof(struct rt_msghdr) - 1);
	assert_acquire(&client, "far", 0);
	close_client(&client);
}

static void acquire_and_let_go(const char *name)
{
	assert_serves(name);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
}

static void assert_source(struct client *client, const char *name,
    const char *source, const char *subnet)
{
	xpc_object_t reply = ask(client, request_create("acquire", name));

	assert_info(reply, VMNET_BROKER_INFO_SUBNET_SOURCE, source);
	assert_info(reply, VMNET_BROKER_INFO_SUBNET, subnet);
	xpc_release(reply);
}

/* Goal: promise 5: a name has its own subnet, the next one while vmnet or the Mac
 * has that, and its own again as soon as it is free. */
static void test_own_subnet(void **unused)
{
	struct client client;

	(void)unused;
	acquire_and_let_go("default");
	assert_int_equal(fake_vmnet.asked, 0xc0a87300);
	fake_vmnet.in_use = 0xc0a87300;
	connect_client(&client);
	assert_source(&client, "default", "alternative", "192.168.116.0/24");
	wait_log("network default: its subnet 192.168.115.0/24 is used by the "
		 "Mac or by another vmnet network");
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
	fake_vmnet.in_use = 0;
	dispatch_sync(queue, ^{
		set_address(&en0_address, "192.168.115.7");
	});
	connect_client(&client);
	assert_source(&client, "default", "alternative", "192.168.116.0/24");
	assert_source(&client, "far", "configured", "192.168.101.0/24");
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
	dispatch_sync(queue, ^{
		set_address(&en0_address, "192.168.100.20");
	});
	connect_client(&client);
	assert_source(&client, "default", "assigned", "192.168.115.0/24");
	close_client(&client);
}

/* Changes a network while nobody has it. */
static void set_network(const char *name, struct config_network network)
{
	dispatch_sync(queue, ^{
		for (size_t i = 0; i < config.count; i++) {
			if (strcmp(networks[i].name, name) == 0) {
				networks[i] = network;
			}
		}
	});
}

/* Goal: what networks.json says reaches vmnet, and what vmnet refuses of it is
 * named. */
static void test_settings(void **unused)
{
	static const char *const setters[] = {
		"vmnet_network_configuration_set_external_interface",
		"vmnet_network_configuration_set_ipv6_prefix",
		"vmnet_network_configuration_set_mtu",
		"vmnet_network_configuration_add_dhcp_reservation",
		"vmnet_network_configuration_add_port_forwarding_rule",
	};
	static struct config_reservation reservations[] = {
		{ .mac = { 0x52, 0x54, 0, 0, 0, 1 }, .address = 0xc0a86502 },
		{ .mac = { 0x52, 0x54, 0, 0, 0, 2 }, .address = 0xc0a86503 },
	};
	static struct config_rule rules[] = {
		{ CONFIG_TCP, 8080, 0xc0a86502, 80 },
		{ CONFIG_UDP, 5353, 0xc0a86503, 53 },
	};
	const struct config_network *far = config_find(&config, "far");
	struct config_network before = *far;
	struct config_network network = before;
	struct client client;
	char text[512];

	(void)unused;
	acquire_and_let_go("far");
	fake_vmnet_take_settings(text, sizeof(text));
	assert_string_equal(text, "");
	network.off = CONFIG_NAT44 | CONFIG_NAT66 | CONFIG_DHCP |
	    CONFIG_DNS_PROXY | CONFIG_ROUTER_ADVERTISEMENT;
	network.has_ipv6_prefix = true;
	network.ipv6_prefix.s6_addr[0] = 0xfd;
	network.mtu = 1400;
	snprintf(network.external_interface, CONFIG_INTERFACE, "en1");
	network.reservations = reservations;
	network.reservation_count = 2;
	network.rules = rules;
	network.rule_count = 2;
	set_network("far", network);
	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
		char plan[80];

		snprintf(plan, sizeof(plan), "%s:1=1003", setters[i]);
		standin_fail(plan);
		connect_client(&client);
		assert_acquire(&client, "far", FAILURE_CREATE);
		wait_log(setters[i]);
		close_client(&client);
		standin_fail(NULL);
	}
	fake_vmnet_take_settings(text, sizeof(text));
	connect_client(&client);
	assert_acquire(&client, "far", 0);
	fake_vmnet_take_settings(text, sizeof(text));
	assert_string_equal(text,
	    "no nat44\nno nat66\nno dhcp\nno dns_proxy\n"
	    "no router_advertisement\nexternal en1\nprefix fd00::/64\n"
	    "mtu 1400\nreserve 52:54:0:0:0:1 192.168.101.2\n"
	    "reserve 52:54:0:0:0:2 192.168.101.3\n"
	    "rule 6 8080 192.168.101.2:80\nrule 17 5353 192.168.101.3:53\n");
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
	set_network("far", before);
}

/* Goal: a subnet that is preferred is had if it can be, and else the network has
 * one of those of its name. */
static void test_preferred_subnet(void **unused)
{
	struct config_network before = *config_find(&config, "far");
	struct config_network network = before;
	struct client client;

	(void)unused;
	network.subnet_policy = CONFIG_PREFER;
	set_network("far", network);
	connect_client(&client);
	assert_source(&client, "far", "configured", "192.168.101.0/24");
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
	fake_vmnet.in_use = 0xc0a86500;
	connect_client(&client);
	assert_source(&client, "far", "alternative", "192.168.104.0/24");
	close_client(&client);
	wait_alone();
	advance(5 * SECOND);
	wait_networks(0);
	set_network("far", before);
}

/* Goal: a network may have a linger of its own, and no anchor: then nothing has
 * to stop before it is released. */
static void test_own_linger(void **unused)
{
	struct config_network before = *config_find(&config, "default");
	struct config_network network = before;
	struct client client;

	(void)unused;
	network.linger = 30;
	network.off = CONFIG_ANCHOR;
	set_network("default", network);
	fake_vmnet.stop = STOP_SILENT;
	assert_serves("default");
	wait_alone();
	connect_client(&client);
	advance(30 * SECOND - 1);
	assert_network(&client, "default", "lingering 0");
	advance(1);
	wait_networks(0);
	network.linger = 0;
	set_network("default", network);
	close_client(&client);
	assert_serves("default");
	wait_networks(0);
	set_network("default", before);
}

/* Goal: on a Mac whose LAN has all candidates the system chooses; its choice is
 * refused if the Mac is on that, too. */
static void test_system_subnet(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	fake_vmnet.refuse_all = true;
	assert_source(&client, "default", "system", "192.168.64.0/24");
	dispatch_sync(queue, ^{
		set_address(&en0_address, "192.168.65.1");
	});
	assert_acquire(&client, "shared", FAILURE_CREATE);
	wait_log("macOS chose the subnet 192.168.65.0/24, which overlaps the "
		 "Mac's own interface en0 (192.168.65.1/24): choose one in "
		 "networks.json");
	close_client(&client);
}

/*
 * Faults of the system.
 */

/* Whether, with plan, calls of kind got as far as the one that fails. */
static bool assert_survives(const char *kind, const char *plan, unsigned long n)
{
	struct client client;
	unsigned long calls = 0;
	int64_t status = 0;

	connect_client(&client);
	standin_fail(plan);
	status = acquire(&client, "default");
	calls = standin_fail_count(kind);
	standin_fail(NULL);
	if (status != 0 && status != -1 && status != FAILURE_INTERNAL &&
	    status != FAILURE_CREATE) {
		fail_msg("%s: %d", plan, (int)status);
	}
	if (status == -1) {
		wait_ended(&client);
		xpc_release(client.connection);
	} else {
		close_client(&client);
	}
	wait_alone();
	acquire_and_let_go("host");
	restart();
	return calls >= n;
}

/* Goal: S17: with the n-th allocation failing, or it and the next, or it and
 * all after, for every n that there is, a client gets an answer or loses its
 * connection; then the next is served. The same of descriptors. */
static void test_no_resources(void **unused)
{
	static const struct {
		const char *kind;
		const char *format;
	} faults[] = {
		{ "malloc", "malloc:%lu" },
		{ "malloc", "malloc:%lu+" },
		{ "malloc", "malloc:%lu,malloc:%lu" },
		{ "fd", "fd:%lu" },
		{ "fd", "fd:%lu+" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		bool met = true;
		unsigned long n = 0;

		while (met) {
			char plan[64];

			n++;
			snprintf(
			    plan, sizeof(plan), faults[i].format, n, n + 1);
			met = assert_survives(faults[i].kind, plan, n);
		}
		if (n < 3 && strcmp(faults[i].kind, "malloc") == 0) {
			fail_msg("%s: nothing was met", faults[i].format);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_acquire),
		TEST(test_share),
		TEST(test_unknown),
		TEST(test_broken),
		TEST(test_types),
		TEST(test_strings),
		TEST(test_generated_strings),
		TEST(test_log),
		TEST(test_unknown_keys),
		TEST(test_descriptors),
		TEST(test_no_reply),
		TEST(test_one_reply),
		TEST(test_requests_in_flight),
		TEST(test_networks_per_peer),
		TEST(test_peers),
		TEST(test_peers_of_user),
		TEST(test_idle_peer),
		TEST(test_turns),
		TEST(test_stop_idle),
		TEST(test_stop_lingering),
		TEST(test_stop_held),
		TEST(test_stop_creating),
		TEST(test_stop_hanging),
		TEST(test_idle_exit),
		TEST(test_listener),
		TEST(test_vmnet_statuses),
		TEST(test_anchor),
		TEST(test_anchor_silent),
		TEST(test_stop_silent),
		TEST(test_create_hangs),
		TEST(test_odd_mask),
		TEST(test_host_overlap),
		TEST(test_route_overlap),
		TEST(test_own_subnet),
		TEST(test_settings),
		TEST(test_preferred_subnet),
		TEST(test_own_linger),
		TEST(test_system_subnet),
		TEST(test_no_resources),
	};

	/* Nothing here waits for time: what takes minutes hangs. */
	alarm(200);
	standin_clock_advance(0);
	return cmocka_run_group_tests(tests, warm_up, NULL);
}
