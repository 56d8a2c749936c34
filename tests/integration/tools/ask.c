// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ask: sends any request to the broker and prints the reply.
 *
 *	ask [-aHoz] [-c CONNECTIONS] [-d DEPTH] [-k KEYS] [-n TIMES]
 *	    [KEY=TYPE[:VALUE]]... [+ [KEY=TYPE[:VALUE]]...]...
 *
 * TYPE is one of string, fill (a string of VALUE bytes), int64, uint64, double,
 * bool, date, data, uuid, null, array, dictionary, fd, endpoint. A "+" begins
 * another request. Prints one line for each value of the reply, "path type
 * value", without the content of the network. Exits with 0 if all requests got
 * replies, with 1 if there was an XPC error instead.
 *
 *	-a  send all requests before the first reply is read
 *	-c  number of connections, each of which sends the requests
 *	-d  add a value of this many nested dictionaries
 *	-H  print "holding" after the replies, and stay connected until killed
 *	-k  add this many unknown keys
 *	-n  repeat this many times; print the last reply, or with -a all
 *	-o  send the requests as ones that expect no reply, and wait for the end
 *	    of the connection
 *	-z  look up the service with flags 0, as some clients do
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

#include "ask/value.h"
#include "protocol.h"

static struct {
	unsigned connections;
	unsigned keys;
	unsigned depth;
	unsigned times;
	bool all_at_once;
	bool hold;
	bool one_way;
	uint64_t flags;
} options = {
	.connections = 1,
	.times = 1,
	.flags = XPC_CONNECTION_MACH_SERVICE_PRIVILEGED,
};

/* An error occurred instead of a reply. */
static bool failed;

void usage(void)
{
	fprintf(stderr,
	    "usage: ask [-aHoz] [-c CONNECTIONS] [-d DEPTH] [-k KEYS] "
	    "[-n TIMES] [KEY=TYPE[:VALUE]]... [+ ...]\n");
	exit(2);
}

static const char *error_name(xpc_object_t error)
{
	if (error == XPC_ERROR_CONNECTION_INTERRUPTED) {
		return "interrupted";
	}
	return error == XPC_ERROR_CONNECTION_INVALID ? "invalid" : "unknown";
}

/*
 * Asking
 */

static void set_value(xpc_object_t request, const char *key, xpc_object_t value)
{
	xpc_dictionary_set_value(request, key, value);
	xpc_release(value);
}

/* argument: KEY=TYPE[:VALUE] */
static void add_argument(xpc_object_t request, const char *argument)
{
	char *key = strdup(argument);
	char *type = key == NULL ? NULL : strchr(key, '=');

	if (type == NULL) {
		usage();
	}
	*type++ = '\0';
	char *text = strchr(type, ':');
	if (text != NULL) {
		*text++ = '\0';
	}
	set_value(request, key, create_value(type, text == NULL ? "" : text));
	free(key);
}

static void add_ballast(xpc_object_t request)
{
	char key[32] = "";

	for (unsigned i = 0; i < options.keys; i++) {
		snprintf(key, sizeof(key), "unknown-%u", i);
		xpc_dictionary_set_uint64(request, key, i);
	}
	if (options.depth == 0) {
		return;
	}
	xpc_object_t nested = xpc_dictionary_create(NULL, NULL, 0);
	for (unsigned i = 1; i < options.depth; i++) {
		xpc_object_t outer = xpc_dictionary_create(NULL, NULL, 0);

		set_value(outer, "nested", nested);
		nested = outer;
	}
	set_value(request, "nested", nested);
}

/* The end of the connection, or an event for a client that watches. */
static void print_event(xpc_object_t event)
{
	if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
		print_dictionary("event", event);
	} else {
		printf("event %s\n", error_name(event));
	}
}

/* The reply reports the same as the events, unless no reply is expected. */
static xpc_connection_t connect_to_broker(void)
{
	xpc_connection_t connection = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, NULL, options.flags);

	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		if (options.hold || options.one_way) {
			print_event(event);
		}
		if (options.one_way) {
			exit(1);
		}
	});
	xpc_connection_resume(connection);
	return connection;
}

