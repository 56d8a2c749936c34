// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * crowd: simulates many clients of the broker, and measures how long one waits.
 *
 *	crowd cycle COUNT SECONDS  COUNT processes, 16 at a time, that each
 *	                           acquire the network and are killed; no more
 *	                           are started after SECONDS
 *	crowd storm COUNT          COUNT processes that acquire it at once, of
 *	                           root, alice and bob in turn, and end when all
 *	                           have been answered
 *	crowd latency COUNT        acquires it COUNT times on one connection
 *	crowd flood                asks for it on one connection, 64 requests
 *	                           ahead of the replies, until killed
 *
 * Prints one line with the result; flood prints "flooding" when the first reply
 * arrives. Exits with 1 unless each request ended with a network, a refusal by
 * a limit, or the end of the connection. Each process has its own XPC: this one
 * must not use it before it forks.
 */

#include <err.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

#include "protocol.h"

#define NETWORK "default"
#define JOBS 16
#define AHEAD 64
#define BUSY 8 /* VMNET_BROKER_BUSY */

/* Seconds for a storm, which hangs if it takes longer. */
#define STORM_LIMIT 300

enum outcome { SERVED, REFUSED, ENDED, WRONG, OUTCOMES };

static xpc_connection_t connect_to_broker(void)
{
	xpc_connection_t connection = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);

	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		(void)event;
	});
	xpc_connection_activate(connection);
	return connection;
}

static xpc_object_t request_create(void)
{
	xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(
	    request, VMNET_BROKER_KEY_COMMAND, VMNET_BROKER_COMMAND_ACQUIRE);
	xpc_dictionary_set_string(
	    request, VMNET_BROKER_KEY_NETWORK_NAME, NETWORK);
	return request;
}

static enum outcome judge(xpc_object_t reply)
{
	if (xpc_get_type(reply) == XPC_TYPE_ERROR) {
		return ENDED;
	}
	if (xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_NETWORK) != NULL) {
		return SERVED;
	}
	return xpc_dictionary_get_int64(reply, VMNET_BROKER_KEY_ERROR) == BUSY
	    ? REFUSED
	    : WRONG;
}

static enum outcome acquire(xpc_connection_t connection)
{
	xpc_object_t request = request_create();
	xpc_object_t reply =
	    xpc_connection_send_message_with_reply_sync(connection, request);
	enum outcome outcome = judge(reply);

	xpc_release(reply);
	xpc_release(request);
	return outcome;
}

static pid_t fork_or_fail(void)
{
	pid_t pid = fork();

	if (pid == -1) {
		err(1, "fork");
	}
	return pid;
}

/*
 * cycle
 */

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static pid_t start_victim(void)
{
	pid_t pid = fork_or_fail();

	if (pid == 0) {
		if (acquire(connect_to_broker()) != SERVED) {
			_exit(1);
		}
		raise(SIGKILL);
	}
	return pid;
}

/* Waits for one of them. */
static void reap_victim(void)
{
	int status = 0;

	if (wait(&status) == -1) {
		err(1, "wait");
	}
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		errx(1, "an acquire failed");
	}
}

static int run_cycle(unsigned count, unsigned seconds)
{
	time_t end = now() + (time_t)seconds;
	unsigned started = 0;
	unsigned ended = 0;

	while (ended < started || (started < count && now() < end)) {
		if (started - ended < JOBS && started < count && now() < end) {
			start_victim();
			started++;
		} else {
			reap_victim();
			ended++;
		}
	}
	printf("%u cycles\n", ended);
	return 0;
}

/*
 * storm
 */

static void become(unsigned which)
{
	static const char *const users[] = { "root", "alice", "bob" };
	const struct passwd *user = getpwnam(users[which % 3]);

	if (user == NULL || setresgid(user->pw_gid, user->pw_gid, -1) == -1 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == -1) {
		err(1, "%s", users[which % 3]);
	}
}

/* Waits for the other end of the pipe to be closed. */
static void wait_closed(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0) {
		continue;
	}
}

