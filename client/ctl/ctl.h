// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-brokerctl(8): functions that its commands share.
 */

#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <xpc/xpc.h>

#ifndef VMNET_BROKER_VERSION
#define VMNET_BROKER_VERSION "unknown"
#endif

#define LABEL "com.github.nirs.vmnet-broker"
#define SUPPORT_FOLDER "/Library/Application Support/" LABEL

/* Exit codes, part of the interface. */
enum {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NO_BROKER = 3,
	CTL_NOT_ALLOWED = 4,
	CTL_NO_NETWORK = 5,
	CTL_TIMEOUT = 6,
};

struct arguments {
	int count;
	char **values;
	char **command; /* after "--", ends with NULL; NULL: no "--" */
	bool json;
	double wait; /* seconds; negative: do not wait */
};

/* Prints one line on standard error, after the name of the program. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Requests.
 *
 * ctl_ask() returns the reply, which the caller releases, or reports the
 * failure and exits with its code. name is the network, or NULL.
 *
 * ctl_try() instead returns NULL if there is no broker (CTL_NO_BROKER in *code)
 * or if it is too old to know the command (CTL_FAILED).
 */
xpc_object_t ctl_ask(const char *command, const char *name);
xpc_object_t ctl_try(const char *command, const char *name, int *code);
_Noreturn void ctl_no_broker(void);
_Noreturn void ctl_too_old(const char *command);
/* Exits unless a broker answers; a hold would wait until one is installed. */
void ctl_need_broker(void);

/* Exits unless the text is a valid network name. */
void ctl_check_name(const char *name);

/*
 * Watches the broker's events until one of the functions exits. Does not
 * return.
 *
 * handle() gets each event. NULL: the broker has exited; if handle() returns,
 * launchd starts the next broker, whose events follow.
 *
 * command, unless it is NULL, is sent over the same connection when watching
 * has begun, so that the same broker gets it and no later event is missed;
 * answer() gets the reply unless it is an error.
 */
struct watching {
	void (*handle)(xpc_object_t event);
	const char *command;
	void (*answer)(xpc_object_t reply);
};
_Noreturn void ctl_watch(const struct watching *watching);

/* All networks, an array of dictionaries as in docs/protocol.md, which the
 * caller releases; with an old broker, only those in use. */
xpc_object_t ctl_networks(void);
/* One network, which the caller releases; exits if there is no such network. */
xpc_object_t ctl_network(const char *name);

/* The dictionaries of an array in a dictionary; the caller releases it. */
xpc_object_t ctl_rows(xpc_object_t dictionary, const char *key);
/* Prints a dictionary that has just this key, and releases the value. */
void ctl_print_json(const char *key, xpc_object_t value);

/* The exit code for an error from the broker. */
int ctl_code(int64_t error);

/* Commands in separate files. */
int command_leases(const struct arguments *arguments);
int command_ip(const struct arguments *arguments);
int command_hold(const struct arguments *arguments);
int command_watch(const struct arguments *arguments);
int command_drain(const struct arguments *arguments);
int command_check(const struct arguments *arguments);
int command_doctor(const struct arguments *arguments);
int command_reload(const struct arguments *arguments);
int command_resume(const struct arguments *arguments);
int command_recreate(const struct arguments *arguments);
int command_list(const struct arguments *arguments);
int command_info(const struct arguments *arguments);
int command_status(const struct arguments *arguments);
int command_clients(const struct arguments *arguments);
int command_version(const struct arguments *arguments);

#endif
