// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/unit/sdk-bench.c tests/unit/sdk-broker.c
// link: tests/linux/common/unix.c tests/linux/common/spawn.c

/*
 * The SDK against a broker that does what can go wrong. Each scenario is a
 * process of its own with launchd's sockets in a folder of its own, see
 * sdk-bench.h, and must print nothing.
 *
 * The SDK is included, not linked, for its queues: when dispatch_sync() on one
 * returns, what was queued there before is over, and nothing needs to sleep.
 * That protocol.h comes first lets the compiler compare the two.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <standin.h>

#include "../linux/common/spawn.h"
#include "sdk-bench.h"

#define SECOND NSEC_PER_SEC
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Acquires, checks the status, and that there is a network only with it. */
static void acquire_expect(const char *name, vmnet_broker_return_t want)
{
	vmnet_broker_return_t status = VMNET_BROKER_RETURN_MAX;
	xpc_object_t network = vmnet_broker_acquire_network(name, &status);

	CHECK_INT(status, want);
	CHECK_INT(network != NULL, want == VMNET_BROKER_SUCCESS);
	if (network != NULL) {
		xpc_release(network);
	}
}

/* The same, and that this broker answered it. */
static void acquire_from(const char *name, const char *mode)
{
	xpc_object_t network = vmnet_broker_acquire_network(name, NULL);

	CHECK_INT(network != NULL, true);
	CHECK_STRING(xpc_dictionary_get_string(network, "name"), name);
	CHECK_STRING(xpc_dictionary_get_string(network, "mode"), mode);
	xpc_release(network);
}

/* A call in a thread of its own. */
struct call {
	const char *name;
	vmnet_broker_return_t status;
	pthread_t thread;
	atomic_bool done;
};

static void *call_main(void *argument)
{
	struct call *call = argument;
	xpc_object_t network =
	    vmnet_broker_acquire_network(call->name, &call->status);

	if (network != NULL) {
		xpc_release(network);
	}
	atomic_store(&call->done, true);
	return NULL;
}

static void call_start(struct call *call, const char *name)
{
	call->name = name;
	call->status = VMNET_BROKER_RETURN_MAX;
	atomic_store(&call->done, false);
	CHECK_INT(pthread_create(&call->thread, NULL, call_main, call), 0);
}

static void call_expect(struct call *call, vmnet_broker_return_t status)
{
	CHECK_INT(pthread_join(call->thread, NULL), 0);
	CHECK_INT(call->status, status);
}

/* All events and replies that have arrived have been handled. */
static void events_settle(void)
{
	dispatch_sync(broker.events,
	    ^{
	    });
}

/* Waits for the end of a round of restore(): its timer is set then. Returns its
 * delay in seconds, 0 if nothing is being restored. */
static unsigned int restore_settle(void)
{
	unsigned int *delay = calloc(1, sizeof(*delay));
	unsigned int result;

	CHECK_INT(delay != NULL, true);
	dispatch_sync(broker.restorer, ^{
		*delay = broker.restore_delay;
	});
	result = *delay;
	free(delay);
	return result;
}

/* Advances the clock until restore() finds nothing to do. */
static void restore_finish(void)
{
	unsigned int delay = restore_settle();

	CHECK_INT(delay != 0, true);
	while (delay != 0) {
		standin_clock_advance(delay * SECOND);
		delay = restore_settle();
	}
}

/* Goal: a NULL is an answer, not a crash, and asks nobody. */
static void null_arguments(void)
{
	const char *nothing = NULL;

	acquire_expect(nothing, VMNET_BROKER_INVALID_REQUEST);
	CHECK_INT(vmnet_broker_acquire_network(nothing, NULL) == NULL, true);
	broker_expect_nothing();
	broker_start("serve");
	acquire_from("default", "serve");
	broker_expect("peer");
	broker_expect("acquire default");
}

/* Goal: every status has a text of its own, and so have numbers that are none
 * of ours. */
