// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * watch and drain: events of the broker.
 */

#include "ctl.h"

#include <dispatch/dispatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"

static struct {
	bool json;
	double wait;
} options;

/* Whether the broker has announced its exit, which is final, and the number of
 * holds at that time. */
static bool exits;
static uint64_t left;

static bool is_named(xpc_object_t event, const char *name)
{
	const char *what = xpc_dictionary_get_string(event, "event");

	return what != NULL && strcmp(what, name) == 0;
}

static void note_exit(xpc_object_t event)
{
	if (is_named(event, "stopping")) {
		exits = true;
		left = xpc_dictionary_get_uint64(event, "holders");
	} else if (exits && left > 0 && is_named(event, "released")) {
		left--;
	}
}

static void print_time(uint64_t milliseconds)
{
	time_t when = (time_t)(milliseconds / 1000);
	struct tm parts;
	char text[32] = "-";

	if (localtime_r(&when, &parts) != NULL) {
		strftime(text, sizeof(text), "%H:%M:%S", &parts);
	}
	printf("%s.%03u  ", text, (unsigned)(milliseconds % 1000));
}

static void print_client(xpc_object_t event)
{
	const struct passwd *user = NULL;

	if (xpc_dictionary_get_value(event, "pid") == NULL) {
		return;
	}
	user = getpwuid((uid_t)xpc_dictionary_get_uint64(event, "uid"));
	printf("  by %s, process %lld",
	    user == NULL ? "an unknown user" : user->pw_name,
	    (long long)xpc_dictionary_get_int64(event, "pid"));
}

static void print_event(xpc_object_t event)
{
	const char *name = xpc_dictionary_get_string(event, "network_name");
	const char *what = xpc_dictionary_get_string(event, "event");
	const char *message = xpc_dictionary_get_string(event, "error_message");

	print_time(xpc_dictionary_get_uint64(event, "time"));
	printf(
	    "%-10s  %s", what == NULL ? "?" : what, name == NULL ? "-" : name);
	if (xpc_dictionary_get_value(event, "holders") != NULL) {
		printf("  clients %llu",
		    (unsigned long long)xpc_dictionary_get_uint64(
			event, "holders"));
	}
	print_client(event);
	if (message != NULL) {
		fputs("  ", stdout);
		print_text(stdout, message);
	}
	putchar('\n');
	fflush(stdout);
}

static void print_either(xpc_object_t event)
{
	if (options.json) {
		json_print_line(event);
	} else {
		print_event(event);
	}
}

/* An event of our own, since the broker cannot send it. */
static void print_crash(void)
{
	xpc_object_t event = xpc_dictionary_create(NULL, NULL, 0);
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	xpc_dictionary_set_string(event, "event", "crashed");
	xpc_dictionary_set_uint64(event, "time",
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	xpc_dictionary_set_string(event, "error_message",
	    "the broker died without shutting down; its networks are lost, and "
	    "events now come from the next broker");
	print_either(event);
	xpc_release(event);
}

/* Do not contact the next broker after the previous one has exited by itself:
 * otherwise a watcher would restart an idle broker again and again. */
static void watch_event(xpc_object_t event)
{
	uint64_t dropped = 0;

	if (event == NULL && exits) {
		complain("the broker exited; launchd starts it when a client "
			 "requests a network");
		exit(CTL_OK);
	} else if (event == NULL) {
		print_crash();
		return;
	}
	note_exit(event);
	dropped = xpc_dictionary_get_uint64(event, "dropped");
	if (dropped > 0 && !options.json) {
		complain("%llu events were lost before the next one",
		    (unsigned long long)dropped);
	}
	print_either(event);
}

int command_watch(const struct arguments *arguments)
{
	const struct watching watching = { .handle = watch_event };

	options.json = arguments->json;
	ctl_watch(&watching);
}

/*
 * drain
 */

static void drain_done(bool exited, unsigned long long holders)
{
	xpc_object_t row = NULL;

	if (options.json) {
		row = xpc_dictionary_create(NULL, NULL, 0);
		xpc_dictionary_set_bool(row, "exited", exited);
		xpc_dictionary_set_uint64(row, "holders", holders);
		json_print(row);
		xpc_release(row);
	} else if (exited) {
		printf("the broker exited; launchd starts it when a client "
		       "requests a network\n");
	} else {
		printf("draining: %llu %s networks; the broker exits when the "
		       "last one disconnects\n",
		    holders, holders == 1 ? "client uses" : "clients use");
	}
}

/* The connection ends when the broker exits. */
static void drain_event(xpc_object_t event)
{
	if (event != NULL) {
		note_exit(event);
		if (is_named(event, "resumed")) {
			fail(CTL_FAILED,
			    "drain: another client resumed the broker");
		}
	} else if (!exits) {
		fail(CTL_FAILED,
		    "drain: the broker died before its last client "
		    "disconnected; the next broker is not draining");
	} else if (left > 0) {
		fail(CTL_FAILED,
		    "drain: the broker was shut down before its last client "
		    "disconnected, and %llu %s",
		    (unsigned long long)left,
		    left == 1 ? "client lost its networks"
			      : "clients lost their networks");
	} else {
		drain_done(true, 0);
		exit(CTL_OK);
	}
}

static void drain_answer(xpc_object_t reply)
{
	if (xpc_dictionary_get_uint64(reply, "holders") == 0) {
		drain_done(true, 0);
		exit(CTL_OK);
	}
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW,
			   (int64_t)(options.wait * (double)NSEC_PER_SEC)),
	    dispatch_get_main_queue(), ^{
		    fail(CTL_TIMEOUT,
			"drain: clients still use networks after %g seconds; "
			"vmnet-brokerctl clients shows them, and "
			"vmnet-brokerctl resume cancels the drain",
			options.wait);
	    });
}

int command_drain(const struct arguments *arguments)
{
	const struct watching watching = {
		.handle = drain_event,
		.command = "drain",
		.answer = drain_answer,
	};
	xpc_object_t reply = NULL;
	unsigned long long holders = 0;

	options.json = arguments->json;
	options.wait = arguments->wait;
	if (options.wait >= 0) {
		ctl_watch(&watching);
	}
	reply = ctl_ask("drain", NULL);
	holders = xpc_dictionary_get_uint64(reply, "holders");
	xpc_release(reply);
	drain_done(holders == 0, holders);
	return CTL_OK;
}
