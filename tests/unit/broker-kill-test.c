// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture run-until-failure

/*
 * S21: a client dies in each state of a network and of a request, alone, beside
 * one other client of the network, and beside 100. Afterwards the state, the
 * holders, the clients and the events of the others must be exact, and
 * fixture_end() checks that nothing is left over.
 */

#include <signal.h>
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

#define OTHERS_MAX 100
#define NAME "default"

struct client {
	xpc_connection_t connection;
	atomic_bool ended;
	atomic_int granted;
	atomic_int refused;
	atomic_int pending;
};

static struct client victim;
static struct client watcher; /* holds nothing */
static struct client others[OTHERS_MAX];
static int count; /* of the others */

/*
 * Clients.
 */

static void client_connect(struct client *client)
{
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

/* To the broker this is what the death of a process is. */
static void client_die(struct client *client)
{
	xpc_connection_cancel(client->connection);
	while (!client->ended || client->pending > 0) {
		fixture_run();
	}
	xpc_release(client->connection);
}

static void ask(struct client *client, const char *command, const char *name)
{
	xpc_object_t request = fixture_request(command, name);

	client->pending++;
	xpc_connection_send_message_with_reply(
	    client->connection, request, NULL, ^(xpc_object_t reply) {
		    if (xpc_get_type(reply) == XPC_TYPE_DICTIONARY) {
			    if (xpc_dictionary_get_value(
				    reply, VMNET_BROKER_KEY_NETWORK) != NULL) {
				    client->granted++;
			    }
			    if (xpc_dictionary_get_value(
				    reply, VMNET_BROKER_KEY_ERROR) != NULL) {
				    client->refused++;
			    }
		    }
		    client->pending--;
	    });
	xpc_release(request);
}

/* When it is back, the broker has read all that the client sent before. */
static xpc_object_t get_status(struct client *client)
{
	xpc_object_t request =
	    fixture_request(VMNET_BROKER_COMMAND_STATUS, NULL);
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	return reply;
}

static void ask_and_wait(struct client *client, const char *name)
{
	ask(client, VMNET_BROKER_COMMAND_ACQUIRE, name);
	xpc_release(get_status(client));
}

/* The victim first. */
static void all_ask(void)
{
	ask_and_wait(&victim, NAME);
	for (int i = 0; i < count; i++) {
		ask_and_wait(&others[i], NAME);
	}
}

/*
 * What is expected.
 */

static char last[128]; /* for the alarm */
static char wanted[128];

static void describe(char text[128], const char *name)
{
	xpc_object_t status = get_status(&watcher);
	xpc_object_t all =
	    xpc_dictionary_get_value(status, VMNET_BROKER_STATUS_NETWORKS);
	const char *state = "absent";
	int holders = 0;

	for (size_t i = 0; i < xpc_array_get_count(all); i++) {
		xpc_object_t one = xpc_array_get_value(all, i);

		if (strcmp(
			xpc_dictionary_get_string(one, VMNET_BROKER_INFO_NAME),
			name) == 0) {
			state = xpc_dictionary_get_string(
			    one, VMNET_BROKER_STATUS_STATE);
			holders = (int)xpc_dictionary_get_uint64(
			    one, VMNET_BROKER_STATUS_HOLDERS);
		}
	}
	snprintf(text, 128, "%s %d, %d clients", state, holders,
	    (int)xpc_dictionary_get_uint64(status, VMNET_BROKER_STATUS_PEERS));
	xpc_release(status);
}

static void on_alarm(int number)
{
	(void)number;
	dprintf(STDERR_FILENO, "waited for \"%s\", last was \"%s\"\n", wanted,
	    last);
	abort();
}

/* Until this is the state of the network, with so many holders and clients. */
static void expect(
    const char *name, const char *state, int holders, int clients)
{
	snprintf(wanted, sizeof(wanted), "%s %d, %d clients", state, holders,
	    clients);
	do {
		describe(last, name);
	} while (strcmp(last, wanted) != 0);
}

/* The victim is dead, and so many others hold it. */
static void expect_rest(const char *state)
{
	expect(NAME, state, count, count + 1);
}

/* Held by the others; without others it is left as `alone`. */
static void expect_held(const char *alone)
{
	expect(NAME, count > 0 ? "held" : alone, count, count + 1);
}

static void expect_answers(int granted, int refused)
{
	for (int i = 0; i < count; i++) {
		while (others[i].pending > 0) {
			fixture_run();
		}
		assert_int_equal(others[i].granted, granted);
		assert_int_equal(others[i].refused, refused);
	}
}

/* A client had the network before, and has left. */
static void leave_lingering(void)
{
	struct client client;

	client_connect(&client);
	ask_and_wait(&client, NAME);
	while (client.granted == 0) {
		fixture_run();
	}
	client_die(&client);
	expect(NAME, "lingering", 0, count + 2);
}

/*
 * The states. In each the victim dies.
 */

static void creating(void)
{
	standin_hang("vmnet_network_create:1");
	all_ask();
	expect(NAME, "creating", count + 1, count + 2);
	client_die(&victim);
	expect_rest("creating");
	standin_unhang();
	expect_held("lingering");
	expect_answers(1, 0);
}

static void creating_fails(void)
{
	standin_hang("vmnet_network_create:1");
	standin_fail("vmnet_network_create=1001");
	all_ask();
	client_die(&victim);
	expect_rest("creating");
	standin_unhang();
	expect(NAME, "absent", 0, count + 1);
	expect_answers(0, 1);
}

static void creating_too_slow(void)
{
	standin_hang("vmnet_network_create:1");
	all_ask();
	client_die(&victim);
	expect_rest("creating");
	fixture_advance(VMNET_BROKER_VMNET_TIMEOUT * SECOND);
	expect(NAME, "stuck", 0, count + 1);
	expect_answers(0, 1);
	standin_unhang();
	expect(NAME, "absent", 0, count + 1);
}

static void stuck(void)
{
	standin_hang("vmnet_network_create:1");
	ask_and_wait(&victim, NAME);
	fixture_advance(VMNET_BROKER_VMNET_TIMEOUT * SECOND);
	expect(NAME, "stuck", 0, count + 2);
	all_ask();
	client_die(&victim);
	expect(NAME, "stuck", 0, count + 1);
	expect_answers(0, 1);
}

static void asking(void)
{
	for (int i = 0; i < count; i++) {
		ask_and_wait(&others[i], NAME);
	}
	ask(&victim, VMNET_BROKER_COMMAND_ACQUIRE, NAME);
	ask(&victim, VMNET_BROKER_COMMAND_STATUS, NULL);
	client_die(&victim);
	if (count > 0) {
		expect_rest("held");
	}
	expect_answers(1, 0);
}

static void held(void)
{
	all_ask();
	expect(NAME, "held", count + 1, count + 2);
	client_die(&victim);
	expect_held("lingering");
	expect_answers(1, 0);
}

static void held_and_asking(void)
{
	all_ask();
	expect(NAME, "held", count + 1, count + 2);
	for (int i = 0; i < 3; i++) {
		ask(&victim, VMNET_BROKER_COMMAND_ACQUIRE, NAME);
		ask(&victim, VMNET_BROKER_COMMAND_STATUS, NULL);
		ask(&victim, VMNET_BROKER_COMMAND_ACQUIRE, "nowhere");
	}
	client_die(&victim);
	expect_held("lingering");
}

static void held_eight(void)
{
	for (int i = 0; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		ask_and_wait(&victim, fixture_network((size_t)i));
	}
	for (int i = 0; i < count; i++) {
		ask_and_wait(&others[i], NAME);
	}
	expect(NAME, "held", count + 1, count + 2);
	while (victim.granted < VMNET_BROKER_MAX_NETWORKS_PER_PEER) {
		fixture_run();
	}
	client_die(&victim);
	expect_held("lingering");
	for (int i = 1; i < VMNET_BROKER_MAX_NETWORKS_PER_PEER; i++) {
		expect(fixture_network((size_t)i), "lingering", 0, count + 1);
	}
}

static void lingering(void)
{
	leave_lingering();
	all_ask();
	client_die(&victim);
	expect_held("lingering");
	expect_answers(1, 0);
	assert_int_equal(fake_vmnet_created(), 1);
}

static void releasing(void)
{
	fake_vmnet.stop = STOP_SILENT;
	leave_lingering();
	fixture_advance(5 * SECOND);
	expect(NAME, "releasing", 0, count + 2);
	all_ask();
	expect(NAME, "releasing", count + 1, count + 2);
	client_die(&victim);
	expect_rest("releasing");
	fake_vmnet.stop = STOP_WELL;
	while (!fake_vmnet_answer()) {
		fixture_run();
	}
	expect_held("absent");
	expect_answers(1, 0);
}

static void draining(void)
{
	all_ask();
	expect(NAME, "held", count + 1, count + 2);
	fixture_stop(service_drain);
	client_die(&victim);
	if (count > 0) {
		expect_rest("held");
	}
}

static void shutting_down(void)
{
	all_ask();
	expect(NAME, "held", count + 1, count + 2);
	fixture_stop(service_shut_down);
	client_die(&victim);
	fixture_advance(VMNET_BROKER_STOP_TIMEOUT * SECOND);
}

static void (*state)(void);

static void die_in_state(void **unused)
{
	static const int counts[] = { 0, 1, OTHERS_MAX };

	(void)unused;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		count = counts[i];
		fixture_start();
		client_connect(&victim);
		client_connect(&watcher);
		for (int j = 0; j < count; j++) {
			client_connect(&others[j]);
			xpc_release(get_status(&others[j]));
		}
		xpc_release(get_status(&victim));
		state();
		standin_fail(NULL);
		standin_unhang();
		client_die(&watcher);
		for (int j = 0; j < count; j++) {
			client_die(&others[j]);
		}
		fixture_end();
	}
}

#define TEST(name)                                                             \
	{                                                                      \
		"S21: " #name, die_in_state, choose, NULL, (void *)name        \
	}

static int choose(void **test)
{
	signal(SIGALRM, on_alarm);
	state = (void (*)(void)) * test;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(creating),
		TEST(creating_fails),
		TEST(creating_too_slow),
		TEST(stuck),
		TEST(asking),
		TEST(held),
		TEST(held_and_asking),
		TEST(held_eight),
		TEST(lingering),
		TEST(releasing),
		TEST(draining),
		TEST(shutting_down),
	};

	fixture_open();
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
