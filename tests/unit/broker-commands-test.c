// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client run-until-failure

/*
 * The commands that show what is there, as docs/protocol.md has them.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <standin.h>

#include "broker-fixture.h"
#include "broker-client.h"
#include "broker-vmnet.h"
#include "failure.h"
#include "protocol.h"
#include "run-until-failure.h"

/*
 * What is there.
 */

/* Goal: hello describes the broker, and it has every command that it lists. */
static void hello_says_who_the_broker_is_and_each_command(void **unused)
{
	struct client *client = client_connect(USER);
	xpc_object_t hello = ask(client, "hello", NULL);
	xpc_object_t commands =
	    xpc_dictionary_get_value(hello, VMNET_BROKER_KEY_CAPABILITIES);

	(void)unused;
	assert_int_equal(
	    xpc_dictionary_get_int64(hello, VMNET_BROKER_KEY_PID), getpid());
	assert_string_equal(
	    xpc_dictionary_get_string(hello, VMNET_BROKER_KEY_VERSION),
	    "1.2.3");
	assert_int_equal(xpc_dictionary_get_count(hello), 3);
	assert_true(xpc_array_get_count(commands) >= 9);
	for (size_t i = 0; i < xpc_array_get_count(commands); i++) {
		const char *name = xpc_array_get_string(commands, i);
		xpc_object_t reply = ask(client, name, "default");
		const char *message = xpc_dictionary_get_string(
		    reply, VMNET_BROKER_KEY_ERROR_MESSAGE);

		if (i > 0) {
			assert_true(
			    strcmp(xpc_array_get_string(commands, i - 1),
				name) < 0);
		}
		assert_true(message == NULL ||
		    strstr(message, "no such command") == NULL);
		xpc_release(reply);
	}
	xpc_release(hello);
	assert_refused(ask(client, "hallo", NULL), FAILURE_INVALID_REQUEST,
	    "no such command: \"hallo\"");
	client_destroy(client);
}

/* Goal: every configured network in the order of the names, and the whole entry
 * of one in each state. */
static void list_has_every_network_in_each_state(void **unused)
{
	struct client *holder = client_connect(USER);
	struct client *client = client_connect(OTHER_USER);
	xpc_object_t reply = ask(client, "list", NULL);
	xpc_object_t all =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_STATUS_NETWORKS);

	(void)unused;
	assert_int_equal(xpc_array_get_count(all), NETWORKS + 1);
	for (size_t i = 0; i <= NETWORKS; i++) {
		assert_string_equal(
		    xpc_dictionary_get_string(
			xpc_array_get_value(all, i), VMNET_BROKER_INFO_NAME),
		    fixture_network(i));
	}
	xpc_release(reply);
	assert_reply(get_listed(client, "host"),
	    "{holders=0 mode=\"host\" name=\"host\" pending=false "
	    "persistent=false state=\"inactive\"}");
	assert_reply(get_listed(client, "far"),
	    "{configured_subnet=\"192.168.101.0/24\" holders=0 "
	    "mode=\"shared\" name=\"far\" pending=false persistent=false "
	    "state=\"inactive\"}");
	assert_reply(get_listed(client, BROKEN_NETWORK),
	    "{error_message=\"networks.json:3:5: bad.mode: \"bridged\" is "
	    "not a mode\" holders=0 name=\"z-broken\" pending=false "
	    "persistent=false state=\"broken\"}");
	acquire(holder, "far");
	assert_reply(get_listed(client, "far"),
	    "{configured_subnet=\"192.168.101.0/24\" "
	    "dhcp_range=\"192.168.101.2-192.168.101.254\" "
	    "gateway=\"192.168.101.1\" holders=1 mask=\"255.255.255.0\" "
	    "mode=\"shared\" mtu=1500 name=\"far\" pending=false "
	    "persistent=false state=\"held\" "
	    "subnet=\"192.168.101.0/24\" subnet_source=\"configured\"}");
	client_destroy(holder);
	wait_state(client, "far", "lingering");
	client_destroy(client);
}

