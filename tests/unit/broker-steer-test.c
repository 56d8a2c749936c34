// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client run-until-failure

/*
 * The commands that change something, as docs/protocol.md has them.
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
 * The commands that change something: permissions and effects.
 */

static const char *const changing[] = { "drain", "recreate", "resume" };

/* Goal: a user other than root and the broker's own cannot change anything. */
static void a_user_who_is_not_root_or_the_broker_changes_nothing(void **unused)
{
	struct client *client = client_connect(USER);
	uint64_t generation = acquire(client, "default");

	(void)unused;
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++) {
		assert_refused(ask(client, changing[i], "default"),
		    FAILURE_NOT_ALLOWED, "use sudo");
	}
	assert_int_equal(acquire(client, "default"), generation);
	acquire(client, "host");
	client_destroy(client);
}

/* Goal: drained, it takes no new holds and ends none; resumed, it is as before;
 * drained again, it ends with the last holder. */
static void a_drained_broker_ends_no_hold_and_takes_none_until_resumed(
    void **unused)
{
	struct client *root = client_connect(0);
	struct client *holders[2] = { client_connect(USER),
		client_connect(OTHER_USER) };
	uint64_t generation = acquire(holders[0], "default");

	(void)unused;
	acquire(holders[1], "default");
	acquire(holders[1], "host");
	assert_reply(ask(root, "resume", NULL), "{draining=false}");
	assert_reply(ask(root, "drain", NULL), "{holders=3}");
	assert_reply(ask(root, "drain", NULL), "{holders=3}");
	assert_refused(ask(root, "acquire", "default"), FAILURE_BUSY,
	    "vmnet-brokerctl resume");
	assert_refused(ask(root, "recreate", "default"), FAILURE_BUSY,
	    "vmnet-brokerctl resume");
	assert_value(
	    ask(root, "status", NULL), VMNET_BROKER_STATUS_DRAINING, "true");
	assert_value(
	    ask(root, "status", NULL), VMNET_BROKER_STATUS_STOPPING, "true");
	fixture_advance(1000 * SECOND);
	assert_int_equal(acquire(holders[0], "default"), generation);
	client_destroy(root); /* it was idle for too long */
	root = client_connect(0);
	assert_reply(ask(root, "resume", NULL), "{draining=false}");
	assert_value(
	    ask(root, "status", NULL), VMNET_BROKER_STATUS_STOPPING, "false");
	acquire(root, "n1");
	assert_reply(ask(root, "drain", NULL), "{holders=4}");
	fixture_expect_no_answers();
	client_destroy(root);
	client_destroy(holders[0]);
	assert_false(fixture_is_done());
	client_destroy(holders[1]);
	fixture_wait_done();
}

/* Goal: drain is answered also when there is no client to wait for. */
static void drain_is_answered_with_nobody_to_wait_for(void **unused)
{
	struct client *root = client_connect(0);

	(void)unused;
	fixture_expect_no_answers();
	assert_reply(ask(root, "drain", NULL), "{holders=0}");
	fixture_wait_done();
	client_destroy(root);
}

/* Goal: launchd's SIGTERM is not taken back, whether it was draining or not. */
static void resume_does_not_take_back_sigterm(void **unused)
{
	struct client *root = client_connect(0);

	(void)unused;
	acquire(root, "host");
	assert_reply(ask(root, "drain", NULL), "{holders=1}");
	fixture_stop(service_shut_down);
	assert_refused(
	    ask(root, "resume", NULL), FAILURE_BUSY, "cannot be undone");
	assert_value(
	    ask(root, "status", NULL), VMNET_BROKER_STATUS_DRAINING, "false");
	client_destroy(root);
}

/*
 * Recreate.
 */

/* Goal: all holders lose the network at once, and get a new one when they ask;
 * holders of other networks keep theirs. */
static void all_holders_lose_a_recreated_network_and_get_a_new_one(
    void **unused)
{
	struct client *root = client_connect(0);
	struct client *other = client_connect(USER);
	struct client *holders[3];
	uint64_t generation = 0;
	uint64_t kept = acquire(other, "host");

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		holders[i] = client_connect(USER);
		generation = acquire(holders[i], "default");
	}
	acquire(holders[0], "host");
	assert_reply(ask(root, "recreate", "default"), "{holders=3}");
	for (size_t i = 0; i < 3; i++) {
		wait_ended(holders[i]);
		client_destroy(holders[i]);
	}
	assert_reply(get_listed(root, "default"),
	    "{holders=0 mode=\"shared\" name=\"default\" pending=false "
	    "persistent=false state=\"inactive\"}");
	assert_true(acquire(root, "default") != generation);
	assert_int_equal(acquire(other, "host"), kept);
	client_destroy(other);
	client_destroy(root);
}

/* Goal: recreate is answered when vmnet has released the network, and not
 * before; clients that ask meanwhile get the new one. */
