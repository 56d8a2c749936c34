// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture run-until-failure

/*
 * networks.json is read again while networks are in use, and decides which users
 * may use them.
 */

#include <fcntl.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <standin.h>

#include "broker-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

/* A user that the directory does not have, and one that it has: Debian's
 * "daemon" is in the group "daemon". */
#define STRANGER 501
#define DAEMON 1

static char path[] = "/tmp/broker-reload-test.XXXXXX";

/*
 * Clients.
 */

struct client {
	xpc_connection_t connection;
	atomic_bool ended;
};

static void client_connect(struct client *client, unsigned uid)
{
	fixture_set_user(uid);
	*client = (struct client){ 0 };
	client->connection =
	    xpc_connection_create_from_endpoint(fixture_endpoint);
	xpc_connection_set_event_handler(
	    client->connection, ^(xpc_object_t event) {
		    if (event == XPC_ERROR_CONNECTION_INVALID) {
			    client->ended = true;
		    }
	    });
	xpc_connection_activate(client->connection);
}

static void client_close(struct client *client)
{
	xpc_connection_cancel(client->connection);
	while (!client->ended) {
		fixture_run();
	}
	xpc_release(client->connection);
}

static xpc_object_t ask(
    struct client *client, const char *command, const char *name)
{
	xpc_object_t request = fixture_request(command, name);
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	return reply;
}

/* "", or the status and the sentence. */
static void assert_error(xpc_object_t reply, const char *expected)
{
	const char *message =
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE);
	char text[1024] = "";

	if (message != NULL) {
		snprintf(text, sizeof(text), "%d %s",
		    (int)xpc_dictionary_get_int64(
			reply, VMNET_BROKER_KEY_ERROR),
		    message);
	}
	assert_string_equal(text, expected);
	xpc_release(reply);
}

static void acquire(struct client *client, const char *name, const char *error)
{
	assert_error(ask(client, VMNET_BROKER_COMMAND_ACQUIRE, name), error);
}

/* "a b": the strings of an array, of which the file's path is cut off. */
static void append_list(
    char *text, size_t size, xpc_object_t reply, const char *key)
{
	xpc_object_t array = xpc_dictionary_get_array(reply, key);

	assert_non_null(array);
	for (size_t i = 0; i < xpc_array_get_count(array); i++) {
		const char *item = xpc_array_get_string(array, i);
		size_t used = strlen(text);

		if (strncmp(item, path, strlen(path)) == 0) {
			item += strlen(path);
		}
		snprintf(
		    text + used, size - used, "%s%s", i == 0 ? "" : " ", item);
	}
}

static void write_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Reloads as root, and compares "added|changed|pending|removed|problems". */
static void reload(const char *text, const char *expected)
{
	static const char *const keys[] = {
		VMNET_BROKER_RELOAD_ADDED,
		VMNET_BROKER_RELOAD_CHANGED,
		VMNET_BROKER_CONFIGURATION_PENDING,
		VMNET_BROKER_RELOAD_REMOVED,
		VMNET_BROKER_CONFIGURATION_PROBLEMS,
	};
	struct client root;
	char got[4096] = "";
	xpc_object_t reply = NULL;

	write_file(text);
	client_connect(&root, 0);
	reply = ask(&root, VMNET_BROKER_COMMAND_RELOAD, NULL);
	assert_null(xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		append_list(got, sizeof(got), reply, keys[i]);
		if (i + 1 < sizeof(keys) / sizeof(keys[0])) {
			strcat(got, "|");
		}
	}
	assert_string_equal(got, expected);
	xpc_release(reply);
	client_close(&root);
}

#define BUILTINS "default fixed n1 n2 n3 n4 n5 n6 z-broken"

static int set_up(void **state)
{
	(void)state;
	fixture_start();
	/* The fixture's networks are removed; unused ones at once. */
	reload("{}", "|||" BUILTINS "|");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_end();
	return 0;
}

/*
 * Reloading.
 */

/* What vmnet was asked for since the last time. */
static void assert_made(const char *setting)
{
	char text[1024] = "";

	fake_vmnet_take_settings(text, sizeof(text));
	if (strstr(text, setting) == NULL) {
		fail_msg("no \"%s\" in: %s", setting, text);
	}
}