static void texts(void)
{
	static const int others[] = { 10, 1001, INT32_MAX, -1, INT32_MIN };
	int i, j;

	for (i = 0; i <= VMNET_BROKER_CONFIGURATION; i++) {
		for (j = i + 1; j <= VMNET_BROKER_CONFIGURATION + 1; j++) {
			CHECK_INT(strcmp(vmnet_broker_strerror(i),
				      vmnet_broker_strerror(j)) == 0,
			    false);
		}
	}
	for (i = 0; i < (int)COUNT(others); i++) {
		CHECK_STRING(
		    vmnet_broker_strerror((vmnet_broker_return_t)others[i]),
		    "unknown error");
	}
}

/* Goal: only a reply that follows the protocol to the letter is believed. */
static void replies(void)
{
	static const struct {
		const char *name;
		int status;
	} rows[] = {
		{ "network:null", VMNET_BROKER_INVALID_REPLY },
		{ "network:bool", VMNET_BROKER_INVALID_REPLY },
		{ "network:int64", VMNET_BROKER_INVALID_REPLY },
		{ "network:uint64", VMNET_BROKER_INVALID_REPLY },
		{ "network:double", VMNET_BROKER_INVALID_REPLY },
		{ "network:date", VMNET_BROKER_INVALID_REPLY },
		{ "network:data", VMNET_BROKER_INVALID_REPLY },
		{ "network:string", VMNET_BROKER_INVALID_REPLY },
		{ "network:uuid", VMNET_BROKER_INVALID_REPLY },
		{ "network:array", VMNET_BROKER_INVALID_REPLY },
		{ "network:fd", VMNET_BROKER_INVALID_REPLY },
		{ "network:shmem", VMNET_BROKER_INVALID_REPLY },
		{ "network:endpoint", VMNET_BROKER_INVALID_REPLY },
		{ "network:dictionary", VMNET_BROKER_SUCCESS },
		{ "error:null", VMNET_BROKER_INVALID_REPLY },
		{ "error:bool", VMNET_BROKER_INVALID_REPLY },
		{ "error:uint64", VMNET_BROKER_INVALID_REPLY },
		{ "error:double", VMNET_BROKER_INVALID_REPLY },
		{ "error:date", VMNET_BROKER_INVALID_REPLY },
		{ "error:data", VMNET_BROKER_INVALID_REPLY },
		{ "error:string", VMNET_BROKER_INVALID_REPLY },
		{ "error:uuid", VMNET_BROKER_INVALID_REPLY },
		{ "error:array", VMNET_BROKER_INVALID_REPLY },
		{ "error:fd", VMNET_BROKER_INVALID_REPLY },
		{ "error:shmem", VMNET_BROKER_INVALID_REPLY },
		{ "error:endpoint", VMNET_BROKER_INVALID_REPLY },
		{ "error:dictionary", VMNET_BROKER_INVALID_REPLY },
		{ "error:int64", VMNET_BROKER_NOT_FOUND },
		{ "error=-9223372036854775808", VMNET_BROKER_INVALID_REPLY },
		{ "error=-1", VMNET_BROKER_INVALID_REPLY },
		{ "error=0", VMNET_BROKER_INVALID_REPLY },
		{ "error=1", VMNET_BROKER_INVALID_REPLY },
		{ "error=2", VMNET_BROKER_INVALID_REPLY },
		{ "error=3", VMNET_BROKER_NOT_ALLOWED },
		{ "error=4", VMNET_BROKER_INVALID_REQUEST },
		{ "error=5", VMNET_BROKER_NOT_FOUND },
		{ "error=6", VMNET_BROKER_CREATE_FAILURE },
		{ "error=7", VMNET_BROKER_INTERNAL_ERROR },
		{ "error=8", 8 },
		{ "error=2147483647", 2147483647 },
		{ "error=2147483648", VMNET_BROKER_INVALID_REPLY },
		{ "error=4294967299", VMNET_BROKER_INVALID_REPLY },
		{ "error=9223372036854775807", VMNET_BROKER_INVALID_REPLY },
		{ "none", VMNET_BROKER_INVALID_REPLY },
		{ "both", VMNET_BROKER_INVALID_REPLY },
		{ "push", VMNET_BROKER_SUCCESS },
	};
	long alive;
	size_t i;

	broker_start("serve");
	acquire_from("default", "serve");
	events_settle();
	alive = standin_objects_alive(NULL);
	for (i = 0; i < COUNT(rows); i++) {
		vmnet_broker_return_t status;
		xpc_object_t network =
		    vmnet_broker_acquire_network(rows[i].name, &status);

		if ((int)status != rows[i].status) {
			errx(1, "%s: %d, not %d", rows[i].name, (int)status,
			    rows[i].status);
		}
		CHECK_INT(network != NULL, status == VMNET_BROKER_SUCCESS);
		CHECK_INT(strcmp(vmnet_broker_last_reason(),
			      status == VMNET_BROKER_SUCCESS
				  ? ""
				  : vmnet_broker_strerror(status)),
		    0);
		if (network != NULL) {
			xpc_release(network);
		}
	}
	/* The last one sends a message, too, which its reply overtakes. */
	while (standin_objects_alive(NULL) != alive) {
		sched_yield();
	}
}