static void recreate_is_answered_when_vmnet_has_released_the_network(
    void **unused)
{
	struct client *root = client_connect(0);
	struct client *holder = client_connect(USER);
	struct client *late = client_connect(USER);
	uint64_t generation = acquire(holder, "default");

	(void)unused;
	fake_vmnet.stop = STOP_SILENT;
	ask_later(root, "recreate", "default");
	wait_ended(holder);
	client_destroy(holder);
	ask_later(late, "acquire", "default");
	holder = client_connect(USER);
	wait_state(holder, "default", "releasing");
	assert_int_equal(root->pending, 1);
	assert_int_equal(late->pending, 1);
	fake_vmnet.stop = STOP_WELL;
	while (!fake_vmnet_answer()) {
		fixture_run();
	}
	wait_reply(root);
	assert_describes(root->last, "{holders=1}");
	wait_reply(late);
	assert_true(acquire(late, "default") != generation);
	client_destroy(root);
	client_destroy(late);
	client_destroy(holder);
}

/* One client waits for a network whose creation hangs; root recreates it. */
static void recreate_during_creation(
    struct client *root, struct client *waiting)
{
	standin_hang("vmnet_network_create:1");
	ask_later(waiting, "acquire", "default");
	wait_state(root, "default", "creating");
	ask_later(root, "recreate", "default");
	wait_state(root, "default", "releasing");
}

/* Goal: if vmnet does not release the network, recreate fails and counts no
 * clients. Called again, it reports since when; and no client is left
 * waiting. */
static void recreate_fails_when_vmnet_does_not_release_the_network(
    void **unused)
{
	struct client *root = client_connect(0);
	struct client *waiting = client_connect(USER);

	(void)unused;
	recreate_during_creation(root, waiting);
	fixture_advance(VMNET_BROKER_RELEASE_TIMEOUT * SECOND);
	wait_reply(root);
	assert_refused(xpc_retain(root->last), FAILURE_CREATE,
	    "did not release it within 8 seconds");
	wait_reply(waiting);
	assert_refused(xpc_retain(waiting->last), FAILURE_CREATE,
	    "did not release it within 8 seconds");
	assert_refused(ask(root, "recreate", "default"), FAILURE_CREATE,
	    "has not answered for this network since");
	standin_unhang();
	client_destroy(waiting);
	client_destroy(root);
}

/* Goal: a client that waits for a network that is being created gets the next
 * one. */
static void a_client_that_waits_for_a_creation_gets_the_recreated_network(
    void **unused)
{
	struct client *root = client_connect(0);
	struct client *waiting = client_connect(USER);

	(void)unused;
	recreate_during_creation(root, waiting);
	standin_unhang();
	wait_reply(root);
	assert_describes(root->last, "{holders=0}");
	wait_reply(waiting);
	assert_non_null(
	    xpc_dictionary_get_value(waiting->last, VMNET_BROKER_KEY_NETWORK));
	assert_int_equal(fake_vmnet_created(), 2);
	client_destroy(waiting);
	client_destroy(root);
}

/* Goal: a network without a holder is released at once; one that does not exist
 * is not created; and one that is not available is refused as for acquire. */
static void recreate_releases_a_network_without_holders(void **unused)
{
	struct client *root = client_connect(0);
	struct client *holder = client_connect(USER);

	(void)unused;
	assert_reply(ask(root, "recreate", "default"), "{holders=0}");
	acquire(holder, "default");
	client_destroy(holder);
	wait_state(root, "default", "lingering");
	assert_reply(ask(root, "recreate", "default"), "{holders=0}");
	wait_state(root, "default", "inactive");
	assert_refused(ask(root, "recreate", "nowhere"), FAILURE_NOT_FOUND,
	    "no such network");
	assert_refused(ask(root, "recreate", BROKEN_NETWORK),
	    FAILURE_CONFIGURATION, "networks.json:3:5");
	assert_refused(ask(root, "recreate", NULL), FAILURE_INVALID_REQUEST,
	    "network_name must be a string");
	assert_refused(ask(root, "recreate", "A b"), FAILURE_INVALID_REQUEST,
	    "is not a network name");
	client_destroy(root);
}

/* Goal: a client that asked and has left does no harm; one that is a holder
 * itself loses its own connection. */
static void a_client_that_requested_recreate_may_leave(void **unused)
{
	struct client *gone = client_connect(0);
	struct client *holder = client_connect(0);

	(void)unused;
	acquire(holder, "default");
	fake_vmnet.stop = STOP_SILENT;
	ask_later(gone, "recreate", "default");
	wait_ended(holder);
	client_destroy(gone);
	client_destroy(holder);
	fake_vmnet.stop = STOP_WELL;
	while (!fake_vmnet_answer()) {
		fixture_run();
	}
	holder = client_connect(0);
	acquire(holder, "default");
	ask_later(holder, "recreate", "default");
	wait_ended(holder);
	wait_reply(holder);
	assert_ptr_equal(xpc_get_type(holder->last), XPC_TYPE_ERROR);
	client_destroy(holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_user_who_is_not_root_or_the_broker_changes_nothing),
		TEST(
		    a_drained_broker_ends_no_hold_and_takes_none_until_resumed),
		TEST(drain_is_answered_with_nobody_to_wait_for),
		TEST(resume_does_not_take_back_sigterm),
		TEST(all_holders_lose_a_recreated_network_and_get_a_new_one),
		TEST(recreate_is_answered_when_vmnet_has_released_the_network),
		TEST(recreate_fails_when_vmnet_does_not_release_the_network),
		TEST(
		    a_client_that_waits_for_a_creation_gets_the_recreated_network),
		TEST(recreate_releases_a_network_without_holders),
		TEST(a_client_that_requested_recreate_may_leave),
	};

	fixture_open();
	return RUN_UNTIL_FAILURE(tests, NULL, NULL);
}