/* Goal: unused networks are added, changed and removed. */
static void networks_that_nobody_uses_come_change_and_go(void **state)
{
	struct client client;

	(void)state;
	reload(
	    "{\"lab\": {\"mode\": \"host\"}, \"web\": {\"mode\": \"shared\"}}",
	    "lab web||||");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}, "
	       "\"web\": {\"mode\": \"shared\"}}",
	    "|lab|||");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}}", "|||web|");
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	acquire(&client, "web",
	    "5 no such network: networks are defined in networks.json; shared "
	    "and host always exist");
	assert_made("mtu 1400");
	client_close(&client);
}

/* Goal: the change of a held network is pending until its last holder leaves;
 * the next client gets the network as the file describes it. */
static void a_held_network_stays_until_its_last_holder_leaves(void **state)
{
	struct client first;
	struct client second;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"subnet\": \"10.1.2.0/24\"}}",
	    "lab||||");
	client_connect(&first, STRANGER);
	acquire(&first, "lab", "");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "||lab||");
	client_connect(&second, STRANGER);
	acquire(&second, "lab", "");
	assert_int_equal(fake_vmnet_created(), 1);
	/* Back to what it was, named by its gateway: nothing is pending. */
	reload("{\"lab\": {\"mode\": \"host\", \"subnet\": \"10.1.2.1/24\"}}",
	    "||||");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}}", "||lab||");
	client_close(&first);
	client_close(&second);
	client_connect(&first, STRANGER);
	acquire(&first, "lab", "");
	assert_int_equal(fake_vmnet_created(), 2);
	assert_made("mtu 1400");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}}", "||||");
	client_close(&first);
}

/* Goal: a lingering network does not delay its change. */
static void a_lingering_network_does_not_delay_its_change(void **state)
{
	struct client client;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\"}}", "lab||||");
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	client_close(&client);
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "|lab|||");
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	assert_made("mtu 1300");
	client_close(&client);
	/* What does not concern vmnet leaves it as it is. */
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300, \"linger\": 60}}",
	    "|lab|||");
	fixture_advance(59 * SECOND);
	assert_int_equal(fake_vmnet_networks(), 1);
	fixture_advance(2 * SECOND);
	while (fake_vmnet_networks() > 0) {
		fixture_run();
	}
}

/* Goal: a removed network stays for its holders, and for no other client. */
static void a_removed_network_stays_for_its_holders_only(void **state)
{
	struct client holder;
	struct client late;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\"}}", "lab||||");
	client_connect(&holder, STRANGER);
	client_connect(&late, STRANGER);
	acquire(&holder, "lab", "");
	reload("{}", "||lab|lab|");
	reload("{}", "||lab||");
	acquire(&holder, "lab", "");
	acquire(&late, "lab",
	    "5 no such network: networks are defined in networks.json; shared "
	    "and host always exist");
	assert_int_equal(fake_vmnet_networks(), 1);
	client_close(&holder);
	while (fake_vmnet_networks() > 0) { /* it does not linger */
		fixture_run();
	}
	reload("{\"lab\": {\"mode\": \"host\"}}", "lab||||");
	acquire(&late, "lab", "");
	client_close(&late);
}

/* Goal: a bad edit takes nothing away: an entry keeps its last good definition,
 * a file that is no JSON, or missing, all of them. */
static void a_bad_edit_takes_nothing_away(void **state)
{
	struct client client;
	struct client root;
	char error[256];

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "lab||||");
	reload("{\"lab\": {\"mode\": \"hots\"}, \"new\": {\"mode\": 1}}",
	    "new||||:1:18: lab.mode: \"hots\" is not \"shared\" or \"host\": "
	    "did "
	    "you mean \"host\"? :1:43: new.mode: must be a string, not a "
	    "number");
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	assert_made("mtu 1300");
	snprintf(error, sizeof(error),
	    "9 %s:1:43: new.mode: must be a string, not a number",
	    strrchr(path, '/') + 1);
	acquire(&client, "new", error);

	client_connect(&root, 0);
	write_file("{");
	snprintf(error, sizeof(error),
	    "9 %s:1:2: the file ends too early: write the missing closing "
	    "bracket",
	    path);
	assert_error(ask(&root, VMNET_BROKER_COMMAND_RELOAD, NULL), error);
	assert_int_equal(unlink(path), 0);
	snprintf(error, sizeof(error),
	    "9 %s: no such file: the networks are unchanged", path);
	assert_error(ask(&root, VMNET_BROKER_COMMAND_RELOAD, NULL), error);
	client_close(&client);
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	client_close(&root);
	/* An error in the options is one of every network. */
	reload("{\"$options\": {\"default\": {}}, \"lab\": {\"mode\": "
	       "\"shared\"}}",
	    "|||new|:1:15: $options: unknown key \"default\": did you mean "
	    "\"defaults\"?");
	acquire(&client, "lab", "");
	acquire(&client, "host", "");
	client_close(&client);
}

