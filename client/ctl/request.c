// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Requests to the broker.
 */

#include "ctl.h"

#include <dispatch/dispatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "vmnet-broker.h"

/* Seconds. The slowest request is one that releases a network. */
#define ANSWER_TIMEOUT 45

/* If the broker exits before it receives a request, we send it again, and
 * launchd starts the next broker. */
#define ATTEMPTS 3

static void vcomplain(const char *format, va_list arguments)
{
	fflush(stdout);
	fprintf(stderr, "vmnet-brokerctl: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
}

void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vcomplain(format, arguments);
	va_end(arguments);
}

void fail(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vcomplain(format, arguments);
	va_end(arguments);
	exit(code);
}

void ctl_no_broker(void)
{
	fail(CTL_NO_BROKER,
	    "the broker cannot be reached: it is not installed or is disabled; "
	    "run vmnet-brokerctl doctor to find out why");
}

void ctl_too_old(const char *command)
{
	fail(CTL_FAILED,
	    "%s: the running broker is older than this program and does not "
	    "know this command; install the current version of vmnet-broker",
	    command);
}

int ctl_code(int64_t error)
{
	switch (error) {
	case VMNET_BROKER_XPC_FAILURE:
		return CTL_NO_BROKER;
	case VMNET_BROKER_NOT_ALLOWED:
		return CTL_NOT_ALLOWED;
	case VMNET_BROKER_NOT_FOUND:
		return CTL_NO_NETWORK;
	default:
		return CTL_FAILED;
	}
}

void ctl_check_name(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strlen(name);

	if (length == 0 || length > VMNET_BROKER_NAME_MAX ||
	    strchr(first, name[0]) == NULL || strspn(name, rest) != length) {
		fail(CTL_USAGE,
		    "\"%s\" is not a network name: [a-z0-9][a-z0-9._-]{0,62}",
		    name);
	}
}

static xpc_object_t create_request(const char *command, const char *name)
{
	xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_string(request, VMNET_BROKER_KEY_COMMAND, command);
	if (name != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_NETWORK_NAME, name);
	}
	return request;
}

static xpc_connection_t connect_broker(
    dispatch_queue_t queue, void (^handler)(xpc_object_t event))
{
	xpc_connection_t connection =
	    xpc_connection_create_mach_service(VMNET_BROKER_SERVICE, queue,
		XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);

	xpc_connection_set_event_handler(connection, handler);
	xpc_connection_activate(connection);
	return connection;
}

static _Noreturn void fail_unanswered(const char *command)
{
	fail(CTL_TIMEOUT,
	    "%s: the broker did not answer within %d seconds; see its log (the "
	    "command is in vmnet-broker(8))",
	    command, ANSWER_TIMEOUT);
}

/* Returns a reply or an XPC error; exits on a timeout. */
static xpc_object_t send_request(xpc_object_t request)
{
	__block xpc_object_t answer = NULL;
	dispatch_semaphore_t answered = dispatch_semaphore_create(0);
	xpc_connection_t connection =
	    connect_broker(NULL, ^(xpc_object_t event) {
		    (void)event; /* the reply reports the same */
	    });

	xpc_connection_send_message_with_reply(
	    connection, request, NULL, ^(xpc_object_t reply) {
		    answer = xpc_retain(reply);
		    dispatch_semaphore_signal(answered);
	    });
	if (dispatch_semaphore_wait(answered,
		dispatch_time(DISPATCH_TIME_NOW,
		    (int64_t)(ANSWER_TIMEOUT * NSEC_PER_SEC))) != 0) {
		fail_unanswered(xpc_dictionary_get_string(
		    request, VMNET_BROKER_KEY_COMMAND));
	}
	xpc_connection_cancel(connection);
	xpc_release(connection);
	dispatch_release(answered);
	return answer;
}

static void fail_with_error(
    const char *command, const char *name, xpc_object_t reply)
{
	int64_t error = xpc_dictionary_get_int64(reply, VMNET_BROKER_KEY_ERROR);
	const char *message =
	    xpc_dictionary_get_string(reply, VMNET_BROKER_KEY_ERROR_MESSAGE);

	if (message == NULL) {
		message = vmnet_broker_strerror((vmnet_broker_return_t)error);
	}
	fail(ctl_code(error), "%s%s%s: %s", command, name == NULL ? "" : " ",
	    name == NULL ? "" : name, message);
}

