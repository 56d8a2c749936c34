// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/xpc-fixture*.c
// link: tests/linux/test/xpc-service-fixture.c

/*
 * Rules of XPC that need a service: which services a process finds, and the
 * processes of clients.
 */

#include "xpc-service-fixture.h"

#include <signal.h>
#include <sys/wait.h>

static void rule_02_an_unknown_service_is_reported_with_the_first_message(
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

static void trap_descriptors_are_used_up(void **state)
{
	struct mailbox events = MAILBOX, other_events = MAILBOX;
	xpc_connection_t client, other;

	(void)state;
	launchd_register(SERVICE, "obey");
	client = client_to(SERVICE, &events);
	call_pid(client, "use up descriptors");
	other = client_to(SERVICE, &other_events);
	assert_ptr_equal(call(other, "pid"), INTERRUPTED);
	mailbox_expect(&other_events, INTERRUPTED);
	assert_ptr_equal(call(other, "pid"), INTERRUPTED);
	mailbox_expect(&other_events, INTERRUPTED);
	call_pid(client, "release descriptors");
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
		    rule_02_an_unknown_service_is_reported_with_the_first_message),
		cmocka_unit_test(
		    rule_02_a_daemon_is_no_xpc_service_of_a_bundle),
		cmocka_unit_test(rule_03_a_service_of_another_job_is_refused),
		cmocka_unit_test(rule_08_a_client_process_is_killed),
		cmocka_unit_test(trap_descriptors_are_used_up),
		cmocka_unit_test(trap_fork_gets_errors),
	};

	alarm(100);
	service_main(argc, argv);
	if (argc == 3 && strcmp(argv[2], "client") == 0) {
		return client();
	}
	fixture_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
