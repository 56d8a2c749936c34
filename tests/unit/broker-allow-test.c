// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client broker-reload-fixture run-until-failure

/*
 * networks.json decides which users may use a network.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "broker-fixture.h"
#include "broker-reload-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

/* A user that the directory has: Debian's "daemon" is in the group "daemon". */
#define DAEMON 1

#define DENIED(uid)                                                            \
	"3 user " uid " may not use the network lab: its \"allow\" in "        \
	"networks.json names neither this user nor a group of this user"

static void assert_allowed(const char *allow, unsigned uid, const char *error)
{
	struct client *client = NULL;
	struct client *root = NULL;
	char text[256];

	snprintf(text, sizeof(text),
	    "{\"lab\": {\"mode\": \"host\", \"allow\": %s}}", allow);
	write_file(text);
	root = client_connect(0);
	assert_error(ask(root, VMNET_BROKER_COMMAND_RELOAD, NULL), "");
	client = client_connect(uid);
	assert_acquire(client, "lab", error);
	assert_acquire(root, "lab", "");
	client_destroy(client);
	client_destroy(root);
}

/* Goal: the users and groups that are allowed by name or number have access,
 * and root always; no other user has. */
static void users_and_groups_are_allowed_and_root_always(void **state)
{
	(void)state;
	assert_allowed("{\"users\": [501]}", USER, "");
	assert_allowed("{\"users\": [502]}", USER, DENIED("501"));
	assert_allowed("{\"users\": []}", USER, DENIED("501"));
	assert_allowed("{\"users\": [\"daemon\"]}", DAEMON, "");
	assert_allowed("{\"groups\": [\"daemon\"]}", DAEMON, "");
	assert_allowed("{\"groups\": [1]}", DAEMON, "");
	assert_allowed("{\"groups\": [2]}", DAEMON, DENIED("1"));
	/* A user that the directory does not have is in no group. */
	assert_allowed("{\"groups\": [501]}", USER, DENIED("501"));
	assert_allowed("{\"users\": [501], \"groups\": [2]}", USER, "");
}

/* Goal: a reload that takes a right away ends no hold, and is applied to the
 * next assert_acquire. */
static void a_right_that_is_taken_away_ends_no_hold(void **state)
{
	struct client *client = NULL;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"allow\": {\"users\": [501]}}}",
	    "lab||||");
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	reload("{\"lab\": {\"mode\": \"host\", \"allow\": {\"users\": [502]}}}",
	    "|lab|||");
	assert_int_equal(fake_vmnet_networks(), 1);
	assert_acquire(client, "lab", DENIED("501"));
	client_destroy(client);
}

/* Goal: a client may leave while its groups are looked up. */
static void a_client_may_leave_while_its_groups_are_looked_up(void **state)
{
	static atomic_bool handled;
	struct client *client = NULL;
	xpc_object_t request =
	    fixture_request(VMNET_BROKER_COMMAND_ACQUIRE, "lab");

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"allow\": {\"groups\": [1]}}}",
	    "lab||||");
	for (int i = 0; i < 20; i++) {
		client = client_connect(DAEMON);
		handled = false;
		xpc_connection_send_message_with_reply(
		    client->connection, request, NULL, ^(xpc_object_t reply) {
			    (void)reply;
			    handled = true;
		    });
		xpc_connection_cancel(client->connection);
		while (!handled) {
			fixture_run();
		}
		client_destroy(client);
	}
	xpc_release(request);
	client = client_connect(DAEMON);
	assert_acquire(client, "lab", "");
	client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_RELOADED(users_and_groups_are_allowed_and_root_always),
		TEST_RELOADED(a_right_that_is_taken_away_ends_no_hold),
		TEST_RELOADED(
		    a_client_may_leave_while_its_groups_are_looked_up),
	};

	return RUN_UNTIL_FAILURE(tests, open_config, close_config);
}