xpc_object_t ctl_try(const char *command, const char *name, int *code)
{
	xpc_object_t request = create_request(command, name);
	xpc_object_t reply = NULL;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (reply != NULL) {
			xpc_release(reply);
		}
		reply = send_request(request);
		if (reply != XPC_ERROR_CONNECTION_INTERRUPTED) {
			break;
		}
	}
	xpc_release(request);
	*code = CTL_OK;
	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		*code = CTL_NO_BROKER;
	} else if (xpc_dictionary_get_int64(reply, VMNET_BROKER_KEY_ERROR) ==
	    VMNET_BROKER_INVALID_REQUEST) {
		/* Names have been checked before, so the command is unknown. */
		*code = CTL_FAILED;
	} else if (xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR) !=
	    NULL) {
		fail_with_error(command, name, reply);
	} else {
		return reply;
	}
	xpc_release(reply);
	return NULL;
}

xpc_object_t ctl_ask(const char *command, const char *name)
{
	int code = CTL_OK;
	xpc_object_t reply = ctl_try(command, name, &code);

	if (code == CTL_NO_BROKER) {
		ctl_no_broker();
	} else if (reply == NULL) {
		ctl_too_old(command);
	}
	return reply;
}

void ctl_need_broker(void)
{
	int code = CTL_OK;
	xpc_object_t reply = ctl_try("status", NULL, &code);

	if (code == CTL_NO_BROKER) {
		ctl_no_broker();
	}
	if (reply != NULL) {
		xpc_release(reply);
	}
}

/*
 * Watching, on the main queue.
 */

static struct {
	struct watching options;
	xpc_connection_t connection;
	bool answered; /* by the current broker */
	unsigned asked;
	int attempts; /* requests in a row without an answer */
} watched;

static void ask_watched(const char *command, void (^answer)(xpc_object_t reply))
{
	xpc_object_t request = create_request(command, NULL);

	xpc_connection_send_message_with_reply(
	    watched.connection, request, dispatch_get_main_queue(), answer);
	xpc_release(request);
}

/* False: there is no reply, and the connection reports the reason as an
 * event. */
static bool is_answer(const char *command, xpc_object_t reply)
{
	int64_t error = 0;

	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY) {
		return false;
	}
	error = xpc_dictionary_get_int64(reply, VMNET_BROKER_KEY_ERROR);
	if (error == VMNET_BROKER_INVALID_REQUEST) {
		ctl_too_old(command);
	} else if (error != 0) {
		fail_with_error(command, NULL, reply);
	}
	return true;
}

/* The request of the user. */
static const char *watched_command(void)
{
	return watched.options.command == NULL ? "watch"
					       : watched.options.command;
}

static void command_reply(xpc_object_t reply)
{
	if (is_answer(watched.options.command, reply)) {
		watched.options.answer(reply);
	}
}

static void watch_reply(xpc_object_t reply)
{
	const char *command = watched.options.command;

	if (!is_answer(watched_command(), reply)) {
		return;
	}
	watched.answered = true;
	if (command != NULL) {
		ask_watched(command, ^(xpc_object_t answer) {
			command_reply(answer);
		});
	}
}

static void ask_to_watch(void)
{
	unsigned number = ++watched.asked;

	watched.answered = false;
	watched.attempts++;
	ask_watched("watch", ^(xpc_object_t reply) {
		watch_reply(reply);
	});
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW,
			   (int64_t)(ANSWER_TIMEOUT * NSEC_PER_SEC)),
	    dispatch_get_main_queue(), ^{
		    if (!watched.answered && watched.asked == number) {
			    fail_unanswered(watched_command());
		    }
	    });
}

/* A broker that is exiting no longer answers. An unanswered request does not
 * show how the broker exited, so it is sent again. */
static void broker_ended(void)
{
	if (watched.answered || watched.attempts >= ATTEMPTS) {
		watched.attempts = 0;
		watched.options.handle(NULL);
	}
	ask_to_watch();
}

static void watch_event(xpc_object_t event)
{
	if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
		watched.options.handle(event);
	} else if (event == XPC_ERROR_CONNECTION_INTERRUPTED) {
		broker_ended();
	} else if (event == XPC_ERROR_CONNECTION_INVALID) {
		ctl_no_broker();
	}
}

void ctl_watch(const struct watching *watching)
{
	watched.options = *watching;
	watched.connection =
	    connect_broker(dispatch_get_main_queue(), ^(xpc_object_t event) {
		    watch_event(event);
	    });
	ask_to_watch();
	dispatch_main();
}
