// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: sdk-fixture sdk-broker sdk-scenario

/*
 * Holds: how they wait for a broker that is missing, busy or silent, or was
 * killed.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include "sdk-hold.h"

/* Goal: the hold reports the loss when the broker is killed, then the network
 * of the next broker, which is a new one; repeatedly, and each time the pauses
 * begin with the shortest. */
static void a_hold_gets_the_network_of_the_next_broker(void)
{
	dispatch_queue_t queue = queue_create();
	struct history history;
	vmnet_broker_hold_t hold;
	uint64_t last = 0;
	int i;

	standin_clock_advance(0);
	broker_start("serve");
	history_init(&history);
	hold = vmnet_broker_hold_create("default", queue, on_state, &history);
	history_expect(&history, VMNET_BROKER_HOLD_GRANTED);
	for (i = 0; i < 5; i++) {
		CHECK_INT(generation(hold) != last, true);
		last = generation(hold);
		broker_kill();
		history_expect(&history, VMNET_BROKER_HOLD_LOST);
		expect_no_network(hold);
		CHECK_INT(
		    vmnet_broker_hold_wait(hold, 0), VMNET_BROKER_XPC_FAILURE);
		CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0),
		    VMNET_BROKER_XPC_FAILURE);
		broker_start("serve");
		CHECK_INT(pause_wait(hold), DELAY_MIN);
		standin_clock_advance((unsigned long long)DELAY_MIN);
		history_expect(&history, VMNET_BROKER_HOLD_GRANTED);
		expect_network(hold, "default");
	}
	vmnet_broker_hold_release(hold, on_done);
	history_expect_done(&history);
	history_destroy(&history);
	dispatch_release(queue);
}

/* Goal: a hold that was granted once retries more failures: what a broker
 * cannot do now, it may do later. Only a failure that retrying cannot change
 * ends it. */
static void only_an_error_that_retrying_cannot_change_ends_a_lost_hold(void)
{
	static const struct {
		vmnet_broker_return_t status;
		vmnet_broker_hold_state_t state;
	} rows[] = {
		{ VMNET_BROKER_CREATE_FAILURE, VMNET_BROKER_HOLD_LOST },
		{ VMNET_BROKER_INVALID_REPLY, VMNET_BROKER_HOLD_LOST },
		{ VMNET_BROKER_INTERNAL_ERROR, VMNET_BROKER_HOLD_LOST },
		{ VMNET_BROKER_BUSY, VMNET_BROKER_HOLD_LOST },
		{ VMNET_BROKER_NOT_ALLOWED, VMNET_BROKER_HOLD_FAILED },
		{ VMNET_BROKER_INVALID_REQUEST, VMNET_BROKER_HOLD_FAILED },
		{ VMNET_BROKER_NOT_FOUND, VMNET_BROKER_HOLD_FAILED },
		{ VMNET_BROKER_CONFIGURATION, VMNET_BROKER_HOLD_FAILED },
	};
	size_t i;

	standin_clock_advance(0);
	for (i = 0; i < COUNT(rows); i++) {
		vmnet_broker_hold_t hold = create_lost();
		bool failed = rows[i].state == VMNET_BROKER_HOLD_FAILED;

		pthread_mutex_lock(&lock);
		fail(hold, rows[i].status, "why", false);
		CHECK_INT(hold->state, rows[i].state);
		pthread_mutex_unlock(&lock);
		CHECK_INT(vmnet_broker_hold_wait(hold, failed ? 60 : 0),
		    failed ? rows[i].status : VMNET_BROKER_XPC_FAILURE);
		CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0),
		    rows[i].status);
		vmnet_broker_hold_release(hold, NULL);
	}
}

/* Goal: the hold waits for a missing daemon and for a busy one, and its reason
 * says which it is. */
static void a_missing_or_busy_broker_is_waited_for(void)
{
	vmnet_broker_hold_t hold;
	int64_t delay;

	standin_clock_advance(0);
	service_close();
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	delay = pause_wait(hold);
	CHECK_INT(delay, DELAY_MIN);
	CHECK_INT(vmnet_broker_hold_wait(hold, 0), VMNET_BROKER_XPC_FAILURE);
	CHECK_INT(vmnet_broker_hold_wait(hold, -1), VMNET_BROKER_XPC_FAILURE);
	CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0),
	    VMNET_BROKER_XPC_FAILURE);
	service_open();
	broker_start("busy");
	standin_clock_advance((unsigned long long)delay);
	while (pause_wait(hold) == delay) {
		sched_yield();
	}
	CHECK_INT(
	    vmnet_broker_hold_get_reason(hold, NULL, 0), VMNET_BROKER_BUSY);
	broker_kill();
	broker_start("serve");
	standin_clock_advance(2 * (unsigned long long)delay);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	vmnet_broker_hold_release(hold, NULL);
}

/* Goal: a hold that is never answered delays no other, not even by a
 * millisecond: the clock stands still. */
static void a_hold_that_is_never_answered_delays_no_other(void)
{
	vmnet_broker_hold_t silent;
	vmnet_broker_hold_t hold;

	standin_clock_advance(0);
	broker_start("watch");
	silent = vmnet_broker_hold_create("silent", NULL, NULL, NULL);
	broker_expect("peer");
	broker_expect("acquire silent");
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	CHECK_INT(vmnet_broker_hold_wait(silent, 0), VMNET_BROKER_XPC_FAILURE);
	broker_expect("peer");
	broker_expect("acquire default");
	vmnet_broker_hold_release(silent, NULL);
	broker_expect("gone");
	vmnet_broker_hold_release(hold, NULL);
	broker_expect("gone");
}

static const struct scenario scenarios[] = {
	SCENARIO(a_hold_gets_the_network_of_the_next_broker),
	SCENARIO(only_an_error_that_retrying_cannot_change_ends_a_lost_hold),
	SCENARIO(a_missing_or_busy_broker_is_waited_for),
	SCENARIO(a_hold_that_is_never_answered_delays_no_other),
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
