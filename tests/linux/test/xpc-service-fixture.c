// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "xpc-service-fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

/* {"command": text} */
static xpc_object_t command(const char *text)
{
	xpc_object_t message = xpc_dictionary_create_empty();

	xpc_dictionary_set_string(message, "command", text);
	return message;
}

void send_command(xpc_connection_t client, const char *text)
{
	xpc_object_t message = command(text);

	xpc_connection_send_message(client, message);
	xpc_release(message);
}

void ask_for(xpc_connection_t client, const char *text, struct mailbox *answers)
{
	static dispatch_queue_t queue;
	static dispatch_once_t once;
	xpc_object_t message = command(text);

	dispatch_once(&once, ^{
		queue = dispatch_queue_create("answers", NULL);
	});
	xpc_connection_send_message_with_reply(
	    client, message, queue, ^(xpc_object_t reply) {
		    mailbox_put(answers, reply);
	    });
	xpc_release(message);
}

xpc_object_t call(xpc_connection_t client, const char *text)
{
	xpc_object_t message = command(text);
	xpc_object_t reply =
	    xpc_connection_send_message_with_reply_sync(client, message);

	xpc_release(message);
	return reply;
}

pid_t call_pid(xpc_connection_t client, const char *text)
{
	xpc_object_t reply = call(client, text);
	pid_t pid;

	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	pid = (pid_t)xpc_dictionary_get_int64(reply, "pid");
	xpc_release(reply);
	return pid;
}

/*
 * The service.
 */

static xpc_object_t kept[16];
static size_t kept_count;
static int kept_descriptors[512];
static int kept_descriptor_count;

static void forget(void)
{
	while (kept_count > 0) {
		xpc_release(kept[--kept_count]);
	}
}

static void use_up_descriptors(void)
{
	const struct rlimit limit = { 256, 256 };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (kept_descriptor_count = 0; kept_descriptor_count < 512;
	     kept_descriptor_count++) {
		kept_descriptors[kept_descriptor_count] =
		    open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (kept_descriptors[kept_descriptor_count] == -1) {
			break;
		}
	}
}

static void release_descriptors(void)
{
	while (kept_descriptor_count > 0) {
		close(kept_descriptors[--kept_descriptor_count]);
	}
}

static void reply_with_pid(xpc_object_t request)
{
	xpc_object_t reply = xpc_dictionary_create_reply(request);

	if (reply != NULL) {
		xpc_dictionary_set_int64(reply, "pid", getpid());
		xpc_connection_send_message(
		    xpc_dictionary_get_remote_connection(request), reply);
		xpc_release(reply);
	}
}

static void obey(xpc_connection_t peer, xpc_object_t request)
{
	const char *text = xpc_dictionary_get_string(request, "command");

	if (strcmp(text, "silence") == 0 || strcmp(text, "keep") == 0) {
		kept[kept_count++] = xpc_retain(request);
		return;
	}
	if (strcmp(text, "die") == 0) {
		_exit(1);
	} else if (strcmp(text, "hang up") == 0) {
		xpc_connection_cancel(peer);
		return;
	} else if (strcmp(text, "begin") == 0) {
		xpc_transaction_begin();
	} else if (strcmp(text, "end") == 0) {
		xpc_transaction_end();
	} else if (strcmp(text, "forget") == 0) {
		forget();
	} else if (strcmp(text, "use up descriptors") == 0) {
		use_up_descriptors();
	} else if (strcmp(text, "release descriptors") == 0) {
		release_descriptors();
	}
	reply_with_pid(request);
}

static void tell(xpc_connection_t peer, const char *what)
{
	xpc_object_t message = xpc_dictionary_create_empty();

	xpc_dictionary_set_string(message, "told", what);
	xpc_connection_send_message(peer, message);
	xpc_release(message);
}

static void accept_peer(xpc_connection_t peer, dispatch_queue_t queue)
{
	xpc_connection_set_target_queue(peer, queue);
	xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) {
			obey(peer, event);
		} else if (event == TERMINATION) {
			tell(peer, "termination");
		}
	});
	xpc_connection_activate(peer);
}

static void serve(void)
{
	dispatch_queue_t queue = dispatch_queue_create("service", NULL);
	dispatch_source_t signals;
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    SERVICE, queue, XPC_CONNECTION_MACH_SERVICE_LISTENER);

	signal(SIGUSR1, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signals = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR1, 0, queue);
	dispatch_source_set_event_handler(signals, ^{
		xpc_transaction_end();
		reply_with_pid(kept[0]);
		/* The process ends when the reply has been sent. */
	});
	dispatch_activate(signals);
	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		if (xpc_get_type(event) == XPC_TYPE_CONNECTION) {
			accept_peer(event, queue);
		}
	});
	xpc_connection_activate(listener);
	dispatch_main();
}

void service_main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		serve();
	}
}
