// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client run-until-failure

/*
 * The command watch: events for the clients that ask for them.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <standin.h>

#include "broker-fixture.h"
#include "broker-client.h"
#include "broker-vmnet.h"
#include "failure.h"
#include "protocol.h"
#include "run-until-failure.h"

/* Waits for the next event after the first `at`, and describes it without its
 * number, time and pid. */
static void assert_event(struct client *client, int at, const char *expected)
{
	static const char *const varying[] = { VMNET_BROKER_EVENT_SEQUENCE,
		VMNET_BROKER_EVENT_TIME, VMNET_BROKER_KEY_PID };
	xpc_object_t event = NULL;

	assert_true(at < EVENTS);
	while (client->event_count <= at) {
		fixture_run();
	}
	event = client->events[at];
	assert_true(xpc_dictionary_get_uint64(event, VMNET_BROKER_EVENT_TIME) >
	    UINT64_C(1700000000000));
	if (at > 0) {
		assert_int_equal(xpc_dictionary_get_uint64(
				     event, VMNET_BROKER_EVENT_SEQUENCE),
		    xpc_dictionary_get_uint64(
			client->events[at - 1], VMNET_BROKER_EVENT_SEQUENCE) +
			1);
	}
	event = xpc_copy(event);
	for (size_t i = 0; i < sizeof(varying) / sizeof(varying[0]); i++) {
		xpc_dictionary_set_value(event, varying[i], NULL);
	}
	assert_reply(event, expected);
}

#define ON(network) " network_name=\"" network "\" "

/* Goal: the events of a network's life in order, as root sees them, and as
 * another user sees them: without other users' clients and the reasons why
 * those were refused. */
static void a_watcher_sees_the_life_of_a_network_in_order(void **unused)
{
	static const struct {
		const char *event;
		const char *more; /* what root sees beside it */
	} life[] = {
		{ "event=\"creating\" holders=1" ON(
		      "host") "state=\"creating\"",
		    "" },
		{ "event=\"created\" holders=1" ON("host") "state=\"creating\"",
		    "" },
		{ "event=\"held\" holders=1" ON("host") "state=\"held\"", "" },
		{ "event=\"acquired\" holders=1" ON("host") "state=\"held\"",
		    " uid=501" },
		{ "event=\"released\" holders=0" ON("host") "state=\"held\"",
		    " uid=501" },
		{ "event=\"lingering\" holders=0" ON(
		      "host") "state=\"lingering\"",
		    "" },
		{ "event=\"releasing\" holders=0" ON(
		      "host") "state=\"releasing\"",
		    "" },
		{ "event=\"inactive\" holders=0" ON(
		      "host") "state=\"inactive\"",
		    "" },
	};
	struct client *root = client_connect(0);
	struct client *other = client_connect(OTHER_USER);
	struct client *holder = client_connect(USER);
	char expected[256];

	(void)unused;
	assert_reply(ask(root, "watch", NULL), "{watching=true}");
	assert_reply(ask(root, "watch", NULL), "{watching=true}");
	assert_reply(ask(other, "watch", NULL), "{watching=true}");
	acquire(holder, "host");
	client_destroy(holder);
	wait_state(root, "host", "lingering");
	fixture_advance(5 * SECOND);
	for (int i = 0; i < 8; i++) {
		snprintf(expected, sizeof(expected), "{%s%s}", life[i].event,
		    life[i].more);
		assert_event(root, i, expected);
		snprintf(expected, sizeof(expected), "{%s}", life[i].event);
		assert_event(other, i, expected);
	}
	client_destroy(root);
	client_destroy(other);
}

/* Goal: events of failures and refusals, with the reason for those users that
 * may know it; and events of the broker itself. */
static void a_watcher_sees_what_fails_and_what_is_refused(void **unused)
{
	struct client *root = client_connect(0);
	struct client *watcher = client_connect(USER);
	struct client *client = client_connect(USER);
	struct client *other = client_connect(OTHER_USER);
	xpc_object_t reply = NULL;
	char expected[1024];
	int at = 0;

	(void)unused;
	xpc_release(ask(watcher, "watch", NULL));
	xpc_release(ask(client, "acquire", "nowhere"));
	assert_event(watcher, at++,
	    "{error_message=\"no such network: networks are defined in "
	    "networks.json; shared and host always exist\" event=\"refused\" "
	    "uid=501}");
	xpc_release(ask(other, "secret", NULL));
	assert_event(watcher, at++, "{event=\"refused\"}");
	acquire(client, "default");
	at += 4;
	standin_fail("vmnet_network_create=1002");
	reply = ask(other, "acquire", "n1");
	standin_fail(NULL);
	snprintf(expected, sizeof(expected),
	    "{error_message=\"%s\" event=\"failed\" holders=1" ON(
		"n1") "state=\"creating\"}",
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE));
	xpc_release(reply);
	at++;
	assert_event(watcher, at++, expected);
	at++;
	assert_event(watcher, at++,
	    "{event=\"refused\" holders=0" ON("n1") "state=\"inactive\"}");
	xpc_release(ask(root, "drain", NULL));
	assert_event(watcher, at++, "{event=\"draining\"}");
	xpc_release(ask(root, "resume", NULL));
	assert_event(watcher, at++, "{event=\"resumed\"}");
	fixture_stop(service_shut_down);
	assert_event(watcher, at++, "{event=\"stopping\" holders=1}");
	client_destroy(client);
	client_destroy(other);
	client_destroy(root);
	client_destroy(watcher);
}

