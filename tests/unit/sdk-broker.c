// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* A broker that does what the test tells it to do, see sdk-fixture.h. */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

#include "protocol.h"
#include "sdk-fixture.h"

#define SILENT_MAX 64

static struct {
	const char *mode;
	xpc_object_t silent[SILENT_MAX]; /* requests not answered yet */
	size_t silent_count;
} broker;

static xpc_object_t shmem_create(void)
{
	size_t size = (size_t)getpagesize();
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED) {
		err(1, "mmap");
	}
	return xpc_shmem_create(region, size);
}

static xpc_object_t endpoint_create(void)
{
	xpc_connection_t connection = xpc_connection_create(NULL, NULL);

	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		(void)event;
	});
	xpc_connection_activate(connection);
	return xpc_endpoint_create(connection);
}

static xpc_object_t value_create(const char *type)
{
	if (strcmp(type, "null") == 0) {
		return xpc_null_create();
	} else if (strcmp(type, "bool") == 0) {
		return xpc_bool_create(true);
	} else if (strcmp(type, "int64") == 0) {
		return xpc_int64_create(5);
	} else if (strcmp(type, "uint64") == 0) {
		return xpc_uint64_create(5);
	} else if (strcmp(type, "double") == 0) {
		return xpc_double_create(5.0);
	} else if (strcmp(type, "date") == 0) {
		return xpc_date_create(5);
	} else if (strcmp(type, "data") == 0) {
		return xpc_data_create("\5\0\0\0\0\0\0\0", 8);
	} else if (strcmp(type, "string") == 0) {
		return xpc_string_create("5");
	} else if (strcmp(type, "uuid") == 0) {
		return xpc_uuid_create(
		    (const unsigned char *)"uuid of 16 bytes");
	} else if (strcmp(type, "array") == 0) {
		return xpc_array_create(NULL, 0);
	} else if (strcmp(type, "dictionary") == 0) {
		return xpc_dictionary_create(NULL, NULL, 0);
	} else if (strcmp(type, "fd") == 0) {
		return xpc_fd_create(STDERR_FILENO);
	} else if (strcmp(type, "shmem") == 0) {
		return shmem_create();
	} else if (strcmp(type, "endpoint") == 0) {
		return endpoint_create();
	}
	errx(1, "broker: no such type: %s", type);
}

static void set_value(xpc_object_t reply, const char *key, const char *type)
{
	xpc_object_t value = value_create(type);

	xpc_dictionary_set_value(reply, key, value);
	xpc_release(value);
}

static void set_network(xpc_object_t reply, const char *name)
{
	xpc_object_t network = xpc_dictionary_create(NULL, NULL, 0);
	xpc_object_t info = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(network, "name", name);
	xpc_dictionary_set_string(network, "mode", broker.mode);
	xpc_dictionary_set_value(reply, VMNET_BROKER_KEY_NETWORK, network);
	xpc_release(network);
	xpc_dictionary_set_uint64(
	    info, VMNET_BROKER_INFO_GENERATION, (uint64_t)getpid());
	xpc_dictionary_set_value(reply, VMNET_BROKER_KEY_INFO, info);
	xpc_release(info);
}

/* Makes the reply to the name, which is not "silent". */
static void reply_fill(xpc_object_t reply, const char *name)
{
	if (strcmp(broker.mode, "busy") == 0) {
		xpc_dictionary_set_int64(
		    reply, VMNET_BROKER_KEY_ERROR, 8 /* BUSY */);
	} else if (strncmp(name, "network:", 8) == 0) {
		set_value(reply, VMNET_BROKER_KEY_NETWORK, name + 8);
	} else if (strncmp(name, "error:", 6) == 0) {
		set_value(reply, VMNET_BROKER_KEY_ERROR, name + 6);
	} else if (strncmp(name, "reason=", 7) == 0) {
		xpc_dictionary_set_int64(reply, "error", 6);
		xpc_dictionary_set_string(reply, "error_message", name + 7);
	} else if (strncmp(name, "error=", 6) == 0) {
		xpc_dictionary_set_int64(
		    reply, VMNET_BROKER_KEY_ERROR, strtoll(name + 6, NULL, 0));
	} else if (strcmp(name, "both") == 0) {
		set_network(reply, name);
		xpc_dictionary_set_int64(reply, VMNET_BROKER_KEY_ERROR, 5);
	} else if (strcmp(name, "none") != 0) {
		set_network(reply, name);
	}
	if (strcmp(name, "info") == 0) {
		set_value(reply, VMNET_BROKER_KEY_INFO, "array");
	}
}

/* Answers a request, and consumes it. */
static void request_answer(xpc_object_t request)
{
	xpc_object_t reply = xpc_dictionary_create_reply(request);

	reply_fill(reply,
	    xpc_dictionary_get_string(request, VMNET_BROKER_KEY_NETWORK_NAME));
	xpc_connection_send_message(
	    xpc_dictionary_get_remote_connection(request), reply);
	xpc_release(reply);
	xpc_release(request);
}

static void push(xpc_connection_t peer)
{
	xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(message, "news", "none");
	xpc_connection_send_message(peer, message);
	xpc_release(message);
}

static void acquire(xpc_connection_t peer, xpc_object_t request)
{
	const char *name =
	    xpc_dictionary_get_string(request, VMNET_BROKER_KEY_NETWORK_NAME);

	printf("acquire %.64s\n", name);
	if (strcmp(broker.mode, "mortal") == 0) {
		_exit(0);
	}
	if (strcmp(broker.mode, "refuse") == 0) {
		xpc_connection_cancel(peer);
		return;
	}
	if (strcmp(name, "silent") == 0) {
		if (broker.silent_count == SILENT_MAX) {
			errx(1, "broker: too many unanswered requests");
		}
		broker.silent[broker.silent_count] = xpc_retain(request);
		broker.silent_count++;
		return;
	}
	if (strcmp(name, "push") == 0) {
		push(peer);
	}
	while (strcmp(name, "speak") == 0 && broker.silent_count > 0) {
		broker.silent_count--;
		request_answer(broker.silent[broker.silent_count]);
	}
	request_answer(xpc_retain(request));
}

static void peer_event(xpc_connection_t peer, xpc_object_t event)
{
	const char *command;

	if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) {
		if (strcmp(broker.mode, "watch") == 0) {
			printf("gone\n");
		}
		return;
	}
	command = xpc_dictionary_get_string(event, VMNET_BROKER_KEY_COMMAND);
	if (command == NULL ||
	    strcmp(command, VMNET_BROKER_COMMAND_ACQUIRE) != 0) {
		errx(1, "broker: request without acquire");
	}
	acquire(peer, event);
}

static void listener_event(xpc_object_t event)
{
	xpc_connection_t peer = event;

	if (xpc_get_type(event) != XPC_TYPE_CONNECTION) {
		errx(1, "broker: cannot listen");
	}
	printf("peer\n");
	xpc_connection_set_target_queue(peer, dispatch_get_main_queue());
	xpc_connection_set_event_handler(peer, ^(xpc_object_t message) {
		peer_event(peer, message);
	});
	xpc_connection_activate(peer);
}

int broker_main(const char *mode)
{
	xpc_connection_t listener;

	setvbuf(stdout, NULL, _IOLBF, 0);
	broker.mode = mode;
	listener = xpc_connection_create_mach_service(VMNET_BROKER_SERVICE,
	    dispatch_get_main_queue(), XPC_CONNECTION_MACH_SERVICE_LISTENER);
	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		listener_event(event);
	});
	xpc_connection_activate(listener);
	dispatch_main();
}
