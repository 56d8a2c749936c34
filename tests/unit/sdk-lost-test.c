// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: sdk-fixture sdk-broker sdk-scenario

/*
 * vmnet_broker_acquire_network() with a broker that dies, is busy, slow or not
 * there; and what is held comes back.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <sched.h>
#include <standin.h>

#include "sdk-acquire.h"

/* Goal: no daemon is a failure at once, and nothing has to be restarted when it
 * is installed at last. */
static void without_a_daemon_a_call_fails_until_it_is_installed(void)
{
	service_close();
	acquire_expect("default", VMNET_BROKER_XPC_FAILURE);
	acquire_expect("default", VMNET_BROKER_XPC_FAILURE);
	service_open();
	broker_start("serve");
	acquire_from("default", "serve");
}

/* Goal: a broker that dies over a request is asked again, after pauses that
 * grow, until the time of the call is up. */
static void a_broker_that_dies_over_a_request_is_asked_again(void)
{
	struct call call;
	int i;

	standin_clock_advance(0);
	broker_start("mortal");
	call_start(&call, "default");
	for (i = 0; i < 4; i++) {
		expect_request("default");
		broker_wait();
		CHECK_INT(pause_or_end(kept_hold("default")), DELAY_MIN << i);
		broker_start(i < 3 ? "mortal" : "serve");
		CHECK_INT(atomic_load(&call.done), false);
		standin_clock_advance(DELAY_MIN << i);
	}
	expect_request("default");
	call_expect(&call, VMNET_BROKER_SUCCESS);
}

/* Goal: a broker that is busy is asked again as well; when time is up, the call
 * says that it was busy. */
static void a_broker_that_is_busy_is_asked_again(void)
{
	struct call call;
	int64_t waited = 0;
	int64_t delay;

	standin_clock_advance(0);
	broker_start("busy");
	call_start(&call, "default");
	while (waited < TIMEOUT * (int64_t)SECOND) {
		expect_request("default");
		delay = pause_or_end(kept_hold("default"));
		CHECK_INT(delay > 0 && delay <= DELAY_MAX, true);
		waited += delay;
		standin_clock_advance((unsigned long long)delay);
	}
	call_expect(&call, VMNET_BROKER_BUSY);
}

/* Goal: an answer after 59 seconds is in time. */
static void an_answer_after_59_seconds_is_in_time(void)
{
	struct call call;

	standin_clock_advance(0);
	broker_start("serve");
	call_start(&call, "silent");
	expect_request("silent");
	standin_clock_advance(59 * SECOND);
	acquire_from("speak", "serve");
	call_expect(&call, VMNET_BROKER_SUCCESS);
}

/* Goal: an acquire fails after 60 seconds if launchd cannot start the
 * broker. */
static void a_broker_that_cannot_be_started_costs_60_seconds(void)
{
	struct call call;

	standin_clock_advance(0);
	call_start(&call, "default");
	service_wait();
	standin_clock_advance(60 * SECOND);
	call_expect(&call, VMNET_BROKER_XPC_FAILURE);
}

/* Goal: so it does if the broker does not answer; a network that is granted
 * later is held, and no other acquire is delayed meanwhile. */
static void a_broker_that_never_answers_costs_60_seconds(void)
{
	struct call calls[8];
	size_t i;

	standin_clock_advance(0);
	broker_start("serve");
	for (i = 0; i < COUNT(calls); i++) {
		call_start(&calls[i], "silent");
	}
	expect_request("silent");
	acquire_from("default", "serve");
	expect_request("default");
	for (i = 0; i < COUNT(calls); i++) {
		while (!atomic_load(&calls[i].done)) {
			standin_clock_advance(60 * SECOND);
			sched_yield();
		}
		call_expect(&calls[i], VMNET_BROKER_XPC_FAILURE);
	}
	acquire_from("speak", "serve");
	acquire_from("silent", "serve");
	expect_request("speak");
	broker_expect_nothing();
}