/* Goal: a watcher is no holder: the idle broker ends; but it is not idle. */
static void a_watcher_is_not_idle_and_no_holder(void **unused)
{
	struct client *watcher = client_connect(USER);
	struct client *client = client_connect(USER);

	(void)unused;
	xpc_release(ask(watcher, "watch", NULL));
	fixture_advance(VMNET_BROKER_PEER_IDLE * SECOND);
	wait_ended(client);
	assert_reply(ask(watcher, "watch", NULL), "{watching=true}");
	fixture_advance(VMNET_BROKER_PEER_IDLE * SECOND);
	fixture_wait_done();
	assert_event(watcher, 0, "{event=\"stopping\" holders=0}");
	client_destroy(client);
	client_destroy(watcher);
}

/* Goal: eight watchers, of which two are kept for root; one that leaves makes
 * room. */
static void eight_clients_watch_and_two_of_them_are_root(void **unused)
{
	xpc_object_t reply = NULL;
	struct client *watchers[VMNET_BROKER_MAX_WATCHERS];
	struct client *user = client_connect(USER);
	struct client *root = client_connect(0);

	(void)unused;
	for (size_t i = 0; i < VMNET_BROKER_MAX_WATCHERS; i++) {
		bool kept = i >= VMNET_BROKER_MAX_WATCHERS -
			VMNET_BROKER_WATCHERS_KEPT_FOR_ROOT;

		watchers[i] = client_connect(kept ? 0 : USER);
		if (kept) {
			assert_refused(ask(user, "watch", NULL), FAILURE_BUSY,
			    "watch the broker");
		}
		assert_reply(
		    ask(watchers[i], "watch", NULL), "{watching=true}");
	}
	assert_refused(
	    ask(root, "watch", NULL), FAILURE_BUSY, "8 clients watch");
	client_destroy(watchers[0]);
	reply = ask(root, "watch", NULL);
	while (xpc_dictionary_get_count(reply) != 1) {
		xpc_release(reply);
		reply = ask(root, "watch", NULL);
	}
	assert_reply(reply, "{watching=true}");
	for (size_t i = 1; i < VMNET_BROKER_MAX_WATCHERS; i++) {
		client_destroy(watchers[i]);
	}
	client_destroy(user);
	client_destroy(root);
}

/* Goal: for a watcher that reads nothing, 64 events are queued besides those in
 * its connection; the other watchers get all events, and it learns how many it
 * has lost. */
static void a_watcher_that_does_not_read_loses_events_and_delays_nobody(
    void **unused)
{
	struct client *slow = client_connect(0);
	struct client *fast = client_connect(0);
	struct client *client = client_connect(0);
	int asked = 0;

	(void)unused;
	xpc_release(ask(slow, "watch", NULL));
	xpc_release(ask(fast, "watch", NULL));
	xpc_connection_suspend(slow->connection);
	while (asked < 4000) {
		xpc_release(ask(client, "nothing", NULL));
		asked++;
		while (fast->event_count < asked) {
			fixture_run();
		}
	}
	assert_int_equal(slow->event_count, 0);
	xpc_connection_resume(slow->connection);
	while (slow->dropped == 0) {
		xpc_release(ask(client, "nothing", NULL));
		asked++;
	}
	while (slow->event_count + (int)slow->dropped < asked) {
		fixture_run();
	}
	assert_int_equal(slow->event_count + (int)slow->dropped, asked);
	assert_int_equal(fast->dropped, 0);
	client_destroy(client);
	client_destroy(fast);
	client_destroy(slow);
}

/* A watcher whose connection takes no more. */
static struct client *connect_deaf(struct client *client)
{
	struct client *deaf = client_connect(0);

	xpc_release(ask(deaf, "watch", NULL));
	xpc_connection_suspend(deaf->connection);
	for (int i = 0; i < 1000; i++) {
		xpc_release(ask(client, "nothing", NULL));
	}
	return deaf;
}

/* Goal: the broker exits when its watchers have got their events, and does not
 * wait long for one that does not read. */
static void watchers_get_their_last_event_before_the_end(void **reads)
{
	struct client *client = client_connect(0);
	struct client *deaf = connect_deaf(client);

	fixture_stop(service_shut_down);
	for (int i = 0; i < 100; i++) {
		fixture_run();
	}
	assert_false(fixture_is_done());
	if (*reads != NULL) {
		xpc_connection_resume(deaf->connection);
		fixture_wait_done();
	} else {
		fixture_advance(SECOND);
		fixture_wait_done();
		xpc_connection_resume(deaf->connection);
	}
	client_destroy(client);
	client_destroy(deaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_watcher_sees_the_life_of_a_network_in_order),
		TEST(a_watcher_sees_what_fails_and_what_is_refused),
		TEST(a_watcher_is_not_idle_and_no_holder),
		TEST(eight_clients_watch_and_two_of_them_are_root),
		TEST(
		    a_watcher_that_does_not_read_loses_events_and_delays_nobody),
		{ "watchers get their last event before the end: it reads",
		    watchers_get_their_last_event_before_the_end, set_up,
		    tear_down, "" },
		{ "watchers get their last event before the end: it does not",
		    watchers_get_their_last_event_before_the_end, set_up,
		    tear_down, NULL },
	};

	fixture_open();
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
