// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * hold: holds networks until a signal arrives, or while a command runs. Events
 * are reported on standard error; everything runs on the main queue.
 */

#include "ctl.h"

#include <dispatch/dispatch.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "vmnet-broker.h"

#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNAL 128 /* plus its number */

/* Seconds after which the user is told what the program is waiting for. */
#define PATIENCE 2

extern char **environ;

struct holding {
	const char *name;
	vmnet_broker_hold_t hold;
	bool granted; /* at least once */
};

static struct {
	struct holding *holds;
	int count;
	int granted;
	char **command; /* NULL: none */
	pid_t child;    /* 0: not started */
} state;

static void print_granted(const struct holding *holding)
{
	xpc_object_t info = vmnet_broker_hold_copy_info(holding->hold);
	const char *subnet =
	    info == NULL ? NULL : xpc_dictionary_get_string(info, "subnet");
	const char *gateway =
	    info == NULL ? NULL : xpc_dictionary_get_string(info, "gateway");

	fprintf(stderr, "holding %s%s%s%s%s\n", holding->name,
	    subnet == NULL ? "" : ", subnet ", subnet == NULL ? "" : subnet,
	    gateway == NULL ? "" : ", gateway ",
	    gateway == NULL ? "" : gateway);
	if (info != NULL) {
		xpc_release(info);
	}
}

/*
 * The command
 */

/* Signals that would end us are forwarded to the command. */
static const int forwarded[] = { SIGTERM, SIGHUP };
static const int ignored[] = { SIGINT, SIGQUIT }; /* it gets them, too */

static void wait_for_command(void)
{
	int status = 0;
	pid_t ended = 0;

	do {
		ended = waitpid(state.child, &status, 0);
	} while (ended == -1 && errno == EINTR);
	if (ended == -1) {
		fail(CTL_FAILED, "wait: %s", strerror(errno));
	}
	exit(WIFEXITED(status) ? WEXITSTATUS(status)
			       : EXIT_SIGNAL + WTERMSIG(status));
}

static void forward_signals(void)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		signal(ignored[i], SIG_IGN);
	}
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		int number = forwarded[i];
		dispatch_source_t source =
		    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
			(uintptr_t)number, 0, dispatch_get_main_queue());

		signal(number, SIG_IGN);
		dispatch_source_set_event_handler(source, ^{
			kill(state.child, number);
		});
		dispatch_activate(source);
	}
}

static void start_command(void)
{
	posix_spawnattr_t attributes;
	sigset_t defaults;
	sigset_t none;
	int error = 0;

	sigemptyset(&none); /* this thread may have blocked some */
	sigemptyset(&defaults);
	for (size_t i = 0; i < 2; i++) {
		sigaddset(&defaults, forwarded[i]);
		sigaddset(&defaults, ignored[i]);
	}
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(&state.child, state.command[0], NULL, &attributes,
	    state.command, environ);
	posix_spawnattr_destroy(&attributes);
	if (error != 0) {
		fail(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN,
		    "%s: %s", state.command[0], strerror(error));
	}
	forward_signals();
	dispatch_async(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		wait_for_command();
	});
}

/*
 * The holds
 */

static void handle_granted(struct holding *holding)
{
	if (state.command == NULL || holding->granted) {
		print_granted(holding);
	}
	if (holding->granted) {
		return;
	}
	holding->granted = true;
	state.granted++;
	if (state.granted == state.count && state.command != NULL) {
		start_command();
	}
}

static void handle_failed(const struct holding *holding)
{
	char reason[512];
	vmnet_broker_return_t status =
	    vmnet_broker_hold_get_reason(holding->hold, reason, sizeof(reason));

	if (state.child != 0) {
		complain("%s: %s", holding->name, reason); /* not fatal */
		return;
	}
	fail(ctl_code(status), "%s: %s", holding->name, reason);
}

static void handle(
    vmnet_broker_hold_t hold, vmnet_broker_hold_state_t now, void *context)
{
	struct holding *holding = context;

	holding->hold = hold; /* an event may precede it */
	if (now == VMNET_BROKER_HOLD_GRANTED) {
		handle_granted(holding);
	} else if (now == VMNET_BROKER_HOLD_FAILED) {
		handle_failed(holding);
	} else if (now == VMNET_BROKER_HOLD_LOST) {
		complain("%s: the network was lost; requesting it again",
		    holding->name);
	}
}

static void print_waiting(void)
{
	for (int i = 0; i < state.count; i++) {
		const struct holding *holding = &state.holds[i];
		char reason[512];

		if (!holding->granted &&
		    vmnet_broker_hold_get_reason(holding->hold, reason,
			sizeof(reason)) != VMNET_BROKER_SUCCESS) {
			complain("%s: waiting: %s", holding->name, reason);
		}
	}
}

static void exit_on_signal(int number)
{
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
		(uintptr_t)number, 0, dispatch_get_main_queue());

	signal(number, SIG_IGN);
	dispatch_source_set_event_handler(source, ^{
		exit(CTL_OK); /* which releases the networks */
	});
	dispatch_activate(source);
}

int command_hold(const struct arguments *arguments)
{
	for (int i = 0; i < arguments->count; i++) {
		ctl_check_name(arguments->values[i]);
	}
	ctl_need_broker();
	state.command = arguments->command;
	state.count = arguments->count;
	state.holds = calloc((size_t)state.count, sizeof(*state.holds));
	if (state.holds == NULL) {
		fail(CTL_FAILED, "out of memory");
	}
	if (state.command == NULL) {
		exit_on_signal(SIGINT);
		exit_on_signal(SIGTERM);
	}
	for (int i = 0; i < state.count; i++) {
		struct holding *holding = &state.holds[i];

		holding->name = arguments->values[i];
		holding->hold = vmnet_broker_hold_create(
		    holding->name, dispatch_get_main_queue(), handle, holding);
		if (holding->hold == NULL) {
			fail(CTL_FAILED, "out of memory");
		}
	}
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW,
			   (int64_t)(PATIENCE * NSEC_PER_SEC)),
	    dispatch_get_main_queue(), ^{
		    print_waiting();
	    });
	dispatch_main();
}
