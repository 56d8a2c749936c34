// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: sdk-fixture sdk-broker sdk-scenario

/*
 * Holds that are released, in every state and from everywhere, by many threads,
 * for a long time, and by a program that never waits.
 */

#include "protocol.h"
#include <dispatch/dispatch.h>
#include <stdatomic.h>
#include <xpc/xpc.h>

/* How often the SDK waited. All that it could wait with is counted, besides its
 * lock, under which nothing waits. */
static atomic_int waits;
#define WAITING(call) (atomic_fetch_add(&waits, 1), call)
#define dispatch_group_wait(...) WAITING(dispatch_group_wait(__VA_ARGS__))
#define dispatch_semaphore_wait(...)                                           \
	WAITING(dispatch_semaphore_wait(__VA_ARGS__))
#define dispatch_sync(...) WAITING(dispatch_sync(__VA_ARGS__))
#define xpc_connection_send_message_with_reply_sync(...)                       \
	WAITING(xpc_connection_send_message_with_reply_sync(__VA_ARGS__))
#include "../../client/vmnet-broker.c"
#undef dispatch_group_wait
#undef dispatch_semaphore_wait
#undef dispatch_sync
#undef xpc_connection_send_message_with_reply_sync

#include <dirent.h>

#include "sdk-hold.h"

static void release_when_told(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	on_state(hold, state, context);
	vmnet_broker_hold_release(hold, on_done);
}

static void release_when_lost(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	on_state(hold, state, context);
	if (state == VMNET_BROKER_HOLD_LOST) {
		vmnet_broker_hold_release(hold, on_done);
	}
}

/* Goal: a hold can be released after a loss, and inside its handler in each
 * state that it reports. */
static void a_hold_can_be_released_inside_its_handler(void)
{
	dispatch_queue_t queue = queue_create();
	vmnet_broker_hold_t hold;
	struct history history;

	standin_clock_advance(0);
	broker_start("serve");
	history_init(&history);
	vmnet_broker_hold_create("default", queue, release_when_told, &history);
	history_expect(&history, VMNET_BROKER_HOLD_GRANTED);
	history_expect_done(&history);
	history_destroy(&history);

	history_init(&history);
	vmnet_broker_hold_create("error=5", queue, release_when_told, &history);
	history_expect(&history, VMNET_BROKER_HOLD_FAILED);
	history_expect_done(&history);
	history_destroy(&history);

	history_init(&history);
	vmnet_broker_hold_create("default", queue, release_when_lost, &history);
	history_expect(&history, VMNET_BROKER_HOLD_GRANTED);
	broker_kill();
	history_expect(&history, VMNET_BROKER_HOLD_LOST);
	history_expect_done(&history);
	CHECK_INT(atomic_load(&history.count), 2);
	history_destroy(&history);

	hold = create_lost();
	vmnet_broker_hold_release(hold, NULL);
	/* The timers have a reference until they fire. */
	standin_clock_advance((unsigned long long)DELAY_MIN);
	broker_start("serve");
	alive_at_most(2); /* the SDK's queue and ours */
	dispatch_release(queue);
}

/* Goal: a hold can be released in every state, and leaves nothing. */
static void a_hold_can_be_released_in_every_state(void)
{
	dispatch_queue_t queue = queue_create();
	vmnet_broker_hold_t hold;
	struct history history;
	int i;

	standin_clock_advance(0);
	broker_start("serve");
	vmnet_broker_hold_release(NULL, on_done);
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	vmnet_broker_hold_release(hold, NULL);
	history_init(&history);
	alive_at_most(4); /* the SDK's queue and ours, and two semaphores */
	for (i = 0; i < 4; i++) {
		static const char *const names[] = { "silent", "default",
			"error=5", "error=8" };

		history_destroy(&history);
		history_init(&history);
		hold = vmnet_broker_hold_create(
		    names[i], queue, on_state, &history);
		if (i == 3) {
			CHECK_INT(pause_wait(hold), DELAY_MIN);
		} else if (i > 0) {
			vmnet_broker_hold_wait(hold, 60);
			dispatch_semaphore_wait(
			    history.more, DISPATCH_TIME_FOREVER);
		}
		vmnet_broker_hold_release(hold, on_done);
		history_expect_done(&history);
	}
	/* Before anything was asked. */
	vmnet_broker_hold_release(
	    vmnet_broker_hold_create("default", queue, NULL, NULL), NULL);
	/* The timer of the one that paused has a reference until it fires. */
	standin_clock_advance((unsigned long long)DELAY_MIN);
	broker_kill();
	broker_start("serve");
	alive_at_most(4);
	history_destroy(&history);
	dispatch_release(queue);
}

/* Goal: events come one at a time and in order, also on a queue that runs many
 * things at once. */
