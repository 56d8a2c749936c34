// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client broker-reload-fixture run-until-failure

/*
 * networks.json is read again although it has errors, by users who may not, and
 * by many clients at once.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker-fixture.h"
#include "broker-reload-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

/* Goal: a bad edit takes nothing away: an entry keeps its last good definition,
 * a file that is no JSON, or missing, all of them. */
static void a_bad_edit_takes_nothing_away(void **state)
{
	struct client *client = NULL;
	struct client *root = NULL;
	char error[256];

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "lab||||");
	reload("{\"lab\": {\"mode\": \"hots\"}, \"new\": {\"mode\": 1}}",
	    "new||||:1:18: lab.mode: \"hots\" is not \"shared\" or \"host\": "
	    "did "
	    "you mean \"host\"? :1:43: new.mode: must be a string, not a "
	    "number");
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	assert_made("mtu 1300");
	snprintf(error, sizeof(error),
	    "9 %s:1:43: new.mode: must be a string, not a number",
	    strrchr(config_path, '/') + 1);
	assert_acquire(client, "new", error);

	root = client_connect(0);
	write_file("{");
	snprintf(error, sizeof(error),
	    "9 %s:1:2: the file ends too early: write the missing closing "
	    "bracket",
	    config_path);
	assert_error(ask(root, VMNET_BROKER_COMMAND_RELOAD, NULL), error);
	assert_int_equal(unlink(config_path), 0);
	snprintf(error, sizeof(error),
	    "9 %s: no such file: the networks are unchanged", config_path);
	assert_error(ask(root, VMNET_BROKER_COMMAND_RELOAD, NULL), error);
	client_destroy(client);
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	client_destroy(root);
	/* An error in the options is one of every network. */
	reload("{\"$options\": {\"default\": {}}, \"lab\": {\"mode\": "
	       "\"shared\"}}",
	    "|||new|:1:15: $options: unknown key \"default\": did you mean "
	    "\"defaults\"?");
	assert_acquire(client, "lab", "");
	assert_acquire(client, "host", "");
	client_destroy(client);
}

/* Goal: at most 100 problems are sent, and how many there are is said. */
static void at_most_100_problems_are_sent_and_the_rest_is_counted(void **state)
{
	char text[4096] = "{\"x\": {\"mode\": \"host\"}";
	struct client *root = NULL;
	xpc_object_t reply = NULL;

	(void)state;
	for (int i = 0; i < 130; i++) {
		sprintf(text + strlen(text), ",\"n%d\":1", i);
	}
	strcat(text, "}");
	write_file(text);
	root = client_connect(0);
	reply = ask(root, VMNET_BROKER_COMMAND_RELOAD, NULL);
	assert_int_equal(xpc_array_get_count(xpc_dictionary_get_array(
			     reply, VMNET_BROKER_CONFIGURATION_PROBLEMS)),
	    VMNET_BROKER_MAX_PROBLEMS);
	assert_int_equal(xpc_dictionary_get_uint64(
			     reply, VMNET_BROKER_CONFIGURATION_LEFT_OUT),
	    30);
	xpc_release(reply);
	client_destroy(root);
}

/* Goal: only root and the broker's own user may reload. */
static void only_root_and_the_user_of_the_broker_may_reload(void **state)
{
	struct client *client = NULL;

	(void)state;
	client = client_connect(USER);
	assert_error(ask(client, VMNET_BROKER_COMMAND_RELOAD, NULL),
	    "3 only root and the broker's own user may do that: use sudo");
	client_destroy(client);
	client = client_connect(geteuid());
	assert_error(ask(client, VMNET_BROKER_COMMAND_RELOAD, NULL), "");
	client_destroy(client);
}

/* Goal: of many reloads at once, each is answered once, also if some clients
 * leave. */
static void many_reloads_at_once_are_each_answered_once(void **state)
{
	static atomic_int answers;
	static atomic_int handled;
	struct client *clients[8];

	(void)state;
	answers = 0;
	handled = 0;
	for (int i = 0; i < 8; i++) {
		xpc_object_t request =
		    fixture_request(VMNET_BROKER_COMMAND_RELOAD, NULL);

		clients[i] = client_connect(0);
		xpc_connection_send_message_with_reply(clients[i]->connection,
		    request, NULL, ^(xpc_object_t reply) {
			    answers +=
				xpc_get_type(reply) == XPC_TYPE_DICTIONARY;
			    handled++;
		    });
		xpc_release(request);
		if (i % 2 == 0) {
			xpc_connection_cancel(clients[i]->connection);
		}
	}
	while (handled < 8) {
		fixture_run();
	}
	for (int i = 0; i < 8; i++) {
		client_destroy(clients[i]);
	}
	assert_in_range(answers, 4, 8);
	/* The file is as it was for all of them. */
	reload("{}", "||||");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_RELOADED(a_bad_edit_takes_nothing_away),
		TEST_RELOADED(
		    at_most_100_problems_are_sent_and_the_rest_is_counted),
		TEST_RELOADED(only_root_and_the_user_of_the_broker_may_reload),
		TEST_RELOADED(many_reloads_at_once_are_each_answered_once),
	};

	return RUN_UNTIL_FAILURE(tests, open_config, close_config);
}