/* Goal: at most 100 problems are sent, and how many there are is said. */
static void at_most_100_problems_are_sent_and_the_rest_is_counted(void **state)
{
	char text[4096] = "{\"x\": {\"mode\": \"host\"}";
	struct client root;
	xpc_object_t reply = NULL;

	(void)state;
	for (int i = 0; i < 130; i++) {
		sprintf(text + strlen(text), ",\"n%d\":1", i);
	}
	strcat(text, "}");
	write_file(text);
	client_connect(&root, 0);
	reply = ask(&root, VMNET_BROKER_COMMAND_RELOAD, NULL);
	assert_int_equal(xpc_array_get_count(xpc_dictionary_get_array(
			     reply, VMNET_BROKER_CONFIGURATION_PROBLEMS)),
	    VMNET_BROKER_MAX_PROBLEMS);
	assert_int_equal(xpc_dictionary_get_uint64(
			     reply, VMNET_BROKER_CONFIGURATION_LEFT_OUT),
	    30);
	xpc_release(reply);
	client_close(&root);
}

/* Goal: only root and the broker's own user may reload. */
static void only_root_and_the_user_of_the_broker_may_reload(void **state)
{
	struct client client;

	(void)state;
	client_connect(&client, STRANGER);
	assert_error(ask(&client, VMNET_BROKER_COMMAND_RELOAD, NULL),
	    "3 only root and the broker's own user may do that: use sudo");
	client_close(&client);
	client_connect(&client, geteuid());
	assert_error(ask(&client, VMNET_BROKER_COMMAND_RELOAD, NULL), "");
	client_close(&client);
}

/* Goal: of many reloads at once, each is answered once, also if some clients
 * leave. */
static void many_reloads_at_once_are_each_answered_once(void **state)
{
	static atomic_int answers;
	static atomic_int handled;
	struct client clients[8];

	(void)state;
	answers = 0;
	handled = 0;
	for (int i = 0; i < 8; i++) {
		xpc_object_t request =
		    fixture_request(VMNET_BROKER_COMMAND_RELOAD, NULL);

		client_connect(&clients[i], 0);
		xpc_connection_send_message_with_reply(clients[i].connection,
		    request, NULL, ^(xpc_object_t reply) {
			    answers +=
				xpc_get_type(reply) == XPC_TYPE_DICTIONARY;
			    handled++;
		    });
		xpc_release(request);
		if (i % 2 == 0) {
			xpc_connection_cancel(clients[i].connection);
		}
	}
	while (handled < 8) {
		fixture_run();
	}
	for (int i = 0; i < 8; i++) {
		client_close(&clients[i]);
	}
	assert_in_range(answers, 4, 8);
	/* The file is as it was for all of them. */
	reload("{}", "||||");
}

/* Goal: a persistent network is there without a holder, for good. */
static void a_persistent_network_is_there_without_a_holder(void **state)
{
	struct client client;

	(void)state;
	reload(
	    "{\"lab\": {\"mode\": \"host\", \"persistent\": true}}", "lab||||");
	while (fake_vmnet_networks() < 1) {
		fixture_run();
	}
	fixture_advance(100 * SECOND);
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	client_close(&client);
	fixture_advance(10 * SECOND);
	assert_int_equal(fake_vmnet_created(), 1);
	assert_int_equal(fake_vmnet_networks(), 1);
	/* A change makes it anew at once. */
	reload("{\"lab\": {\"mode\": \"host\", \"persistent\": true, "
	       "\"mtu\": 1300}}",
	    "|lab|||");
	while (fake_vmnet_created() < 2) {
		fixture_run();
	}
	assert_made("mtu 1300");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "|lab|||");
	fixture_advance(6 * SECOND);
	while (fake_vmnet_networks() > 0) {
		fixture_run();
	}
}

