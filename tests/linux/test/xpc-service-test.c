// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-fixture.c tests/linux/test/xpc-fixture-launchd.c
// link: tests/linux/test/xpc-fixture-standin.c

/*
 * Rules of XPC that need a service: another process, which launchd starts when
 * a client knocks, and which dies in every way.
 */

#include "xpc-fixture-standin.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* {"command": text}; answered with whatever the service answers. */
static xpc_object_t command(const char *text)
{
	xpc_object_t message = xpc_dictionary_create_empty();

	xpc_dictionary_set_string(message, "command", text);
	return message;
}

static void send_command(xpc_connection_t client, const char *text)
{
	xpc_object_t message = command(text);

	xpc_connection_send_message(client, message);
	xpc_release(message);
}

/* Answers come in the order in which they arrived: on one serial queue. */
static void ask_for(
    xpc_connection_t client, const char *text, struct mailbox *answers)
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

static xpc_object_t call(xpc_connection_t client, const char *text)
{
	xpc_object_t message = command(text);
	xpc_object_t reply =
	    xpc_connection_send_message_with_reply_sync(client, message);

	xpc_release(message);
	return reply;
}

/* The pid of the process that served this call. */
static pid_t call_pid(xpc_connection_t client, const char *text)
{
	xpc_object_t reply = call(client, text);
	pid_t pid;

	assert_ptr_equal(xpc_get_type(reply), XPC_TYPE_DICTIONARY);
	pid = (pid_t)xpc_dictionary_get_int64(reply, "pid");
	xpc_release(reply);
	return pid;
}

static void rule_02_an_unknown_service_shows_with_the_first_message(
    void **state)
{
	static const char *const names[] = { "com.example.nobody", "", ".",
		"..", "a/b", "com.example.\x01\xff",
		("a.name.that.is.longer.than.any.path.of.a.socket.may.ever.be."
		 "so.that.it.cannot.be.looked.up.at.all.and.is.simply."
		 "unknown") };
	struct mailbox events = MAILBOX;
	xpc_connection_t client;
	char *reason;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		client = client_to(names[i], &events);
		assert_non_null(client);
		mailbox_expect_nothing(&events);
		assert_ptr_equal(call(client, "pid"), INVALID);
		mailbox_expect(&events, INVALID);
		reason = xpc_connection_copy_invalidation_reason(client);
		assert_non_null(reason);
		free(reason);
		assert_ptr_equal(call(client, "pid"), INVALID);
		mailbox_expect_nothing(&events);
		assert_string_equal(xpc_connection_get_name(client), names[i]);
		xpc_release(client);
	}
	mailbox_free(&events);
}

static void rule_02_a_daemon_is_no_xpc_service_of_a_bundle(void **state)
{
	struct mailbox events = MAILBOX;
	xpc_connection_t client;

	(void)state;
	launchd_register(SERVICE, NULL);
	client = xpc_connection_create(SERVICE, NULL);
	connection_record(client, &events);
	xpc_connection_activate(client);
	assert_ptr_equal(call(client, "pid"), INVALID);
	mailbox_expect(&events, INVALID);
	xpc_release(client);
	mailbox_free(&events);
	launchd_unregister();
}

