// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "bench.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dispatch/dispatch.h>

#include "protocol.h"

xpc_connection_t client_connect(const char *service)
{
	dispatch_semaphore_t ended = dispatch_semaphore_create(0);
	xpc_connection_t connection = xpc_connection_create_mach_service(
	    service, NULL, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);

	xpc_connection_set_context(connection, ended);
	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		if (event == XPC_ERROR_CONNECTION_INVALID) {
			dispatch_semaphore_signal(ended);
		}
	});
	xpc_connection_activate(connection);
	return connection;
}

static xpc_object_t request(xpc_connection_t connection, xpc_object_t message)
{
	xpc_object_t reply =
	    xpc_connection_send_message_with_reply_sync(connection, message);

	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		char *text = xpc_copy_description(reply);

		errx(EXIT_FAILURE, "no reply: %s", text);
	}
	return reply;
}

void client_acquire(xpc_connection_t connection)
{
	xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_COMMAND, VMNET_BROKER_COMMAND_ACQUIRE);
	xpc_dictionary_set_string(
	    message, VMNET_BROKER_KEY_NETWORK_NAME, BENCH_NETWORK);
	xpc_object_t reply = request(connection, message);
	if (xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK) == NULL) {
		char *text = xpc_copy_description(reply);

		errx(EXIT_FAILURE, "acquire: %s", text);
	}
	xpc_release(reply);
	xpc_release(message);
}

void client_ping(xpc_connection_t connection)
{
	xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);

	xpc_release(request(connection, message));
	xpc_release(message);
}

void client_disconnect(xpc_connection_t connection)
{
	dispatch_semaphore_t ended = xpc_connection_get_context(connection);

	xpc_connection_cancel(connection);
	dispatch_semaphore_wait(ended, DISPATCH_TIME_FOREVER);
	xpc_release(connection);
	dispatch_release(ended);
}

void client_disconnect_last(xpc_connection_t connection)
{
	pid_t pid = xpc_connection_get_pid(connection);
	struct pollfd process = { .events = POLLIN };

	process.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process.fd == -1) {
		err(EXIT_FAILURE, "pid %d", (int)pid);
	}
	client_disconnect(connection);
	if (syscall(SYS_pidfd_send_signal, process.fd, SIGTERM, NULL, 0)) {
		err(EXIT_FAILURE, "pid %d: SIGTERM", (int)pid);
	}
	int ready = 0;
	do {
		ready = poll(&process, 1, 30000);
	} while (ready == -1 && errno == EINTR);
	if (ready != 1) {
		errx(EXIT_FAILURE, "pid %d: still there after 30 s", (int)pid);
	}
	close(process.fd);
}