static void events_come_in_order_on_a_concurrent_queue(void)
{
	struct history history;
	vmnet_broker_hold_t hold;

	history_init(&history);
	broker_start("serve");
	hold = vmnet_broker_hold_create("default",
	    dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), on_state,
	    &history);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	broker_kill();
	broker_start("serve");
	while (atomic_load(&history.count) < 3) {
		sched_yield();
	}
	CHECK_INT(history.states[0], VMNET_BROKER_HOLD_GRANTED);
	CHECK_INT(history.states[1], VMNET_BROKER_HOLD_LOST);
	CHECK_INT(history.states[2], VMNET_BROKER_HOLD_GRANTED);
	vmnet_broker_hold_release(hold, on_done);
	history_expect_done(&history);
	history_destroy(&history);
}

static void *crowd_main(void *argument)
{
	static const char *const names[] = { "a", "b", "error=5", "reason=c" };
	size_t first = (size_t)(uintptr_t)argument;
	size_t i;

	for (i = 0; i < 32; i++) {
		const char *name = names[(first + i) % COUNT(names)];
		struct history history;
		vmnet_broker_hold_t hold;

		history_init(&history);
		hold = vmnet_broker_hold_create(name, NULL, on_state, &history);
		if (i % 3 != 0) {
			CHECK_INT(vmnet_broker_hold_wait(hold, 60) ==
				VMNET_BROKER_SUCCESS,
			    name[1] == '\0');
			CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0) ==
				VMNET_BROKER_SUCCESS,
			    name[1] == '\0');
		}
		vmnet_broker_hold_release(hold, on_done);
		history_expect_done(&history);
		history_destroy(&history);
	}
	return NULL;
}

static void many_threads_hold_and_release(void)
{
	broker_start("serve");
	crowd_run(crowd_main);
}

static long descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	long count = 0;

	CHECK_INT(directory != NULL, true);
	while (readdir(directory) != NULL) {
		count++;
	}
	closedir(directory);
	return count;
}

/* Goal: acquiring and releasing leaks nothing in the long run. */
static void many_holds_and_releases_leave_nothing(void)
{
	vmnet_broker_hold_t holds[10];
	long alive = 0;
	long files = 0;
	size_t i;
	int round;

	broker_start("serve");
	for (round = 0; round < 50; round++) {
		for (i = 0; i < COUNT(holds); i++) {
			char name[] = "n0";

			name[1] = (char)('0' + i);
			holds[i] =
			    vmnet_broker_hold_create(name, NULL, NULL, NULL);
		}
		for (i = 0; i < COUNT(holds); i++) {
			CHECK_INT(vmnet_broker_hold_wait(holds[i], 60),
			    VMNET_BROKER_SUCCESS);
		}
		for (i = 0; i < COUNT(holds); i++) {
			vmnet_broker_hold_release(holds[i], NULL);
		}
		if (round == 0) {
			alive_at_most(1); /* the SDK's queue */
			alive = standin_objects_alive(NULL);
			files = descriptors();
		}
	}
	alive_at_most(alive);
	while (descriptors() > files) {
		sched_yield();
	}
}

static void finish(void *context)
{
	(void)context;
	CHECK_INT(atomic_load(&waits), 0);
	exit(0);
}

static void program(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	atomic_int *lost = context;

	if (state == VMNET_BROKER_HOLD_LOST) {
		atomic_store(lost, 1);
		broker_start("serve");
	} else if (atomic_load(lost) == 0) {
		broker_kill();
	} else {
		expect_network(hold, "default");
		CHECK_INT(atomic_load(&waits), 0);
		vmnet_broker_hold_release(hold, finish);
	}
}

/* Goal: a program that lives on its main queue holds, loses, regains and gives
 * back a network, and no thread of it ever waits, nor one of the SDK. */
static void no_thread_of_a_program_on_its_main_queue_waits(void)
{
	static atomic_int lost;
	vmnet_broker_hold_t hold;

	broker_start("serve");
	/* Waiting threads are counted. */
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	vmnet_broker_hold_wait(hold, 60);
	vmnet_broker_hold_release(hold, NULL);
	CHECK_INT(atomic_exchange(&waits, 0) > 0, true);
	vmnet_broker_hold_create(
	    "default", dispatch_get_main_queue(), program, &lost);
	dispatch_main();
}

static const struct scenario scenarios[] = {
	SCENARIO(a_hold_can_be_released_in_every_state),
	SCENARIO(a_hold_can_be_released_inside_its_handler),
	SCENARIO(events_come_in_order_on_a_concurrent_queue),
	SCENARIO(many_threads_hold_and_release),
	SCENARIO(many_holds_and_releases_leave_nothing),
	SCENARIO(no_thread_of_a_program_on_its_main_queue_waits),
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