static _Noreturn void storm_client(
    unsigned which, int begin, int leave, int results)
{
	char outcome = 0;

	become(which);
	wait_closed(begin);
	outcome = (char)acquire(connect_to_broker());
	if (write(results, &outcome, 1) != 1) {
		err(1, "write");
	}
	wait_closed(leave);
	_exit(0);
}

static void make_pipe(int ends[2])
{
	if (pipe(ends) == -1) {
		err(1, "pipe");
	}
}

static void count_results(int fd, unsigned count, unsigned sums[OUTCOMES])
{
	char outcome = 0;

	while (count-- > 0) {
		if (read(fd, &outcome, 1) != 1) {
			err(1, "a client ended without a result");
		}
		sums[(unsigned char)outcome]++;
	}
}

static int run_storm(unsigned count)
{
	unsigned sums[OUTCOMES] = { 0 };
	int begin[2], leave[2], results[2];

	make_pipe(begin);
	make_pipe(leave);
	make_pipe(results);
	for (unsigned i = 0; i < count; i++) {
		if (fork_or_fail() == 0) {
			close(begin[1]);
			close(leave[1]);
			storm_client(i, begin[0], leave[0], results[1]);
		}
	}
	close(results[1]);
	alarm(STORM_LIMIT);
	close(begin[1]);
	count_results(results[0], count, sums);
	close(leave[1]);
	while (wait(NULL) > 0) {
		continue;
	}
	printf("%u served, %u refused, %u disconnected, %u wrong\n",
	    sums[SERVED], sums[REFUSED], sums[ENDED], sums[WRONG]);
	return sums[WRONG] == 0 ? 0 : 1;
}

/*
 * latency and flood
 */

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static int run_latency(unsigned count)
{
	xpc_connection_t connection = connect_to_broker();
	uint64_t *times = calloc(count, sizeof(*times));

	if (times == NULL || count == 0) {
		errx(1, "out of memory for %u measurements", count);
	}
	for (unsigned i = 0; i < count; i++) {
		uint64_t start = clock_gettime_nsec_np(CLOCK_UPTIME_RAW);

		if (acquire(connection) != SERVED) {
			errx(1, "an acquire failed");
		}
		times[i] = clock_gettime_nsec_np(CLOCK_UPTIME_RAW) - start;
	}
	qsort(times, count, sizeof(*times), compare);
	printf("median %.1f us, p99 %.1f us\n", (double)times[count / 2] / 1000,
	    (double)times[count - 1 - count / 100] / 1000);
	free(times);
	return 0;
}

static _Noreturn void run_flood(void)
{
	xpc_connection_t connection = connect_to_broker();
	xpc_object_t request = request_create();
	dispatch_semaphore_t room = dispatch_semaphore_create(AHEAD);

	if (acquire(connection) != SERVED) {
		errx(1, "an acquire failed");
	}
	printf("flooding\n");
	for (;;) {
		dispatch_semaphore_wait(room, DISPATCH_TIME_FOREVER);
		xpc_connection_send_message_with_reply(
		    connection, request, NULL, ^(xpc_object_t reply) {
			    if (judge(reply) != SERVED) {
				    errx(1, "an acquire failed");
			    }
			    dispatch_semaphore_signal(room);
		    });
	}
}

static unsigned number(const char *text)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value > 100000000) {
		errx(2, "not a number: %s", text);
	}
	return (unsigned)value;
}

int main(int argc, char *argv[])
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "cycle") == 0) {
		return run_cycle(number(argv[2]), number(argv[3]));
	}
	if (argc == 3 && strcmp(argv[1], "storm") == 0) {
		return run_storm(number(argv[2]));
	}
	if (argc == 3 && strcmp(argv[1], "latency") == 0) {
		return run_latency(number(argv[2]));
	}
	if (argc == 2 && strcmp(argv[1], "flood") == 0) {
		run_flood();
	}
	fprintf(stderr,
	    "usage: crowd cycle COUNT SECONDS | storm COUNT | "
	    "latency COUNT | flood\n");
	return 2;
}
