// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: sdk-fixture sdk-broker sdk-scenario

/*
 * Holds: how a network is granted, refused and released, in the program and in
 * its forked child.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <sys/wait.h>

#include "sdk-hold.h"

/* Goal: a network is granted, can be read, and is released. */
static void a_network_is_granted_read_and_released(void)
{
	dispatch_queue_t queue = queue_create();
	struct history history;
	vmnet_broker_hold_t hold;
	char reason[64] = "x";

	broker_start("watch");
	history_init(&history);
	hold = vmnet_broker_hold_create("default", queue, on_state, &history);
	CHECK_INT(hold != NULL, true);
	history_expect(&history, VMNET_BROKER_HOLD_GRANTED);
	CHECK_INT(vmnet_broker_hold_wait(hold, 0), VMNET_BROKER_SUCCESS);
	expect_network(hold, "default");
	CHECK_INT(generation(hold) != 0, true);
	CHECK_INT(vmnet_broker_hold_get_reason(hold, reason, sizeof(reason)),
	    VMNET_BROKER_SUCCESS);
	CHECK_STRING(reason, "success");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_expect_nothing();
	vmnet_broker_hold_release(hold, on_done);
	history_expect_done(&history);
	broker_expect("gone");
	CHECK_INT(atomic_load(&history.count), 1);
	history_destroy(&history);
	dispatch_release(queue);
}

/* Goal: two holds on one name are two, each released by itself. */
static void two_holds_on_one_name_are_released_one_by_one(void)
{
	vmnet_broker_hold_t a;
	vmnet_broker_hold_t b;

	broker_start("watch");
	a = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(a, 60), VMNET_BROKER_SUCCESS);
	b = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(b, 60), VMNET_BROKER_SUCCESS);
	vmnet_broker_hold_release(a, NULL);
	broker_expect("peer");
	broker_expect("acquire default");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_expect("gone");
	expect_network(b, "default");
	broker_expect_nothing();
	vmnet_broker_hold_release(b, NULL);
	broker_expect("gone");
}

/* Goal: a refusal is the last state, is reported once, and has a reason. */
static void a_refusal_is_the_last_state_and_says_why(void)
{
	static const struct {
		const char *name;
		int status;
		const char *reason;
	} rows[] = {
		{ "error=3", 3, "not allowed to use this network" },
		{ "error=4", 4, "invalid network name" },
		{ "error=5", 5, "no such network" },
		{ "error=6", 6, "network could not be created" },
		{ "error=7", 7, "internal error" },
		{ "error=9", 9, "error in the configuration of vmnet-broker" },
		{ "error=77", 77, "unknown error" },
		{ "reason=networks.json:3:13: wrong", 6,
		    "networks.json:3:13: wrong" },
		{ "none", 2, "invalid reply from vmnet-broker" },
		{ NULL, 4, "invalid network name" },
	};
	dispatch_queue_t queue = queue_create();
	long alive;
	size_t i;

	broker_start("serve");
	vmnet_broker_hold_release(
	    vmnet_broker_hold_create(
		rows[COUNT(rows) - 1].name, NULL, NULL, NULL),
	    NULL);
	alive = standin_objects_alive(NULL);
	for (i = 0; i < COUNT(rows); i++) {
		struct history history;
		char reason[64];
		char cut[4];
		vmnet_broker_hold_t hold;

		history_init(&history);
		hold = vmnet_broker_hold_create(
		    rows[i].name, queue, on_state, &history);
		history_expect(&history, VMNET_BROKER_HOLD_FAILED);
		CHECK_INT(vmnet_broker_hold_wait(hold, 60), rows[i].status);
		expect_no_network(hold);
		CHECK_INT(
		    vmnet_broker_hold_get_reason(hold, reason, sizeof(reason)),
		    rows[i].status);
		CHECK_STRING(reason, rows[i].reason);
		vmnet_broker_hold_get_reason(hold, cut, sizeof(cut));
		CHECK_INT((long)strlen(cut), 3);
		CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0),
		    rows[i].status);
		vmnet_broker_hold_release(hold, on_done);
		history_expect_done(&history);
		CHECK_INT(atomic_load(&history.count), 1);
		history_destroy(&history);
	}
	alive_at_most(alive);
	dispatch_release(queue);
}

