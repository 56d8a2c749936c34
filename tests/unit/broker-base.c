// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-base.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>

#include <standin.h>
#include <xpc/xpc.h>

#define PROBLEM "/networks.json:3:5: bad.mode: \"bridged\" is not a mode"

struct config_network broker_networks[NETWORKS + 1] = {
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
	{ .name = BROKEN_NETWORK, .problem = PROBLEM },
};

int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (directory == NULL) {
		abort();
	}
	while (readdir(directory) != NULL) {
		count++;
	}
	closedir(directory);
	return count;
}

void start_first_listener(void)
{
	xpc_connection_t first = xpc_connection_create(NULL, NULL);

	xpc_connection_set_event_handler(first, ^(xpc_object_t event) {
		(void)event;
	});
	xpc_connection_activate(first);
	xpc_connection_cancel(first);
	xpc_release(first);
	while (standin_objects_alive(CONNECTION) != 0) {
		sched_yield();
	}
}
