// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/unit/sdk-fixture.c tests/unit/sdk-broker.c tests/unit/sdk-scenario.c
// link: tests/linux/common/unix.c tests/linux/common/spawn.c

/*
 * Holds: what a program that lives long does with its networks, against a broker
 * that does what can go wrong. The SDK is included, as in sdk-test.c.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <dirent.h>
#include <err.h>
#include <sched.h>
#include <sys/wait.h>
#include <standin.h>

#include "sdk-fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVENTS_MAX 16

/* What a hold's handler was told, in order. */
struct told {
	vmnet_broker_hold_state_t states[EVENTS_MAX];
	atomic_int count;
	atomic_int done;
	dispatch_semaphore_t more;  /* signalled for each */
	dispatch_semaphore_t ended; /* signalled by done */
};

static void told_init(struct told *told)
{
	memset(told, 0, sizeof(*told));
	told->more = dispatch_semaphore_create(0);
	told->ended = dispatch_semaphore_create(0);
}

static void told_destroy(struct told *told)
{
	dispatch_release(told->more);
	dispatch_release(told->ended);
}

static void tell(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	struct told *told = context;
	int count = atomic_load(&told->count);

	(void)hold;
	CHECK_INT(count < EVENTS_MAX, true);
	CHECK_INT(atomic_load(&told->done), 0);
	told->states[count] = state;
	atomic_store(&told->count, count + 1);
	dispatch_semaphore_signal(told->more);
}

static void tell_done(void *context)
{
	struct told *told = context;

	atomic_fetch_add(&told->done, 1);
	dispatch_semaphore_signal(told->ended);
}

/* Waits for the next event, which must be the last and this one. */
static void told_expect(struct told *told, vmnet_broker_hold_state_t state)
{
	int count;

	dispatch_semaphore_wait(told->more, DISPATCH_TIME_FOREVER);
	count = atomic_load(&told->count);
	CHECK_INT(count > 0, true);
	CHECK_INT(told->states[count - 1], state);
}

static void told_expect_done(struct told *told)
{
	dispatch_semaphore_wait(told->ended, DISPATCH_TIME_FOREVER);
	CHECK_INT(atomic_load(&told->done), 1);
}

static dispatch_queue_t queue_create(void)
{
	return dispatch_queue_create("test", DISPATCH_QUEUE_SERIAL);
}

static uint64_t generation(vmnet_broker_hold_t hold)
{
	xpc_object_t info = vmnet_broker_hold_copy_info(hold);
	uint64_t result;

	CHECK_INT(info != NULL, true);
	result = xpc_dictionary_get_uint64(info, VMNET_BROKER_INFO_GENERATION);
	xpc_release(info);
	return result;
}

static void expect_network(vmnet_broker_hold_t hold, const char *name)
{
	xpc_object_t network = vmnet_broker_hold_copy_network(hold);

	CHECK_INT(network != NULL, true);
	CHECK_STRING(xpc_dictionary_get_string(network, "name"), name);
	xpc_release(network);
}

static void expect_no_network(vmnet_broker_hold_t hold)
{
	CHECK_INT(vmnet_broker_hold_copy_network(hold) == NULL, true);
	CHECK_INT(vmnet_broker_hold_copy_info(hold) == NULL, true);
}

/* Waits until it pauses before it asks again; returns for how long. */
static int64_t pause_wait(vmnet_broker_hold_t hold)
{
	int64_t delay = -1;

	while (delay == -1) {
		sched_yield();
		pthread_mutex_lock(&lock);
		if (!is_settled(hold) && hold->connection == NULL) {
			delay = hold->delay;
		}
		pthread_mutex_unlock(&lock);
	}
	return delay;
}

/* Goal: a network is granted, can be read, and is given back by the release. */
static void lifecycle(void)
{
	dispatch_queue_t queue = queue_create();
	struct told told;
	vmnet_broker_hold_t hold;
	char reason[64] = "x";

	broker_start("watch");
	told_init(&told);
	hold = vmnet_broker_hold_create("default", queue, tell, &told);
	CHECK_INT(hold != NULL, true);
	told_expect(&told, VMNET_BROKER_HOLD_GRANTED);
	CHECK_INT(vmnet_broker_hold_wait(hold, 0), VMNET_BROKER_SUCCESS);
	expect_network(hold, "default");
	CHECK_INT(generation(hold) != 0, true);
	CHECK_INT(vmnet_broker_hold_get_reason(hold, reason, sizeof(reason)),
	    VMNET_BROKER_SUCCESS);
	CHECK_STRING(reason, "success");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_expect_nothing();
	vmnet_broker_hold_release(hold, tell_done);
	told_expect_done(&told);
	broker_expect("gone");
	CHECK_INT(atomic_load(&told.count), 1);
	told_destroy(&told);
	dispatch_release(queue);
}