static void *reason_of_another(void *unused)
{
	(void)unused;
	CHECK_INT(vmnet_broker_last_reason()[0], '\0');
	acquire_expect("reason=another", VMNET_BROKER_CREATE_FAILURE);
	CHECK_STRING(vmnet_broker_last_reason(), "another");
	return NULL;
}

/* Goal: the broker's reason reaches who asked: each thread its own, cut if it is
 * longer than anybody reads, and gone with the next success. */
static void reasons(void)
{
	char name[2000] = "reason=";
	pthread_t thread;

	broker_start("serve");
	CHECK_INT(vmnet_broker_last_reason()[0], '\0');
	acquire_expect(
	    "reason=networks.json:3:13: wrong", VMNET_BROKER_CREATE_FAILURE);
	CHECK_INT(pthread_create(&thread, NULL, reason_of_another, NULL), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	CHECK_STRING(vmnet_broker_last_reason(), "networks.json:3:13: wrong");
	memset(name + strlen(name), 'x', 1900);
	acquire_expect(name, VMNET_BROKER_CREATE_FAILURE);
	CHECK_INT((long)strlen(vmnet_broker_last_reason()), 511);
	acquire_from("default", "serve");
	CHECK_INT(vmnet_broker_last_reason()[0], '\0');
	CHECK_INT(vmnet_broker_acquire_network("error=5", NULL) == NULL, true);
	CHECK_STRING(vmnet_broker_last_reason(), "no such network");
}

/* Goal: a reply that is no dictionary is refused, whatever it is. Today XPC
 * delivers none, so it is shown to the function that reads them. */
static void reply_types(void)
{
	xpc_object_t objects[] = { xpc_null_create(), xpc_bool_create(true),
		xpc_int64_create(5), xpc_uint64_create(5), xpc_double_create(5),
		xpc_date_create(5), xpc_data_create("5", 1),
		xpc_string_create("network"), xpc_array_create(NULL, 0),
		xpc_fd_create(STDERR_FILENO) };
	xpc_object_t network = NULL;
	size_t i;

	for (i = 0; i < COUNT(objects); i++) {
		CHECK_INT(reply_read(objects[i], &network),
		    VMNET_BROKER_INVALID_REPLY);
		xpc_release(objects[i]);
	}
	CHECK_INT(
	    reply_read((xpc_object_t)XPC_ERROR_CONNECTION_INVALID, &network),
	    VMNET_BROKER_INVALID_REPLY);
	CHECK_INT(network == NULL, true);
}

/* Goal: which names are good is for the broker to say: it gets any string. */
static void names(void)
{
	size_t size = 1 << 20;
	char *large = malloc(size);

	CHECK_INT(large != NULL, true);
	memset(large, 'x', size - 1);
	large[size - 1] = '\0';
	broker_start("serve");
	broker_expect_nothing();
	acquire_from("", "serve");
	broker_expect("peer");
	broker_expect("acquire ");
	acquire_from("../%n\x1b[2J", "serve");
	broker_expect("acquire ../%n\x1b[2J");
	acquire_expect("\xff\xfe\xc0\x80", VMNET_BROKER_SUCCESS);
	broker_expect("acquire \xff\xfe\xc0\x80");
	acquire_from(large, "serve");
	free(large);
}

/* Goal: no daemon is a failure at once, and nothing has to be restarted when it
 * is installed at last, or again. */
static void no_daemon(void)
{
	service_close();
	acquire_expect("default", VMNET_BROKER_XPC_FAILURE);
	acquire_expect("default", VMNET_BROKER_XPC_FAILURE);
	service_open();
	broker_start("serve");
	acquire_from("default", "serve");

	service_close();
	broker_kill();
	acquire_expect("default", VMNET_BROKER_XPC_FAILURE);
	service_open();
	broker_start("serve");
	acquire_from("default", "serve");
}

/* Goal: a broker that dies over a request is asked again, once. */
static void dies_once(void)
{
	struct call call;

	broker_start("mortal");
	call_start(&call, "default");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_wait();
	broker_start("serve");
	call_expect(&call, VMNET_BROKER_SUCCESS);
	broker_expect("peer");
	broker_expect("acquire default");
}

static void dies_twice(void)
{
	struct call call;

	broker_start("mortal");
	call_start(&call, "default");
	broker_wait();
	broker_start("mortal");
	call_expect(&call, VMNET_BROKER_XPC_FAILURE);
	broker_wait();
	broker_expect("peer");
	broker_expect("acquire default");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_expect_nothing();
}

/* Goal: an answer after 59 seconds is in time. */
static void answers_slowly(void)
{
	struct call call;

	standin_clock_advance(0);
	broker_start("serve");
	call_start(&call, "silent");
	broker_expect("peer");
	broker_expect("acquire silent");
	standin_clock_advance(59 * SECOND);
	acquire_from("speak", "serve");
	call_expect(&call, VMNET_BROKER_SUCCESS);
}

/* Goal: a broker that launchd cannot start costs 60 seconds. */
static void never_starts(void)
{
	struct call call;

	standin_clock_advance(0);
	call_start(&call, "default");
	service_wait();
	standin_clock_advance(60 * SECOND);
	call_expect(&call, VMNET_BROKER_XPC_FAILURE);
}

/* Goal: so does one that does not answer; its late answer hurts nobody. */
static void never_answers(void)
{
	struct call call;
	long alive;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("default", "serve");
	events_settle();
	alive = standin_objects_alive(NULL);
	broker_expect("peer");
	broker_expect("acquire default");

	call_start(&call, "silent");
	broker_expect("acquire silent");
	standin_clock_advance(60 * SECOND);
	call_expect(&call, VMNET_BROKER_XPC_FAILURE);

	acquire_from("speak", "serve");
	events_settle();
	CHECK_INT(standin_objects_alive(NULL), alive);
}

/* Goal: no more requests are under way than the broker allows; what waits for
 * others is answered after them, or has its time-out. */
static void pipelines(void)
{
	struct call calls[VMNET_BROKER_MAX_REQUESTS_PER_PEER + 1];
	size_t i;

	standin_clock_advance(0);
	broker_start("serve");
	for (i = 0; i < COUNT(calls) - 1; i++) {
		call_start(&calls[i], "silent");
	}
	broker_expect("peer");
	for (i = 0; i < COUNT(calls) - 1; i++) {
		broker_expect("acquire silent");
	}
	call_start(&calls[i], "default");
	while (!atomic_load(&calls[i].done)) {
		standin_clock_advance(60 * SECOND);
		sched_yield();
	}
	for (i = 0; i < COUNT(calls); i++) {
		call_expect(&calls[i], VMNET_BROKER_XPC_FAILURE);
	}
	broker_expect_nothing();

	/* Its death is an answer too. */
	broker_kill();
	broker_start("serve");
	acquire_from("default", "serve");
}

/* Goal: what is held comes back when the broker does, with nobody asking. */
static void restored(void)
{
	char lines[3][128];
	int i;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("a", "serve");
	acquire_from("b", "serve");
	acquire_from("a", "serve");
	acquire_expect("error=5", VMNET_BROKER_NOT_FOUND);
	broker_expect("peer");
	broker_expect("acquire a");
	broker_expect("acquire b");
	broker_expect("acquire a");
	broker_expect("acquire error=5");

	for (i = 0; i < 3; i++) {
		broker_kill();
		broker_start("serve");
		broker_read(lines[0]);
		broker_read(lines[1]);
		broker_read(lines[2]);
		CHECK_STRING(lines[0], "peer");
		CHECK_STRING(lines[1], "acquire b");
		CHECK_STRING(lines[2], "acquire a");
		restore_finish();
	}

	/* Nothing is left to do. */
	standin_clock_advance(3600 * SECOND);
	acquire_from("b", "serve");
	broker_expect("acquire b");
	broker_expect_nothing();
}

/* Goal: the same when launchd forgot the service meanwhile, as in an upgrade.
 * The connection is a new one then. */
static void upgraded(void)
{
	unsigned int delay;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("default", "serve");
	broker_expect("peer");
	broker_expect("acquire default");
	service_close();
	broker_kill();
	acquire_expect("default", VMNET_BROKER_XPC_FAILURE);
	delay = restore_settle();
	service_open();
	broker_start("serve");
	standin_clock_advance(delay * SECOND);
	broker_expect("peer");
	broker_expect("acquire default");
	restore_finish();
}

/* Goal: a broker that refuses us by hanging up is asked at once, then after 1,
 * 2, 4 ... 60 seconds, and then has forgotten nothing when it relents. */
static void refused(void)
{
	static const unsigned int delays[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	size_t i;

	standin_clock_advance(0);
	broker_start("serve");
	acquire_from("default", "serve");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_kill();
	broker_start("refuse");
	for (i = 0; i < COUNT(delays); i++) {
		broker_expect("peer");
		broker_expect("acquire default");
		CHECK_INT(restore_settle(), delays[i]);
		standin_clock_advance(delays[i] * SECOND - 1);
		CHECK_INT(restore_settle(), delays[i]);
		broker_expect_nothing();
		if (i == COUNT(delays) - 1) {
			broker_kill();
			broker_start("serve");
		}
		standin_clock_advance(1);
	}
	broker_expect("peer");
	broker_expect("acquire default");
	restore_finish();
}

/* Goal: a network that was granted by a broker that is already known to be dead
 * is asked for again. */
static void granted_by_the_dead(void)
{
	struct request *request = request_create("default");

	CHECK_INT(request != NULL, true);
	standin_clock_advance(0);
	broker_start("serve");
	acquire_expect("error=5", VMNET_BROKER_NOT_FOUND);
	broker_expect("peer");
	broker_expect("acquire error=5");
	connection_lost(broker.connection, false);
	hold_keep(request);
	request_release(request);
	broker_expect("acquire default");
	restore_finish();
}

/* Goal: one connection for all threads, whoever comes first, and each gets what
 * it asked for. */
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

static void crowd(void)
{
	pthread_t threads[16];
	char line[128];
	struct hold *hold;
	int held = 0;
	uintptr_t i;

	broker_start("serve");
	pthread_barrier_init(&gate, NULL, COUNT(threads));
	for (i = 0; i < COUNT(threads); i++) {
		CHECK_INT(
		    pthread_create(&threads[i], NULL, crowd_main, (void *)i),
		    0);
	}
	broker_expect("peer");
	for (i = 0; i < COUNT(threads) * 64; i++) {
		broker_read(line);
		CHECK_INT(strncmp(line, "acquire n", 9), 0);
	}
	for (i = 0; i < COUNT(threads); i++) {
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	}
	broker_expect_nothing();
	for (hold = broker.holds; hold != NULL; hold = hold->next) {
		held++;
	}
	CHECK_INT(held, 8);
}

/* Waits until the SDK knows that a broker died. */
static uint64_t era_wait(uint64_t last)
{
	uint64_t era;

	do {
		sched_yield();
		pthread_mutex_lock(&broker.lock);
		era = broker.era;
		pthread_mutex_unlock(&broker.lock);
	} while (era == last);
	return era;
}

/* Goal: many threads and a broker that is killed again and again: whoever asks
 * is answered, and all is held in the end. */
static void crowd_in_chaos(void)
{
	struct call calls[16];
	char line[128];
	uint64_t era = 0;
	int round;
	size_t i;

	standin_clock_advance(0);
	broker_start("serve");
	for (round = 0; round < 10; round++) {
		/* The next line is this broker's: it has a client to lose. */
		broker_forget();
		for (i = 0; i < COUNT(calls); i++) {
			call_start(&calls[i], i % 2 == 0 ? "even" : "odd");
		}
		broker_read(line);
		broker_kill();
		broker_start("serve");
		for (i = 0; i < COUNT(calls); i++) {
			call_expect(&calls[i], VMNET_BROKER_SUCCESS);
		}
		era = era_wait(era);
	}
	restore_finish();
	pthread_mutex_lock(&broker.lock);
	CHECK_INT(hold_lost(broker.holds) == NULL, true);
	pthread_mutex_unlock(&broker.lock);
}

/* Goal: in a forked child the call fails, also when another thread had the lock
 * at that moment; the parent goes on. */
static void forks(void)
{
	vmnet_broker_return_t status;
	pid_t child;
	int result;

	broker_start("serve");
	acquire_from("default", "serve");
	pthread_mutex_lock(&broker.lock);
	child = fork();
	if (child == 0) {
		alarm(60);
		vmnet_broker_acquire_network("default", &status);
		_exit(status == VMNET_BROKER_XPC_FAILURE ? 0 : 1);
	}
	pthread_mutex_unlock(&broker.lock);
	CHECK_INT(child > 0, true);
	CHECK_INT(waitpid(child, &result, 0), child);
	CHECK_INT(result, 0);
	acquire_from("default", "serve");
}

/* Goal: a process that forked before its first call, as daemons do, may call.
 */
static void forks_first(void)
{
	pid_t child;
	int result;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		bench_start();
		broker_start("serve");
		acquire_from("default", "serve");
		_exit(0);
	}
	CHECK_INT(waitpid(child, &result, 0), child);
	CHECK_INT(result, 0);
}

/* Goal: an allocation that fails is a status, and nothing leaks. */
static void no_memory(void)
{
	long alive;
	int n;

	broker_start("serve");
	acquire_from("default", "serve");
	events_settle();
	alive = standin_objects_alive(NULL);
	for (n = 1;; n++) {
		vmnet_broker_return_t status;
		xpc_object_t network;
		char plan[32];

		snprintf(plan, sizeof(plan), "malloc:%d", n);
		standin_fail(plan);
		network = vmnet_broker_acquire_network("another", &status);
		if (standin_fail_count("malloc") < (unsigned long)n) {
			standin_fail(NULL);
			CHECK_INT(status, VMNET_BROKER_SUCCESS);
			xpc_release(network);
			break;
		}
		standin_fail(NULL);
		CHECK_INT(status, VMNET_BROKER_INTERNAL_ERROR);
		CHECK_INT(network == NULL, true);
		events_settle();
		CHECK_INT(standin_objects_alive(NULL), alive);
	}
	/* It has something to fail. */
	CHECK_INT(n > 1, true);
	events_settle();
	CHECK_INT(standin_objects_alive(NULL), alive);
}

/* Goal: a process may end while it is getting its networks back. */
static void exits_while_lost(void)
{
	broker_start("serve");
	acquire_from("default", "serve");
	broker_expect("peer");
	broker_expect("acquire default");
	broker_kill();
	broker_start("refuse");
	broker_expect("peer");
	exit(0);
}

static const struct scenario {
	const char *name;
	void (*run)(void);
	bool no_bench;
} scenarios[] = {
	{ "null_arguments", null_arguments, false },
	{ "texts", texts, true },
	{ "replies", replies, false },
	{ "reply_types", reply_types, true },
	{ "reasons", reasons, false },
	{ "names", names, false },
	{ "no_daemon", no_daemon, false },
	{ "dies_once", dies_once, false },
	{ "dies_twice", dies_twice, false },
	{ "answers_slowly", answers_slowly, false },
	{ "never_starts", never_starts, false },
	{ "never_answers", never_answers, false },
	{ "pipelines", pipelines, false },
	{ "restored", restored, false },
	{ "upgraded", upgraded, false },
	{ "refused", refused, false },
	{ "granted_by_the_dead", granted_by_the_dead, false },
	{ "crowd", crowd, false },
	{ "crowd_in_chaos", crowd_in_chaos, false },
	{ "forks", forks, false },
	{ "forks_first", forks_first, true },
	{ "no_memory", no_memory, false },
	{ "exits_while_lost", exits_while_lost, false },
};

static int scenario_main(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(scenarios); i++) {
		if (strcmp(scenarios[i].name, name) == 0) {
			if (!scenarios[i].no_bench) {
				bench_start();
			}
			scenarios[i].run();
			return 0;
		}
	}
	errx(2, "no such scenario: %s", name);
}

