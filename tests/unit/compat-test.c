// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan
// link: client/vmnet-broker.c tests/unit/sdk-fixture.c
// link: tests/linux/common/unix.c tests/linux/common/spawn.c

/*
 * Promise 7, from the side of the SDK: it works with the oldest broker and with
 * one that is newer than itself. (The oldest client against our broker is in
 * clients.bats.) The broker here is this program again, started by
 * sdk-fixture.c; the name that is asked for says how old it is. Only the public
 * functions are used.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

#include "../linux/common/spawn.h"
#include "sdk-fixture.h"
#include "vmnet-broker.h"

/*
 * The brokers. Keys are written out: they are those of programs that exist.
 */

static void set_network(xpc_object_t reply)
{
	xpc_object_t network = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_uint64(network, "opaque", 42);
	xpc_dictionary_set_value(reply, "network", network);
	xpc_release(network);
}

/* What a later version may say beside what it must. */
static void set_unknown(xpc_object_t reply)
{
	xpc_object_t array = xpc_array_create(NULL, 0);
	xpc_object_t inner = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_value(inner, "array", array);
	xpc_dictionary_set_value(reply, "unknown", inner);
	xpc_dictionary_set_value(reply, "info", array);
	xpc_dictionary_set_int64(reply, "version", 99);
	xpc_dictionary_set_fd(reply, "descriptor", STDERR_FILENO);
	xpc_release(inner);
	xpc_release(array);
}

/* The oldest broker wants these two strings and looks at nothing else. */
static void fill_reply(xpc_object_t reply, xpc_object_t request)
{
	const char *command = xpc_dictionary_get_string(request, "command");
	const char *name = xpc_dictionary_get_string(request, "network_name");

	if (command == NULL || strcmp(command, "acquire") != 0 ||
	    name == NULL) {
		xpc_dictionary_set_int64(reply, "error", 4);
	} else if (strcmp(name, "old") == 0) {
		set_network(reply);
	} else if (strcmp(name, "old-unknown-name") == 0) {
		xpc_dictionary_set_int64(reply, "error", 5);
	} else if (strcmp(name, "new") == 0) {
		set_network(reply);
		set_unknown(reply);
	} else if (strcmp(name, "new-error") == 0) {
		xpc_dictionary_set_int64(reply, "error", 6);
		xpc_dictionary_set_string(reply, "error_message", "why");
		set_unknown(reply);
	} else {
		xpc_dictionary_set_int64(reply, "error", 1000);
	}
}

static void peer_event(xpc_connection_t peer, xpc_object_t event)
{
	xpc_object_t reply = NULL;

	if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) {
		return;
	}
	reply = xpc_dictionary_create_reply(event);
	if (reply != NULL) {
		fill_reply(reply, event);
		xpc_connection_send_message(peer, reply);
		xpc_release(reply);
	}
}

static _Noreturn void serve(void)
{
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    "com.github.nirs.vmnet-broker", dispatch_get_main_queue(),
	    XPC_CONNECTION_MACH_SERVICE_LISTENER);

	xpc_connection_set_event_handler(listener, ^(xpc_object_t peer) {
		if (xpc_get_type(peer) != XPC_TYPE_CONNECTION) {
			exit(1);
		}
		xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
			peer_event(peer, event);
		});
		xpc_connection_activate(peer);
	});
	xpc_connection_activate(listener);
	dispatch_main();
}

/*
 * The tests.
 */

static void assert_granted(const char *name)
{
	vmnet_broker_return_t status = VMNET_BROKER_RETURN_MAX;
	xpc_object_t network = vmnet_broker_acquire_network(name, &status);

	assert_int_equal(status, VMNET_BROKER_SUCCESS);
	assert_non_null(network);
	assert_int_equal(xpc_dictionary_get_count(network), 1);
	assert_int_equal(xpc_dictionary_get_uint64(network, "opaque"), 42);
	xpc_release(network);
}

static void assert_failed(const char *name, int wanted, const char *reason)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;

	assert_null(vmnet_broker_acquire_network(name, &status));
	assert_int_equal(status, wanted);
	assert_string_equal(vmnet_broker_last_reason(), reason);
}

/* Goal: `network` or `error` alone is all that the SDK needs, and the two keys
 * of the oldest client are among what it sends. */
static void the_oldest_broker_suffices(void **unused)
{
	(void)unused;
	assert_granted("old");
	assert_failed("old-unknown-name", VMNET_BROKER_NOT_FOUND,
	    vmnet_broker_strerror(VMNET_BROKER_NOT_FOUND));
}

/* Goal: keys that the SDK does not know, and ones that it knows with another
 * type, change nothing; a status that it does not know is a failure. */
static void a_newer_broker_changes_nothing(void **unused)
{
	(void)unused;
	assert_granted("new");
	assert_failed("new-error", VMNET_BROKER_CREATE_FAILURE, "why");
	assert_failed("new-status", 1000, "unknown error");
}

static char directory[] = "/tmp/compat-test.XXXXXX";

static int set_up(void **unused)
{
	char services[64];

	(void)unused;
	assert_non_null(mkdtemp(directory));
	snprintf(services, sizeof(services), "%s/services", directory);
	assert_int_equal(mkdir(services, 0755), 0);
	assert_int_equal(setenv("STANDIN_DIR", directory, 1), 0);
	fixture_start();
	broker_start("any");
	return 0;
}

static int tear_down(void **unused)
{
	const char *clean[] = { "rm", "-rf", directory, NULL };

	(void)unused;
	broker_kill();
	return spawn_run(clean);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_broker_suffices),
		cmocka_unit_test(a_newer_broker_changes_nothing),
	};

	if (argc == 3 && strcmp(argv[1], "broker") == 0) {
		serve();
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
