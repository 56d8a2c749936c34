// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What the SDK meets, in the hands of its test: launchd's sockets, and a
 * broker that does what the name it is asked for says.
 *
 * A scenario is a process of its own, since the SDK has state that lives as
 * long as the process. It plays launchd itself, in a thread, and starts and
 * kills the broker when it likes: messages wait in the socket meanwhile, as in
 * a Mach port. The broker writes a line for all that it sees.
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

/* Waits until a client knocks that no broker has accepted. */
void service_wait(void);

/*
 * Modes: "serve" obeys the names below. "watch" does too, and writes "gone"
 * when a client has left. "mortal" exits when it is asked for anything, "refuse"
 * hangs up, "busy" answers BUSY.
 *
 *     network:TYPE   has a network of that XPC type
 *     error:TYPE     has an error of that XPC type
 *     error=N        fails with N
 *     none, both     has neither or both
 *     push           sends an unsolicited message, then a network
 *     silent         is not answered before ...
 *     speak          ... this is asked for
 *     info           has a network, and an info of the wrong type
 *     anything else  has a network
 *
 * Good networks are dictionaries with the name and the mode, beside an info
 * with the broker's pid as the generation.
 */
void broker_start(const char *mode);
void broker_kill(void);

/* Waits for a broker that exits by itself. */
void broker_wait(void);

/* The next line of the broker must be this: "peer" for a new client, and
 * "acquire NAME" (64 bytes of it) for each request. Waits for it. */
void broker_expect(const char *line);

/* Reads a line, into a buffer of 128 bytes. */
void broker_read(char *line);

/* Skips what was written so far. */
void broker_forget(void);

/* The broker must have written nothing more. */
void broker_expect_nothing(void);

/* Waits until no more objects are alive than these. There may be fewer: what
 * was released just before they were counted may still have been there. */
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

/* main() of a test: runs all scenarios, or plays what it was started as. */
int scenarios_main(
    int argc, char **argv, const struct scenario *scenarios, size_t count);

/* Ends the scenario unless both are the same; prints them. */
#define CHECK_INT(have, want)                                                  \
	check_int(__FILE__, __LINE__, #have, (have), (want))
#define CHECK_STRING(have, want)                                               \
	check_string(__FILE__, __LINE__, #have, (have), (want))

void check_int(const char *file, int line, const char *what, long long have,
    long long want);
void check_string(const char *file, int line, const char *what,
    const char *have, const char *want);

#endif