/* Copies what the scenario printed; returns how much that was. */
static long output_show(int fd)
{
	char text[4096];
	ssize_t size;
	long total = 0;

	lseek(fd, 0, SEEK_SET);
	for (;;) {
		size = read(fd, text, sizeof(text));
		if (size <= 0) {
			return total;
		}
		total += (long)size;
		fwrite(text, 1, (size_t)size, stderr);
	}
}

static void scenario_run(void **state)
{
	const struct scenario *scenario = *state;
	const char *argv[] = { "/proc/self/exe", "scenario", scenario->name,
		NULL };
	const char *clean[] = { "rm", "-rf", NULL, NULL };
	char directory[] = "/tmp/sdk-test.XXXXXX";
	char services[64];
	int output = memfd_create("output", MFD_CLOEXEC);
	struct spawn spawn = { .argv = argv,
		.stdio = { SPAWN_NULL, output, output },
		.netns = -1 };
	pid_t pid;
	int status;

	assert_int_not_equal(output, -1);
	assert_non_null(mkdtemp(directory));
	snprintf(services, sizeof(services), "%s/services", directory);
	assert_int_equal(mkdir(services, 0755), 0);
	assert_int_equal(setenv("STANDIN_DIR", directory, 1), 0);
	pid = spawn_start(&spawn);
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clean[2] = directory;
	assert_int_equal(spawn_run(clean), 0);
	assert_int_equal(output_show(output), 0);
	assert_int_equal(spawn_status(status), 0);
	close(output);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[COUNT(scenarios)];
	size_t i;

	if (argc == 3 && strcmp(argv[1], "broker") == 0) {
		return broker_main(argv[2]);
	}
	if (argc == 3 && strcmp(argv[1], "scenario") == 0) {
		return scenario_main(argv[2]);
	}
	for (i = 0; i < COUNT(scenarios); i++) {
		tests[i] = (struct CMUnitTest){ scenarios[i].name, scenario_run,
			NULL, NULL, (void *)(uintptr_t)&scenarios[i] };
	}
	return cmocka_run_group_tests_name("sdk", tests, NULL, NULL);
}
