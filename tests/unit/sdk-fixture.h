// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The environment of the SDK in its tests: launchd's sockets, and a fake broker
 * whose reply depends on the name of the requested network.
 *
 * Each scenario runs in its own process, because the SDK has state that lives
 * as long as the process. A thread of it replaces launchd, and the scenario
 * starts and kills the broker; meanwhile messages wait in the socket, as in a
 * Mach port. The broker writes a line for each event.
 */

#ifndef SDK_FIXTURE_H
#define SDK_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the service and starts launchd. $STANDIN_DIR must exist and be empty
 * but for services/. All failures of the fixture end the scenario. */
void fixture_start(void);

/* The service that launchd holds for the broker, as by bootstrap and bootout.
 */
void service_open(void);
void service_close(void);

/* Waits for the connection of a client that no broker has accepted. */
void service_wait(void);

/*
 * Modes: "serve" replies as below. "watch" does too, and writes "gone" when a
 * client has left. "mortal" exits at the first request, "refuse" closes the
 * connection, "busy" replies BUSY.
 *
 *     network:TYPE   a network of that XPC type
 *     error:TYPE     an error of that XPC type
 *     error=N        error N
 *     none, both     neither a network nor an error, or both
 *     push           an unsolicited message, then a network
 *     silent         no reply until ...
 *     speak          ... this is requested
 *     info           a network, and an info of the wrong type
 *     anything else  a network
 *
 * A valid network is a dictionary with the name and the mode, next to an info
 * whose generation is the broker's pid.
 */
void broker_start(const char *mode);
void broker_kill(void);

/* Waits until the broker has exited by itself. */
void broker_wait(void);

/* Waits for the next line of the broker, which must be this: "peer" for a new
 * client, and "acquire NAME" (64 bytes of it) for each request. */
void broker_expect(const char *line);

/* Reads a line, into a buffer of 128 bytes. */
void broker_read(char *line);

/* Skips the lines that were written so far. */
void broker_forget(void);

/* Checks that the broker has written no further line. */
void broker_expect_nothing(void);

/* Waits until at most this many objects exist. There may be fewer, because some
 * of the counted objects may just have been released. */
void alive_at_most(long alive);

/* The broker's main(). */
int broker_main(const char *mode);

/* A process that must print nothing and exit with 0. */
struct scenario {
	const char *name;
	void (*run)(void);
	bool no_fixture; /* without fixture_start() */
};

#define SCENARIO(test) SCENARIO_WITH(test, .no_fixture = false)
#define SCENARIO_ALONE(test) SCENARIO_WITH(test, .no_fixture = true)
#define SCENARIO_WITH(test, more)                                              \
	{                                                                      \
		.name = #test, .run = test, more                               \
	}

/* main() of a test: runs all scenarios, or one of them in its own process. */
int scenarios_main(
    int argc, char **argv, const struct scenario *scenarios, size_t count);

/* Ends the scenario and prints both values if they differ. */
#define CHECK_INT(have, want)                                                  \
	check_int(__FILE__, __LINE__, #have, (have), (want))
#define CHECK_STRING(have, want)                                               \
	check_string(__FILE__, __LINE__, #have, (have), (want))

void check_int(const char *file, int line, const char *what, long long have,
    long long want);
void check_string(const char *file, int line, const char *what,
    const char *have, const char *want);

/* Threads at once, each of which gets its number; returns when all have
 * ended. */
#define CROWD 16
void crowd_run(void *(*run)(void *number));

#endif