/* Goal: held networks come back with the broker, without another call. */
static void held_networks_are_granted_again_by_the_next_broker(void)
{
	int i;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("a", "serve");
	acquire_from("b", "serve");
	acquire_from("a", "serve");
	acquire_expect("error=5", VMNET_BROKER_NOT_FOUND);
	expect_request("a");
	expect_request("b");
	expect_request("error=5");

	for (i = 0; i < 3; i++) {
		char lines[4][128];
		int of_a = 0;
		int line;

		broker_kill();
		lost_wait("a");
		lost_wait("b");
		broker_start("serve");
		standin_clock_advance((unsigned long long)DELAY_MIN);
		for (line = 0; line < 4; line++) {
			broker_read(lines[line]);
			of_a += strcmp(lines[line], "acquire a") == 0;
		}
		CHECK_INT(of_a, 1);
		acquire_from("a", "serve");
		acquire_from("b", "serve");
	}

	/* Nothing is left to do. */
	standin_clock_advance(3600 * SECOND);
	acquire_from("b", "serve");
	broker_expect_nothing();
}

/* Goal: the same when launchd forgot the service meanwhile, as in an
 * upgrade. */
static void held_networks_are_granted_again_after_an_upgrade(void)
{
	struct call call;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("default", "serve");
	expect_request("default");
	service_close();
	broker_kill();
	lost_wait("default");
	call_start(&call, "default");
	standin_clock_advance((unsigned long long)DELAY_MIN);
	while (pause_or_end(kept_hold("default")) == DELAY_MIN) {
		sched_yield();
	}
	service_open();
	broker_start("serve");
	standin_clock_advance(2 * (unsigned long long)DELAY_MIN);
	expect_request("default");
	call_expect(&call, VMNET_BROKER_SUCCESS);
}

/* Goal: a broker that refuses us by hanging up is asked after 50 ms, 100 ms and
 * so on up to 10 seconds, and has forgotten nothing when it relents. */
static void a_broker_that_hangs_up_is_asked_after_longer_and_longer_pauses(void)
{
	static const unsigned long long delays[] = { 50, 100, 200, 400, 800,
		1600, 3200, 6400, 10000, 10000 };
	size_t i;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("default", "serve");
	expect_request("default");
	broker_kill();
	lost_wait("default");
	broker_start("refuse");
	for (i = 0; i < COUNT(delays); i++) {
		int64_t delay = pause_or_end(kept_hold("default"));

		CHECK_INT(delay, (int64_t)(delays[i] * NSEC_PER_MSEC));
		standin_clock_advance((unsigned long long)delay - 1);
		events_settle();
		broker_expect_nothing();
		if (i == COUNT(delays) - 1) {
			broker_kill();
			broker_start("serve");
		}
		standin_clock_advance(1);
		expect_request("default");
	}
	acquire_from("default", "serve");
}

/* Goal: a process may end while it is getting its networks back. */
static void a_process_may_end_while_its_networks_are_lost(void)
{
	broker_start("serve");
	acquire_from("default", "serve");
	expect_request("default");
	broker_kill();
	broker_start("refuse");
	broker_expect("peer");
	exit(0);
}

static const struct scenario scenarios[] = {
	SCENARIO(without_a_daemon_a_call_fails_until_it_is_installed),
	SCENARIO(a_broker_that_dies_over_a_request_is_asked_again),
	SCENARIO(a_broker_that_is_busy_is_asked_again),
	SCENARIO(an_answer_after_59_seconds_is_in_time),
	SCENARIO(a_broker_that_cannot_be_started_costs_60_seconds),
	SCENARIO(a_broker_that_never_answers_costs_60_seconds),
	SCENARIO(held_networks_are_granted_again_by_the_next_broker),
	SCENARIO(held_networks_are_granted_again_after_an_upgrade),
	SCENARIO(
	    a_broker_that_hangs_up_is_asked_after_longer_and_longer_pauses),
	SCENARIO(a_process_may_end_while_its_networks_are_lost),
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
