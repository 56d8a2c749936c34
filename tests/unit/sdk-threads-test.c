// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: sdk-fixture sdk-broker sdk-scenario

/*
 * vmnet_broker_acquire_network() from many threads, and in processes that fork.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <sched.h>
#include <sys/wait.h>

#include "sdk-acquire.h"

/* Goal: one hold for each name, whichever thread comes first, and each gets
 * what it asked for. */
static pthread_barrier_t gate;

static void *crowd_main(void *argument)
{
	static const char *const names[] = { "n0", "n1", "n2", "n3", "n4", "n5",
		"n6", "n7" };
	size_t first = (size_t)(uintptr_t)argument;
	size_t i;

	pthread_barrier_wait(&gate);
	for (i = 0; i < 64; i++) {
		acquire_from(names[(first + i) % COUNT(names)], "serve");
	}
	return NULL;
}

static void each_name_has_one_hold_whichever_thread_comes_first(void)
{
	char line[128];
	int i;

	broker_start("serve");
	pthread_barrier_init(&gate, NULL, CROWD);
	crowd_run(crowd_main);
	for (i = 0; i < 2 * 8; i++) {
		broker_read(line);
	}
	broker_expect_nothing();
}

/* Goal: with many threads and a broker that is killed repeatedly, each call is
 * answered, and all networks are held in the end. */
static void threads_are_answered_while_the_broker_is_killed(void)
{
	struct call calls[16];
	char line[128];
	int round;
	size_t i;

	broker_start("serve");
	for (round = 0; round < 10; round++) {
		/* The next line is this broker's: it has a client to lose. */
		broker_forget();
		for (i = 0; i < COUNT(calls); i++) {
			call_start(&calls[i], i % 2 == 0 ? "even" : "odd");
		}
		if (round == 0) {
			broker_read(line);
		}
		broker_kill();
		broker_start("serve");
		for (i = 0; i < COUNT(calls); i++) {
			call_expect(&calls[i], VMNET_BROKER_SUCCESS);
		}
	}
	while (pause_or_end(kept_hold("even")) != 0 ||
	    pause_or_end(kept_hold("odd")) != 0) {
		sched_yield();
	}
}

/* Goal: in a forked child the call fails, also when another thread had the lock
 * at that moment; the parent goes on. */
static void in_a_forked_child_the_call_fails(void)
{
	vmnet_broker_return_t status;
	pid_t child;
	int result;

	broker_start("serve");
	acquire_from("default", "serve");
	pthread_mutex_lock(&lock);
	child = fork();
	if (child == 0) {
		alarm(60);
		vmnet_broker_acquire_network("default", &status);
		_exit(status == VMNET_BROKER_XPC_FAILURE ? 0 : 1);
	}
	pthread_mutex_unlock(&lock);
	CHECK_INT(child > 0, true);
	CHECK_INT(waitpid(child, &result, 0), child);
	CHECK_INT(result, 0);
	acquire_from("default", "serve");
}

/* Goal: a process that forked before its first call, as daemons do, may call.
 */
static void a_process_that_forked_before_its_first_call_may_call(void)
{
	pid_t child;
	int result;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		fixture_start();
		broker_start("serve");
		acquire_from("default", "serve");
		_exit(0);
	}
	CHECK_INT(waitpid(child, &result, 0), child);
	CHECK_INT(result, 0);
}

static const struct scenario scenarios[] = {
	SCENARIO(each_name_has_one_hold_whichever_thread_comes_first),
	SCENARIO(threads_are_answered_while_the_broker_is_killed),
	SCENARIO(in_a_forked_child_the_call_fails),
	SCENARIO_ALONE(a_process_that_forked_before_its_first_call_may_call),
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