/* Goal: what clients that are out there read in a status is as it was. */
static void old_clients_read_in_a_status_what_they_did(void **unused)
{
	struct client *client = client_connect(USER);
	xpc_object_t status = NULL;

	(void)unused;
	acquire(client, "host");
	status = ask(client, "status", NULL);
	assert_int_equal(
	    xpc_dictionary_get_uint64(status, VMNET_BROKER_STATUS_PEERS), 1);
	assert_ptr_equal(xpc_get_type(xpc_dictionary_get_value(
			     status, VMNET_BROKER_STATUS_STOPPING)),
	    XPC_TYPE_BOOL);
	assert_int_equal(xpc_array_get_count(xpc_dictionary_get_value(
			     status, VMNET_BROKER_STATUS_NETWORKS)),
	    1);
	xpc_release(status);
	client_destroy(client);
}

static xpc_object_t get_counters(struct client *client)
{
	xpc_object_t status = ask(client, "status", NULL);
	xpc_object_t counters =
	    xpc_dictionary_get_value(status, VMNET_BROKER_STATUS_COUNTERS);

	assert_non_null(counters);
	xpc_retain(counters);
	xpc_release(status);
	return counters;
}

/* Goal: each counter counts what it says, and nothing else. */
static void each_counter_counts_what_it_says(void **unused)
{
	struct client *client = client_connect(USER);

	(void)unused;
	assert_reply(get_counters(client),
	    "{acquires=0 creation_failures={} creations=0 "
	    "longest_creation=0 refusals={}}");
	standin_hang("vmnet_network_create:1");
	ask_later(client, "acquire", "host");
	wait_state(client, "host", "creating");
	fixture_advance(3 * SECOND + SECOND / 2);
	standin_unhang();
	wait_reply(client);
	acquire(client, "host");
	acquire(client, "default");
	standin_fail("vmnet_network_create=1001");
	xpc_release(ask(client, "acquire", "n1"));
	xpc_release(ask(client, "acquire", "n2"));
	standin_fail(NULL);
	xpc_release(ask(client, "acquire", "nowhere"));
	xpc_release(ask(client, "nothing", NULL));
	xpc_release(ask(client, "drain", NULL));
	xpc_release(ask(client, "acquire", BROKEN_NETWORK));
	standin_hang("vmnet_network_create:1");
	ask_later(client, "acquire", "n3");
	wait_state(client, "n3", "creating");
	fixture_advance(VMNET_BROKER_VMNET_TIMEOUT * SECOND);
	wait_reply(client);
	assert_reply(get_counters(client),
	    "{acquires=2 creation_failures={0=1 1001=2} creations=2 "
	    "longest_creation=3500 refusals={CONFIGURATION=1 "
	    "CREATE_FAILURE=3 INVALID_REQUEST=1 NOT_ALLOWED=1 NOT_FOUND=1}}");
	standin_unhang();
	client_destroy(client);
}

/* Goal: which file, and what is wrong in it: a hundred problems, and how many
 * more there are. */
static void status_has_the_file_and_a_hundred_of_its_problems(void **unused)
{
	static char text[] = "/networks.json:7:3: wrong";
	char *problems[VMNET_BROKER_MAX_PROBLEMS + 2];
	struct client *client = client_connect(USER);
	xpc_object_t status = ask(client, "status", NULL);
	xpc_object_t about = NULL;

	(void)unused;
	assert_value(status, VMNET_BROKER_STATUS_CONFIGURATION,
	    "{path=\"/networks.json\" pending=[] problems=[]}");
	for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
		problems[i] = text;
	}
	fixture_set_problems(problems, 1);
	assert_value(ask(client, "status", NULL),
	    VMNET_BROKER_STATUS_CONFIGURATION,
	    "{path=\"/networks.json\" pending=[] "
	    "problems=[\"/networks.json:7:3: wrong\"]}");
	fixture_set_problems(problems, VMNET_BROKER_MAX_PROBLEMS + 2);
	status = ask(client, "status", NULL);
	about =
	    xpc_dictionary_get_value(status, VMNET_BROKER_STATUS_CONFIGURATION);
	assert_int_equal(xpc_array_get_count(xpc_dictionary_get_value(
			     about, VMNET_BROKER_CONFIGURATION_PROBLEMS)),
	    VMNET_BROKER_MAX_PROBLEMS);
	assert_int_equal(xpc_dictionary_get_uint64(
			     about, VMNET_BROKER_CONFIGURATION_LEFT_OUT),
	    2);
	fixture_set_problems(NULL, 0);
	assert_int_equal(
	    xpc_dictionary_get_int64(status, VMNET_BROKER_KEY_PID), getpid());
	assert_string_equal(
	    xpc_dictionary_get_string(status, VMNET_BROKER_KEY_VERSION),
	    "1.2.3");
	xpc_release(status);
	fixture_advance(7 * SECOND);
	assert_value(
	    ask(client, "status", NULL), VMNET_BROKER_STATUS_UPTIME, "7");
	client_destroy(client);
}