/*
 * Access.
 */
#define DENIED(uid)                                                            \
	"3 user " uid " may not use the network lab: its \"allow\" in "        \
	"networks.json names neither this user nor a group of this user"

static void assert_allowed(const char *allow, unsigned uid, const char *error)
{
	struct client client;
	struct client root;
	char text[256];

	snprintf(text, sizeof(text),
	    "{\"lab\": {\"mode\": \"host\", \"allow\": %s}}", allow);
	write_file(text);
	client_connect(&root, 0);
	assert_error(ask(&root, VMNET_BROKER_COMMAND_RELOAD, NULL), "");
	client_connect(&client, uid);
	acquire(&client, "lab", error);
	acquire(&root, "lab", "");
	client_close(&client);
	client_close(&root);
}

/* Goal: the users and groups that are allowed by name or number have access, and
 * root always; no other user has. */
static void users_and_groups_are_allowed_and_root_always(void **state)
{
	(void)state;
	assert_allowed("{\"users\": [501]}", STRANGER, "");
	assert_allowed("{\"users\": [502]}", STRANGER, DENIED("501"));
	assert_allowed("{\"users\": []}", STRANGER, DENIED("501"));
	assert_allowed("{\"users\": [\"daemon\"]}", DAEMON, "");
	assert_allowed("{\"groups\": [\"daemon\"]}", DAEMON, "");
	assert_allowed("{\"groups\": [1]}", DAEMON, "");
	assert_allowed("{\"groups\": [2]}", DAEMON, DENIED("1"));
	/* A user that the directory does not have is in no group. */
	assert_allowed("{\"groups\": [501]}", STRANGER, DENIED("501"));
	assert_allowed("{\"users\": [501], \"groups\": [2]}", STRANGER, "");
}

/* Goal: a reload that takes a right away ends no hold, and is applied to the
 * next acquire. */
static void a_right_that_is_taken_away_ends_no_hold(void **state)
{
	struct client client;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"allow\": {\"users\": [501]}}}",
	    "lab||||");
	client_connect(&client, STRANGER);
	acquire(&client, "lab", "");
	reload("{\"lab\": {\"mode\": \"host\", \"allow\": {\"users\": [502]}}}",
	    "|lab|||");
	assert_int_equal(fake_vmnet_networks(), 1);
	acquire(&client, "lab", DENIED("501"));
	client_close(&client);
}

/* Goal: a client may leave while its groups are looked up. */
static void a_client_may_leave_while_its_groups_are_looked_up(void **state)
{
	static atomic_bool handled;
	struct client client;
	xpc_object_t request =
	    fixture_request(VMNET_BROKER_COMMAND_ACQUIRE, "lab");

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"allow\": {\"groups\": [1]}}}",
	    "lab||||");
	for (int i = 0; i < 20; i++) {
		client_connect(&client, DAEMON);
		handled = false;
		xpc_connection_send_message_with_reply(
		    client.connection, request, NULL, ^(xpc_object_t reply) {
			    (void)reply;
			    handled = true;
		    });
		xpc_connection_cancel(client.connection);
		while (!handled) {
			fixture_run();
		}
		client_close(&client);
	}
	xpc_release(request);
	client_connect(&client, DAEMON);
	acquire(&client, "lab", "");
	client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int open_fixture(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(path, 0644), 0);
	fixture_config_path = path;
	fixture_open();
	fixture_start();
	fixture_end();
	return 0;
}

static int close_fixture(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(networks_that_nobody_uses_come_change_and_go),
		TEST(a_held_network_stays_until_its_last_holder_leaves),
		TEST(a_lingering_network_does_not_delay_its_change),
		TEST(a_removed_network_stays_for_its_holders_only),
		TEST(a_bad_edit_takes_nothing_away),
		TEST(at_most_100_problems_are_sent_and_the_rest_is_counted),
		TEST(only_root_and_the_user_of_the_broker_may_reload),
		TEST(many_reloads_at_once_are_each_answered_once),
		TEST(a_persistent_network_is_there_without_a_holder),
		TEST(users_and_groups_are_allowed_and_root_always),
		TEST(a_right_that_is_taken_away_ends_no_hold),
		TEST(a_client_may_leave_while_its_groups_are_looked_up),
	};

	return RUN_UNTIL_FAILURE(tests, open_fixture, close_fixture);
}
