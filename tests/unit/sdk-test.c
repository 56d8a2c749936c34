// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/unit/sdk-fixture.c tests/unit/sdk-broker.c tests/unit/sdk-scenario.c
// link: tests/linux/common/unix.c tests/linux/common/spawn.c

/*
 * vmnet_broker_acquire_network() against a broker that does what can go wrong;
 * sdk-hold-test.c and sdk-release-test.c have the rest. Each is a process of its
 * own with launchd's sockets in a folder of its own, see sdk-fixture.h.
 *
 * The SDK is included, not linked, for its queue and its state: when
 * dispatch_sync() on the queue returns, what was queued there before is over,
 * and nothing needs to sleep. That protocol.h comes first lets the compiler
 * compare the two.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <err.h>
#include <sched.h>
#include <sys/wait.h>
#include <standin.h>

#include "sdk-fixture.h"

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
	dispatch_sync(events,
	    ^{
	    });
}

/* Waits until the process's hold on a name pauses before it asks again. Returns
 * for how long, or 0 if it is granted or refused. */
static int64_t pause_wait(const char *name)
{
	int64_t delay = -1;

	while (delay == -1) {
		struct vmnet_broker_hold *hold;

		sched_yield();
		pthread_mutex_lock(&lock);
		hold = kept;
		while (hold != NULL && strcmp(hold->name, name) != 0) {
			hold = hold->next;
		}
		if (hold != NULL && is_settled(hold)) {
			delay = 0;
		} else if (hold != NULL && hold->connection == NULL) {
			delay = hold->delay;
		}
		pthread_mutex_unlock(&lock);
	}
	return delay;
}

/* The broker was killed: the hold knows, and another one has begun. */
static void lost_wait(const char *name)
{
	int64_t delay = pause_wait(name);

	while (delay == 0) {
		delay = pause_wait(name);
	}
	CHECK_INT(delay, DELAY_MIN);
}

static void expect_request(const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "acquire %s", name);
	broker_expect("peer");
	broker_expect(line);
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
	expect_request("default");
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
	/* Whoever asks again gets what there is now, and costs no more. */
	events_settle();
	alive = standin_objects_alive(NULL);
	for (i = 0; i < COUNT(rows); i++) {
		xpc_object_t network =
		    vmnet_broker_acquire_network(rows[i].name, NULL);

		CHECK_INT(
		    network != NULL, rows[i].status == VMNET_BROKER_SUCCESS);
		if (network != NULL) {
			xpc_release(network);
		}
	}
	alive_at_most(alive);
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
	size_t i;

	for (i = 0; i < COUNT(objects); i++) {
		CHECK_INT(read_reply(objects[i]), VMNET_BROKER_INVALID_REPLY);
		xpc_release(objects[i]);
	}
	CHECK_INT(read_reply((xpc_object_t)XPC_ERROR_CONNECTION_INVALID),
	    VMNET_BROKER_XPC_FAILURE);
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
	expect_request("");
	acquire_from("../%n\x1b[2J", "serve");
	expect_request("../%n\x1b[2J");
	acquire_expect("\xff\xfe\xc0\x80", VMNET_BROKER_SUCCESS);
	expect_request("\xff\xfe\xc0\x80");
	acquire_from(large, "serve");
	free(large);
}

/* Goal: no daemon is a failure at once, and nothing has to be restarted when it
 * is installed at last. */
static void no_daemon(void)
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
static void dies(void)
{
	struct call call;
	int i;

	standin_clock_advance(0);
	broker_start("mortal");
	call_start(&call, "default");
	for (i = 0; i < 4; i++) {
		expect_request("default");
		broker_wait();
		CHECK_INT(pause_wait("default"), DELAY_MIN << i);
		broker_start(i < 3 ? "mortal" : "serve");
		CHECK_INT(atomic_load(&call.done), false);
		standin_clock_advance(DELAY_MIN << i);
	}
	expect_request("default");
	call_expect(&call, VMNET_BROKER_SUCCESS);
}

/* Goal: a broker that is busy is asked again as well; when time is up, the call
 * says that it was busy. */
static void busy(void)
{
	struct call call;
	int64_t waited = 0;
	int64_t delay;

	standin_clock_advance(0);
	broker_start("busy");
	call_start(&call, "default");
	while (waited < TIMEOUT * (int64_t)SECOND) {
		expect_request("default");
		delay = pause_wait("default");
		CHECK_INT(delay > 0 && delay <= DELAY_MAX, true);
		waited += delay;
		standin_clock_advance((unsigned long long)delay);
	}
	call_expect(&call, VMNET_BROKER_BUSY);
}

/* Goal: an answer after 59 seconds is in time. */
static void answers_slowly(void)
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

/* Goal: so does one that does not answer; its late answer is a network that is
 * held, and costs nobody anything meanwhile. */
static void never_answers(void)
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

/* Goal: what is held comes back when the broker does, with nobody asking. */
static void restored(void)
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

/* Goal: the same when launchd forgot the service meanwhile, as in an upgrade. */
static void upgraded(void)
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
	while (pause_wait("default") == DELAY_MIN) {
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
static void refused(void)
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
		int64_t delay = pause_wait("default");

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

/* Goal: one hold for each name, whichever thread comes first, and each gets what
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
	uintptr_t i;

	broker_start("serve");
	pthread_barrier_init(&gate, NULL, COUNT(threads));
	for (i = 0; i < COUNT(threads); i++) {
		CHECK_INT(
		    pthread_create(&threads[i], NULL, crowd_main, (void *)i),
		    0);
	}
	for (i = 0; i < COUNT(threads); i++) {
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	}
	for (i = 0; i < 2 * 8; i++) {
		broker_read(line);
	}
	broker_expect_nothing();
}

/* Goal: many threads and a broker that is killed again and again: whoever asks
 * is answered, and all is held in the end. */
static void crowd_in_chaos(void)
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
	while (pause_wait("even") != 0 || pause_wait("odd") != 0) {
		sched_yield();
	}
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
static void forks_first(void)
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
		CHECK_STRING(vmnet_broker_last_reason(), "internal error");
		CHECK_INT(network == NULL, true);
		alive_at_most(alive);
	}
	/* It has something to fail. */
	CHECK_INT(n > 1, true);
}

/* Goal: a process may end while it is getting its networks back. */
static void exits_while_lost(void)
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
	{ "null_arguments", null_arguments, false },
	{ "texts", texts, true },
	{ "replies", replies, false },
	{ "reply_types", reply_types, true },
	{ "reasons", reasons, false },
	{ "names", names, false },
	{ "no_daemon", no_daemon, false },
	{ "dies", dies, false },
	{ "busy", busy, false },
	{ "answers_slowly", answers_slowly, false },
	{ "never_starts", never_starts, false },
	{ "never_answers", never_answers, false },
	{ "restored", restored, false },
	{ "upgraded", upgraded, false },
	{ "refused", refused, false },
	{ "crowd", crowd, false },
	{ "crowd_in_chaos", crowd_in_chaos, false },
	{ "forks", forks, false },
	{ "forks_first", forks_first, true },
	{ "no_memory", no_memory, false },
	{ "exits_while_lost", exits_while_lost, false },
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