/* Goal: two holds on one name are two, each given back by itself. */
static void two_of_one_name(void)
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

/* Goal: a refusal is the last state, is told once, and says why. */
static void refusals(void)
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
		struct told told;
		char reason[64];
		char cut[4];
		vmnet_broker_hold_t hold;

		told_init(&told);
		hold =
		    vmnet_broker_hold_create(rows[i].name, queue, tell, &told);
		told_expect(&told, VMNET_BROKER_HOLD_FAILED);
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
		vmnet_broker_hold_release(hold, tell_done);
		told_expect_done(&told);
		CHECK_INT(atomic_load(&told.count), 1);
		told_destroy(&told);
	}
	alive_at_most(alive);
	dispatch_release(queue);
}

/* Goal: a killed broker is told, then the network of the next one, which is
 * another one; again and again, and the pauses begin anew each time. */
static void heals(void)
{
	dispatch_queue_t queue = queue_create();
	struct told told;
	vmnet_broker_hold_t hold;
	uint64_t last = 0;
	int i;

	standin_clock_advance(0);
	broker_start("serve");
	told_init(&told);
	hold = vmnet_broker_hold_create("default", queue, tell, &told);
	told_expect(&told, VMNET_BROKER_HOLD_GRANTED);
	for (i = 0; i < 5; i++) {
		CHECK_INT(generation(hold) != last, true);
		last = generation(hold);
		broker_kill();
		told_expect(&told, VMNET_BROKER_HOLD_LOST);
		expect_no_network(hold);
		CHECK_INT(
		    vmnet_broker_hold_wait(hold, 0), VMNET_BROKER_XPC_FAILURE);
		CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0),
		    VMNET_BROKER_XPC_FAILURE);
		broker_start("serve");
		CHECK_INT(pause_wait(hold), DELAY_MIN);
		standin_clock_advance((unsigned long long)DELAY_MIN);
		told_expect(&told, VMNET_BROKER_HOLD_GRANTED);
		expect_network(hold, "default");
	}
	vmnet_broker_hold_release(hold, tell_done);
	told_expect_done(&told);
	told_destroy(&told);
	dispatch_release(queue);
}

/* Goal: who had the network is more patient: what a broker cannot do now, it may
 * do later. Only what asking cannot change ends the hold. */
static void lost_for_good(void)
{
	vmnet_broker_hold_t hold;

	standin_clock_advance(0);
	broker_start("serve");
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	broker_kill();
	CHECK_INT(pause_wait(hold), DELAY_MIN);
	pthread_mutex_lock(&lock);
	fail(hold, VMNET_BROKER_CREATE_FAILURE, "vmnet: no", false);
	CHECK_INT(hold->state, VMNET_BROKER_HOLD_LOST);
	fail(hold, VMNET_BROKER_INVALID_REPLY, NULL, false);
	CHECK_INT(hold->state, VMNET_BROKER_HOLD_LOST);
	fail(hold, VMNET_BROKER_NOT_FOUND, NULL, false);
	CHECK_INT(hold->state, VMNET_BROKER_HOLD_FAILED);
	pthread_mutex_unlock(&lock);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_NOT_FOUND);
	vmnet_broker_hold_release(hold, NULL);
}

/* Goal: no daemon and a busy one are waited for, and the reason tells which. */
static void patient(void)
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