/* True if it is a reply. */
static bool print_reply(xpc_object_t reply)
{
	bool answered = xpc_get_type(reply) == XPC_TYPE_DICTIONARY;

	if (answered) {
		print_dictionary("", reply);
	} else {
		printf("error %s\n", error_name(reply));
	}
	return answered;
}

/* Sends the requests one after the other. True if there was a reply; the last
 * reply is printed. */
static bool ask(xpc_connection_t connection, xpc_object_t request)
{
	xpc_object_t reply = NULL;

	for (unsigned i = 0; i < options.times; i++) {
		if (reply != NULL) {
			xpc_release(reply);
		}
		reply = xpc_connection_send_message_with_reply_sync(
		    connection, request);
	}
	bool answered = print_reply(reply);
	xpc_release(reply);
	return answered;
}

/* Sends all requests at once; the caller waits for the group. */
static void ask_at_once(xpc_connection_t connection, xpc_object_t request,
    dispatch_group_t group, dispatch_queue_t queue)
{
	for (unsigned i = 0; i < options.times; i++) {
		dispatch_group_enter(group);
		xpc_connection_send_message_with_reply(
		    connection, request, queue, ^(xpc_object_t reply) {
			    failed = !print_reply(reply) || failed;
			    dispatch_group_leave(group);
		    });
	}
}

static unsigned parse_number(const char *text)
{
	char *end = NULL;
	unsigned long number = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number > 10000000) {
		usage();
	}
	return (unsigned)number;
}

static void parse_options(int argc, char *argv[])
{
	int option = 0;

	while ((option = getopt(argc, argv, "ac:d:Hk:n:oz")) != -1) {
		switch (option) {
		case 'a':
			options.all_at_once = true;
			break;
		case 'c':
			options.connections = parse_number(optarg);
			break;
		case 'd':
			options.depth = parse_number(optarg);
			break;
		case 'H':
			options.hold = true;
			break;
		case 'k':
			options.keys = parse_number(optarg);
			break;
		case 'n':
			options.times = parse_number(optarg);
			break;
		case 'o':
			options.one_way = true;
			break;
		case 'z':
			options.flags = 0;
			break;
		default:
			usage();
		}
	}
}

/* The requests of the command line, in an array. */
static xpc_object_t parse_requests(char *argv[])
{
	xpc_object_t requests = xpc_array_create(NULL, 0);

	for (bool more = true; more;) {
		xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);

		for (; *argv != NULL && strcmp(*argv, "+") != 0; argv++) {
			add_argument(request, *argv);
		}
		more = *argv++ != NULL;
		add_ballast(request);
		xpc_array_append_value(requests, request);
		xpc_release(request);
	}
	return requests;
}

static void ask_all(xpc_object_t requests)
{
	dispatch_queue_t queue = dispatch_queue_create("replies", NULL);
	dispatch_group_t group = dispatch_group_create();
	xpc_connection_t connection = connect_to_broker();

	xpc_array_apply(requests, ^bool(size_t index, xpc_object_t request) {
		(void)index;
		if (options.one_way) {
			xpc_connection_send_message(connection, request);
		} else if (options.all_at_once) {
			ask_at_once(connection, request, group, queue);
		} else {
			failed = !ask(connection, request) || failed;
		}
		return true;
	});
	dispatch_group_wait(group, DISPATCH_TIME_FOREVER);
}

int main(int argc, char *argv[])
{
	parse_options(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);

	xpc_object_t requests = parse_requests(argv + optind);
	for (unsigned i = 0; i < options.connections; i++) {
		ask_all(requests);
	}
	xpc_release(requests);
	if (options.hold) {
		printf("holding\n");
	}
	if (options.hold || options.one_way) {
		dispatch_main();
	}
	return failed ? 1 : 0;
}
