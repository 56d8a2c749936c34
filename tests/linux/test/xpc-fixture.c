// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * See xpc-fixture.h.
 */

#include "xpc-fixture.h"

#include <dirent.h>
#include <sched.h>
#include <sys/stat.h>

/* A test that hangs for this long fails; normally each takes less than a
 * tenth. */
#define PATIENCE 100

void connection_record(xpc_connection_t connection, struct mailbox *events)
{
	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		mailbox_put(events, event);
	});
}

static void listener_event(struct listener *listener, xpc_object_t event)
{
	if (xpc_get_type(event) == XPC_TYPE_CONNECTION && !listener->passive) {
		xpc_connection_set_target_queue(event, listener->queue);
		connection_record(event, listener->peers);
		xpc_connection_activate(event);
	}
	mailbox_put(&listener->events, event);
}

void listener_open(struct listener *listener, struct mailbox *peers)
{
	*listener = (struct listener){ .events = MAILBOX, .peers = peers };
	listener->connection = xpc_connection_create(NULL, NULL);
	xpc_connection_set_event_handler(
	    listener->connection, ^(xpc_object_t event) {
		    listener_event(listener, event);
	    });
	xpc_connection_activate(listener->connection);
	listener->endpoint = xpc_endpoint_create(listener->connection);
}

void listener_close(struct listener *listener)
{
	xpc_object_t event;
	bool last;

	xpc_connection_cancel(listener->connection);
	do {
		event = mailbox_get(&listener->events);
		last = event == INVALID;
		xpc_release(event);
	} while (!last);
	xpc_release(listener->connection);
	xpc_release(listener->endpoint);
	mailbox_free(&listener->events);
}

xpc_connection_t client_open(xpc_endpoint_t endpoint, struct mailbox *events)
{
	xpc_connection_t client = xpc_connection_create_from_endpoint(endpoint);

	connection_record(client, events);
	xpc_connection_activate(client);
	return client;
}

void client_close(xpc_connection_t client, struct mailbox *events)
{
	xpc_object_t event;
	bool last;

	xpc_connection_cancel(client);
	do {
		event = mailbox_get(events);
		last = event == INVALID;
		xpc_release(event);
	} while (!last);
	xpc_release(client);
	mailbox_free(events);
}

static void ended(void *context)
{
	flag_add(context);
}

static void tell_end(xpc_connection_t connection, struct flag *flag)
{
	xpc_connection_set_context(connection, flag);
	xpc_connection_set_finalizer_f(connection, ended);
}

void pair_open(struct pair *pair)
{
	*pair = (struct pair){
		.client_events = MAILBOX, .server_events = MAILBOX, .gone = FLAG
	};
	listener_open(&pair->listener, &pair->server_events);
	pair->client =
	    client_open(pair->listener.endpoint, &pair->client_events);
	send_number(pair->client, -1);
	pair->server = mailbox_get(&pair->listener.events);
	mailbox_expect_number(&pair->server_events, -1);
	tell_end(pair->listener.connection, &pair->gone);
	tell_end(pair->client, &pair->gone);
	tell_end(pair->server, &pair->gone);
}

void pair_close(struct pair *pair)
{
	if (pair->server != NULL) {
		xpc_connection_cancel(pair->server);
		xpc_release(pair->server);
	}
	if (pair->client != NULL) {
		xpc_connection_cancel(pair->client);
		xpc_release(pair->client);
	}
	listener_close(&pair->listener);
	/* A message holds its connection; some may still be delivered. */
	while (flag_get(&pair->gone) < 3) {
		mailbox_free(&pair->client_events);
		mailbox_free(&pair->server_events);
		sched_yield();
	}
	mailbox_free(&pair->client_events);
	mailbox_free(&pair->server_events);
}

xpc_object_t message_create(int64_t number)
{
	xpc_object_t message = xpc_dictionary_create_empty();

	xpc_dictionary_set_int64(message, "n", number);
	return message;
}

void send_number(xpc_connection_t connection, int64_t number)
{
	xpc_object_t message = message_create(number);

	xpc_connection_send_message(connection, message);
	xpc_release(message);
}

void ask(xpc_connection_t connection, struct mailbox *answers)
{
	xpc_object_t message = message_create(0);

	xpc_connection_send_message_with_reply(
	    connection, message, NULL, ^(xpc_object_t reply) {
		    mailbox_put(answers, reply);
	    });
	xpc_release(message);
}

void answer(xpc_object_t request, int64_t number)
{
	xpc_object_t reply = xpc_dictionary_create_reply(request);

	assert_non_null(reply);
	xpc_dictionary_set_int64(reply, "n", number);
	xpc_connection_send_message(
	    xpc_dictionary_get_remote_connection(request), reply);
	xpc_release(reply);
	xpc_release(request);
}

void serve_one(struct mailbox *box, int64_t number)
{
	answer(mailbox_get(box), number);
}

/*
 * The manager thread and the queues work in the order in which they are asked:
 * a round trip of others, through the same thread, comes after.
 */
void settle(void)
{
	struct mailbox client_events = MAILBOX, server_events = MAILBOX;
	struct listener listener;
	xpc_connection_t client;

	for (int i = 0; i < 3; i++) {
		listener_open(&listener, &server_events);
		client = client_open(listener.endpoint, &client_events);
		send_number(client, i);
		mailbox_expect_number(&server_events, i);
		client_close(client, &client_events);
		mailbox_expect(&server_events, INVALID);
		listener_close(&listener);
	}
	mailbox_free(&server_events);
}

static char directory[] = "/tmp/xpc-test-XXXXXX";
static pid_t owner;

static void remove_entries(const char *path)
{
	DIR *folder = opendir(path);
	char name[512];

	if (folder == NULL) {
		return;
	}
	for (struct dirent *entry = readdir(folder); entry != NULL;
	     entry = readdir(folder)) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	closedir(folder);
}

static void fixture_end(void)
{
	char path[sizeof(directory) + 16];

	if (getpid() != owner) {
		return;
	}
	snprintf(path, sizeof(path), "%s/services", directory);
	remove_entries(path);
	rmdir(path);
	remove_entries(directory);
	rmdir(directory);
}

void fixture_start(void)
{
	char path[sizeof(directory) + 16];

	alarm(PATIENCE);
	owner = getpid();
	if (mkdtemp(directory) == NULL) {
		perror(directory);
		exit(2);
	}
	setenv("STANDIN_DIR", directory, 1);
	snprintf(path, sizeof(path), "%s/services", directory);
	if (mkdir(path, 0755) == -1) {
		perror(path);
		exit(2);
	}
	atexit(fixture_end);
}