/* Goal: in a forked child nothing works, nothing hangs, and nothing is taken
 * from the parent. */
static void in_a_forked_child_holds_fail_and_the_parents_stay(void)
{
	vmnet_broker_hold_t hold;
	pid_t child;
	int result;

	broker_start("watch");
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	broker_expect("peer");
	broker_expect("acquire default");
	pthread_mutex_lock(&lock);
	child = fork();
	if (child == 0) {
		vmnet_broker_hold_t own =
		    vmnet_broker_hold_create("default", NULL, on_state, NULL);

		alarm(60);
		CHECK_INT(own != NULL, true);
		CHECK_INT(
		    vmnet_broker_hold_wait(own, 60), VMNET_BROKER_XPC_FAILURE);
		CHECK_INT(
		    vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_XPC_FAILURE);
		CHECK_INT(vmnet_broker_hold_get_reason(own, NULL, 0),
		    VMNET_BROKER_XPC_FAILURE);
		expect_no_network(own);
		expect_no_network(hold);
		vmnet_broker_hold_release(own, NULL);
		vmnet_broker_hold_release(hold, NULL);
		_exit(0);
	}
	pthread_mutex_unlock(&lock);
	CHECK_INT(waitpid(child, &result, 0), child);
	CHECK_INT(result, 0);
	expect_network(hold, "default");
	broker_expect_nothing();
	vmnet_broker_hold_release(hold, NULL);
	broker_expect("gone");
}

/* Goal: a hold of NULL is an invalid request in every call. */
static void a_null_hold_is_an_invalid_request(void)
{
	vmnet_broker_hold_t nothing = NULL;
	char reason[64];

	CHECK_INT(
	    vmnet_broker_hold_wait(nothing, 60), VMNET_BROKER_INVALID_REQUEST);
	CHECK_INT(vmnet_broker_hold_get_reason(nothing, reason, sizeof(reason)),
	    VMNET_BROKER_INVALID_REQUEST);
	CHECK_STRING(reason, "invalid network name");
	expect_no_network(nothing);
	vmnet_broker_hold_release(nothing, NULL);
}

/* Goal: an old broker sends no info; a new one that is not understood sends one
 * of the wrong type. */
static void an_old_broker_sends_no_info(void)
{
	vmnet_broker_hold_t hold;

	broker_start("serve");
	hold = vmnet_broker_hold_create("network:dictionary", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	CHECK_INT(vmnet_broker_hold_copy_info(hold) == NULL, true);
	vmnet_broker_hold_release(hold, NULL);
	hold = vmnet_broker_hold_create("info", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	CHECK_INT(vmnet_broker_hold_copy_info(hold) == NULL, true);
	expect_network(hold, "info");
	vmnet_broker_hold_release(hold, NULL);
}

/* Goal: without memory there is no hold, and nothing is left of it. */
static void without_memory_there_is_no_hold(void)
{
	vmnet_broker_hold_t hold;
	long alive;

	broker_start("serve");
	hold = vmnet_broker_hold_create("a", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	/* What was queued with the answer is over. */
	dispatch_sync(events,
	    ^{
	    });
	alive = standin_objects_alive(NULL);
	standin_fail("malloc:1");
	CHECK_INT(
	    vmnet_broker_hold_create("b", NULL, NULL, NULL) == NULL, true);
	standin_fail(NULL);
	alive_at_most(alive);
	vmnet_broker_hold_release(hold, NULL);
}

static const struct scenario scenarios[] = {
	SCENARIO(a_network_is_granted_read_and_released),
	SCENARIO(two_holds_on_one_name_are_released_one_by_one),
	SCENARIO(a_refusal_is_the_last_state_and_says_why),
	SCENARIO(in_a_forked_child_holds_fail_and_the_parents_stay),
	SCENARIO_ALONE(a_null_hold_is_an_invalid_request),
	SCENARIO(an_old_broker_sends_no_info),
	SCENARIO(without_memory_there_is_no_hold),
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