/*
 * Clients.
 */

/* Goal: what a client holds and waits for; other users' clients are hidden, but
 * counted. */
static void clients_of_others_are_hidden_but_counted(void **unused)
{
	char expected[256];
	struct client *other = client_connect(OTHER_USER);
	struct client *root = client_connect(0);
	struct client *client = client_connect(USER);
	xpc_object_t reply = NULL;
	xpc_object_t entry = NULL;
	time_t now = time(NULL);
	time_t since = 0;

	(void)unused;
	acquire(other, "host");
	acquire(client, "host");
	standin_hang("vmnet_network_create:1");
	ask_later(client, "acquire", "n1");
	wait_state(root, "n1", "creating");
	reply = ask(client, "clients", NULL);
	entry = xpc_array_get_value(
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_CLIENTS), 0);
	since =
	    (time_t)xpc_dictionary_get_uint64(entry, VMNET_BROKER_CLIENT_SINCE);
	assert_true(since > now - 200 && since <= time(NULL));
	snprintf(expected, sizeof(expected),
	    "{clients=[{networks=[\"host\"] pid=i%d since=%lld uid=501 "
	    "waiting=[\"n1\"]}] hidden=2 holders={host=2 n1=1} total=3}",
	    (int)getpid(), (long long)since);
	assert_reply(reply, expected);
	reply = ask(root, "clients", NULL);
	assert_int_equal(xpc_array_get_count(xpc_dictionary_get_value(
			     reply, VMNET_BROKER_KEY_CLIENTS)),
	    3);
	assert_value(reply, VMNET_BROKER_CLIENTS_HIDDEN, "0");
	standin_unhang();
	wait_reply(client);
	client_destroy(client);
	client_destroy(root);
	client_destroy(other);
}

/* Goal: a thousand of them. */
static void a_thousand_clients_are_listed(void **unused)
{
	static struct client *clients[1000];
	struct client *client = client_connect(USER);
	xpc_object_t reply = NULL;

	(void)unused;
	for (size_t i = 0; i < 1000; i++) {
		clients[i] = client_connect(0);
	}
	reply = ask(clients[0], "clients", NULL);
	assert_int_equal(xpc_array_get_count(xpc_dictionary_get_value(
			     reply, VMNET_BROKER_KEY_CLIENTS)),
	    1001);
	assert_value(reply, VMNET_BROKER_CLIENTS_TOTAL, "1001");
	assert_value(
	    ask(client, "clients", NULL), VMNET_BROKER_CLIENTS_HIDDEN, "1000");
	for (size_t i = 0; i < 1000; i++) {
		client_destroy(clients[i]);
	}
	client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hello_says_who_the_broker_is_and_each_command),
		TEST(list_has_every_network_in_each_state),
		TEST(old_clients_read_in_a_status_what_they_did),
		TEST(each_counter_counts_what_it_says),
		TEST(status_has_the_file_and_a_hundred_of_its_problems),
		TEST(clients_of_others_are_hidden_but_counted),
		TEST(a_thousand_clients_are_listed),
	};

	fixture_open();
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