/* Goal: one that is never answered keeps nobody else waiting. */
static void independent(void)
{
	vmnet_broker_hold_t silent;
	vmnet_broker_hold_t hold;

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

static void release_when_told(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t state, void *context)
{
	tell(hold, state, context);
	vmnet_broker_hold_release(hold, tell_done);
}

/* Goal: a hold can be released in every state, and leaves nothing. */
static void release_anywhere(void)
{
	dispatch_queue_t queue = queue_create();
	vmnet_broker_hold_t hold;
	struct told told;
	int i;

	standin_clock_advance(0);
	broker_start("serve");
	vmnet_broker_hold_release(NULL, tell_done);
	hold = vmnet_broker_hold_create("default", NULL, NULL, NULL);
	vmnet_broker_hold_release(hold, NULL);
	told_init(&told);
	alive_at_most(4); /* the SDK's queue and ours, and two semaphores */
	for (i = 0; i < 4; i++) {
		static const char *const names[] = { "silent", "default",
			"error=5", "error=8" };

		told_destroy(&told);
		told_init(&told);
		hold = vmnet_broker_hold_create(names[i], queue, tell, &told);
		if (i == 3) {
			CHECK_INT(pause_wait(hold), DELAY_MIN);
		} else if (i > 0) {
			vmnet_broker_hold_wait(hold, 60);
			dispatch_semaphore_wait(
			    told.more, DISPATCH_TIME_FOREVER);
		}
		vmnet_broker_hold_release(hold, tell_done);
		told_expect_done(&told);
	}
	/* In its handler, and before anything was asked. */
	told_destroy(&told);
	told_init(&told);
	vmnet_broker_hold_create("default", queue, release_when_told, &told);
	told_expect(&told, VMNET_BROKER_HOLD_GRANTED);
	told_expect_done(&told);
	vmnet_broker_hold_release(
	    vmnet_broker_hold_create("default", queue, NULL, NULL), NULL);
	/* The timer of the one that paused has a reference until it fires. */
	standin_clock_advance((unsigned long long)DELAY_MIN);
	broker_kill();
	broker_start("serve");
	alive_at_most(4);
	told_destroy(&told);
	dispatch_release(queue);
}

/* Goal: events come one at a time and in order, also on a queue that runs many
 * things at once. */
static void concurrent_queue(void)
{
	struct told told;
	vmnet_broker_hold_t hold;

	told_init(&told);
	broker_start("serve");
	hold = vmnet_broker_hold_create("default",
	    dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), tell, &told);
	CHECK_INT(vmnet_broker_hold_wait(hold, 60), VMNET_BROKER_SUCCESS);
	broker_kill();
	broker_start("serve");
	while (atomic_load(&told.count) < 3) {
		sched_yield();
	}
	CHECK_INT(told.states[0], VMNET_BROKER_HOLD_GRANTED);
	CHECK_INT(told.states[1], VMNET_BROKER_HOLD_LOST);
	CHECK_INT(told.states[2], VMNET_BROKER_HOLD_GRANTED);
	vmnet_broker_hold_release(hold, tell_done);
	told_expect_done(&told);
	told_destroy(&told);
}

static void *crowd_main(void *argument)
{
	static const char *const names[] = { "a", "b", "error=5", "reason=c" };
	size_t first = (size_t)(uintptr_t)argument;
	size_t i;

	for (i = 0; i < 32; i++) {
		const char *name = names[(first + i) % COUNT(names)];
		struct told told;
		vmnet_broker_hold_t hold;

		told_init(&told);
		hold = vmnet_broker_hold_create(name, NULL, tell, &told);
		if (i % 3 != 0) {
			CHECK_INT(vmnet_broker_hold_wait(hold, 60) ==
				VMNET_BROKER_SUCCESS,
			    name[1] == '\0');
			CHECK_INT(vmnet_broker_hold_get_reason(hold, NULL, 0) ==
				VMNET_BROKER_SUCCESS,
			    name[1] == '\0');
		}
		vmnet_broker_hold_release(hold, tell_done);
		told_expect_done(&told);
		told_destroy(&told);
	}
	return NULL;
}

static void crowd(void)
{
	pthread_t threads[16];
	uintptr_t i;

	broker_start("serve");
	for (i = 0; i < COUNT(threads); i++) {
		CHECK_INT(
		    pthread_create(&threads[i], NULL, crowd_main, (void *)i),
		    0);
	}
	for (i = 0; i < COUNT(threads); i++) {
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	}
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

/* Goal: taking and giving back costs nothing in the long run. */
static void comes_and_goes(void)
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
		vmnet_broker_hold_release(hold, finish);
	}
}

/* Goal: a program that lives on its main queue holds, loses, regains and gives
 * back a network, and no thread of it ever waits. */
static void never_blocks(void)
{
	static atomic_int lost;

	broker_start("serve");
	vmnet_broker_hold_create(
	    "default", dispatch_get_main_queue(), program, &lost);
	dispatch_main();
}

/* Goal: in a forked child nothing works, nothing hangs, and nothing is taken
 * from the parent. */
static void forks(void)
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
		    vmnet_broker_hold_create("default", NULL, tell, NULL);

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

/* Goal: NULL is an answer. */
static void null_arguments(void)
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
static void old_broker(void)
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
static void no_memory(void)
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
	{ "lifecycle", lifecycle, false },
	{ "two_of_one_name", two_of_one_name, false },
	{ "refusals", refusals, false },
	{ "heals", heals, false },
	{ "lost_for_good", lost_for_good, false },
	{ "patient", patient, false },
	{ "independent", independent, false },
	{ "release_anywhere", release_anywhere, false },
	{ "concurrent_queue", concurrent_queue, false },
	{ "crowd", crowd, false },
	{ "comes_and_goes", comes_and_goes, false },
	{ "never_blocks", never_blocks, false },
	{ "forks", forks, false },
	{ "null_arguments", null_arguments, true },
	{ "old_broker", old_broker, false },
	{ "no_memory", no_memory, false },
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