static void rule_03_a_service_of_another_job_is_refused(void **state)
{
	struct mailbox events = MAILBOX;
	xpc_connection_t listener;
	char *reason;

	(void)state;
	launchd_register(SERVICE, NULL);
	listener = xpc_connection_create_mach_service(
	    "com.example.other", NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
	connection_record(listener, &events);
	xpc_connection_activate(listener);
	mailbox_expect(&events, INVALID);
	reason = xpc_connection_copy_invalidation_reason(listener);
	assert_string_equal(reason, "not a service of this job");
	free(reason);
	xpc_release(listener);
	mailbox_free(&events);
	launchd_unregister();
}

/* The whole life: started on demand, killed idle and busy, booted out. */
static void rule_07_the_service_dies_and_comes_back(void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	xpc_connection_t client;
	pid_t first, second;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	first = call_pid(client, "pid");
	assert_int_equal(first, launchd_wait_running());
	assert_int_equal(xpc_connection_get_pid(client), first);

	launchd_kill(); /* idle */
	mailbox_expect(&events, INTERRUPTED);
	second = call_pid(client, "pid");
	assert_int_not_equal(first, second);
	assert_int_equal(xpc_connection_get_pid(client), second);

	ask_for(client, "silence", &answers); /* busy */
	ask_for(client, "silence", &answers);
	call_pid(client, "pid"); /* they are there now */
	launchd_kill();
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);

	assert_ptr_equal(call(client, "die"), INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	launchd_wait_gone();

	assert_ptr_equal(call(client, "hang up"), INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	call_pid(client, "pid"); /* a fresh peer in the same daemon */

	launchd_unregister();
	launchd_kill();
	mailbox_expect(&events, INTERRUPTED);
	assert_ptr_equal(call(client, "pid"), INVALID);
	mailbox_expect(&events, INVALID);
	mailbox_expect_nothing(&events);
	mailbox_expect_nothing(&answers);
	xpc_release(client);
	mailbox_free(&events);
	mailbox_free(&answers);
}

/* Messages that clients sent while the daemon did not run wait for it. */
static void rule_07_messages_wait_for_the_daemon(void **state)
{
	struct mailbox events[3] = { MAILBOX, MAILBOX, MAILBOX };
	struct mailbox answers = MAILBOX;
	xpc_connection_t clients[3];
	xpc_object_t reply;

	(void)state;
	launchd_register(SERVICE, NULL);
	for (size_t i = 0; i < 3; i++) {
		clients[i] = client_to(SERVICE, &events[i]);
		ask_for(clients[i], "pid", &answers);
	}
	mailbox_expect_nothing(&answers);
	launchd_unregister();
	for (size_t i = 0; i < 3; i++) {
		/* The socket is gone, and what waited in it. */
		mailbox_expect(&answers, INTERRUPTED);
		mailbox_expect(&events[i], INTERRUPTED);
	}
	launchd_register(SERVICE, "obey");
	for (size_t i = 0; i < 3; i++) {
		ask_for(clients[i], "pid", &answers);
	}
	for (size_t i = 0; i < 3; i++) {
		reply = mailbox_get(&answers);
		assert_int_equal(xpc_dictionary_get_int64(reply, "pid"),
		    launchd_wait_running());
		xpc_release(reply);
	}
	/* Not before all are answered: replies come in any order. */
	for (size_t i = 0; i < 3; i++) {
		client_close(clients[i], &events[i]);
	}
	launchd_unregister();
	launchd_kill();
	mailbox_free(&answers);
}

/* This process serves; clients are processes, and are killed. */
static void rule_08_a_client_process_is_killed(void **state)
{
	struct mailbox *peers = &(struct mailbox)MAILBOX;
	xpc_connection_t listener;
	xpc_object_t event;
	pid_t pid;

	(void)state;
	launchd_register(SERVICE, NULL);
	listener = xpc_connection_create_mach_service(
	    SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
	xpc_connection_set_event_handler(listener, ^(xpc_object_t peer) {
		if (xpc_get_type(peer) == XPC_TYPE_CONNECTION) {
			connection_record(peer, peers);
			xpc_connection_activate(peer);
		}
	});
	xpc_connection_activate(listener);
	pid = scenario_start("client");
	event = mailbox_get(peers);
	assert_int_equal(
	    xpc_connection_get_pid(xpc_dictionary_get_remote_connection(event)),
	    pid);
	assert_string_equal(xpc_dictionary_get_string(event, "command"), "hi");
	xpc_release(event);
	kill(pid, SIGKILL);
	mailbox_expect(peers, INVALID);
	mailbox_expect_nothing(peers);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	launchd_unregister();
	xpc_connection_cancel(listener);
	xpc_release(listener);
	mailbox_free(peers);
}

/* Peers of the one running before get nothing, the others everything. */
static void rule_15_termination(void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	xpc_connection_t client;
	xpc_object_t reply;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	call_pid(client, "begin");
	launchd_wait_transactions(1);
	call_pid(client, "begin");
	launchd_wait_transactions(2);
	call_pid(client, "end");
	launchd_wait_transactions(1);
	ask_for(client, "silence", &answers);
	call_pid(client, "pid");
	kill(launchd_wait_running(), SIGTERM);
	/* From any sender, and although the signal is ignored: the peer's handler
	 * reports that it got the event. */
	reply = mailbox_get(&events);
	assert_string_equal(
	    xpc_dictionary_get_string(reply, "told"), "termination");
	xpc_release(reply);
	/* No more messages: this one is lost with the process. */
	ask_for(client, "die", &answers);
	mailbox_expect_nothing(&answers);
	/* Transactions are still open: the request, and the one begun. The
	 * signal makes the service end that one, and answer that. */
	kill(launchd_wait_running(), SIGUSR1);
	reply = mailbox_get(&answers);
	assert_int_equal(
	    xpc_dictionary_get_int64(reply, "pid"), launchd_wait_running());
	xpc_release(reply);
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	assert_int_equal(launchd_wait_gone(), 0);
	launchd_unregister();
	client_close(client, &events);
	mailbox_free(&answers);
}

static void rule_15_messages_hold_transactions(void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	xpc_connection_t client;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	ask_for(client, "silence", &answers); /* keeps the request */
	launchd_wait_transactions(1);
	call_pid(client, "pid");
	call_pid(client, "forget"); /* releases the request unanswered */
	launchd_wait_transactions(0);
	send_command(client, "keep"); /* a message without reply */
	launchd_wait_transactions(1);
	call_pid(client, "forget");
	launchd_wait_transactions(0);
	launchd_unregister();
	launchd_kill();
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	client_close(client, &events);
	mailbox_free(&answers);
}

static void rule_15_too_many_ends_abort(void **state)
{
	(void)state;
	expect_misuse("transaction-end", "no transaction is open");
}

static void trap_descriptors_are_used_up(void **state)
{
	struct mailbox events = MAILBOX, other_events = MAILBOX;
	xpc_connection_t client, other;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	call_pid(client, "hoard");
	other = client_to(SERVICE, &other_events);
	assert_ptr_equal(call(other, "pid"), INTERRUPTED);
	mailbox_expect(&other_events, INTERRUPTED);
	assert_ptr_equal(call(other, "pid"), INTERRUPTED);
	mailbox_expect(&other_events, INTERRUPTED);
	call_pid(client, "give back");
	assert_int_equal(call_pid(other, "pid"), launchd_wait_running());
	launchd_unregister();
	launchd_kill();
	mailbox_expect(&events, INTERRUPTED);
	mailbox_expect(&other_events, INTERRUPTED);
	client_close(client, &events);
	client_close(other, &other_events);
}

/* The child of a fork gets errors, at once, and can exit. */
static void trap_fork_gets_errors(void **state)
{
	struct mailbox events = MAILBOX;
	xpc_connection_t client;
	xpc_object_t reply;
	pid_t pid;
	int status;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	call_pid(client, "pid");
	pid = fork();
	if (pid == 0) {
		reply = call(client, "pid");
		_exit(reply == INVALID ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* And the parent does not notice. */
	call_pid(client, "pid");
	launchd_unregister();
	launchd_kill();
	mailbox_expect(&events, INTERRUPTED);
	client_close(client, &events);
}

/*
 * The service.
 */

static xpc_object_t kept[16];
static size_t kept_count;
static int hoard[512];
static int hoarded;

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
	for (hoarded = 0; hoarded < 512; hoarded++) {
		hoard[hoarded] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (hoard[hoarded] == -1) {
			break;
		}
	}
}

static void give_back(void)
{
	while (hoarded > 0) {
		close(hoard[--hoarded]);
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
	} else if (strcmp(text, "hoard") == 0) {
		use_up_descriptors();
	} else if (strcmp(text, "give back") == 0) {
		give_back();
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

static int serve(void)
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
		/* The reply's going ends the process. */
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

static int client(void)
{
	static struct mailbox events = MAILBOX;
	xpc_connection_t connection = client_to(SERVICE, &events);

	send_command(connection, "hi");
	pause();
	return 2;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rule_02_an_unknown_service_shows_with_the_first_message),
		cmocka_unit_test(
		    rule_02_a_daemon_is_no_xpc_service_of_a_bundle),
		cmocka_unit_test(rule_03_a_service_of_another_job_is_refused),
		cmocka_unit_test(rule_07_the_service_dies_and_comes_back),
		cmocka_unit_test(rule_07_messages_wait_for_the_daemon),
		cmocka_unit_test(rule_08_a_client_process_is_killed),
		cmocka_unit_test(rule_15_termination),
		cmocka_unit_test(rule_15_messages_hold_transactions),
		cmocka_unit_test(rule_15_too_many_ends_abort),
		cmocka_unit_test(trap_descriptors_are_used_up),
		cmocka_unit_test(trap_fork_gets_errors),
	};

	alarm(100);
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		return serve();
	}
	if (argc == 3 && strcmp(argv[2], "client") == 0) {
		return client();
	}
	if (argc == 3 && strcmp(argv[2], "transaction-end") == 0) {
		xpc_transaction_end();
	}
	fixture_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
