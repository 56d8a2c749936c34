// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-wire-fixture.c
// link: tests/linux/test/xpc-fixture*.c

/*
 * Peers that send good frames when none is expected, or read nothing; and a
 * service that is one of these.
 */

#include "xpc-wire-fixture.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Replies without a request are ignored. */
static void forged_replies_are_ignored(void **state)
{
	struct service service;
	xpc_connection_t peer;
	xpc_object_t event, message = message_create(0);
	struct mailbox answers = MAILBOX;
	struct mailbox *box = &answers;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	for (uint64_t id = 1; id < 100; id++) {
		put_good(XWIRE_REPLY, id, -1);
	}
	put_good(XWIRE_REPLY, UINT64_MAX, -1);
	put_good(XWIRE_MESSAGE, 0, 1);
	raw_send(fd, 0);
	event = mailbox_get(&service.events);
	assert_int_equal(xpc_dictionary_get_int64(event, "n"), 1);
	peer = xpc_dictionary_get_remote_connection(event);
	/* Now there is a request: only its own id answers it, and once. */
	xpc_connection_send_message_with_reply(
	    peer, message, NULL, ^(xpc_object_t reply) {
		    mailbox_put(box, reply);
	    });
	xpc_release(message);
	for (uint64_t id = 2; id < 100; id++) {
		put_good(XWIRE_REPLY, id, -1);
	}
	put_good(XWIRE_REPLY, 1, 42);
	put_good(XWIRE_REPLY, 1, 43);
	raw_send(fd, 0);
	mailbox_expect_number(&answers, 42);
	mailbox_expect_nothing(&answers);
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	mailbox_free(&answers);
	service_close(&service);
}

/* A client that does not read its messages delays no other. */
static void a_client_that_does_not_read(void **state)
{
	static char bytes[1 << 20];
	struct service service;
	xpc_object_t event, reply;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	for (int i = 1; i <= 20; i++) {
		put_good(XWIRE_REQUEST, (uint64_t)i, i);
	}
	raw_send(fd, 0);
	for (int i = 0; i < 20; i++) {
		event = mailbox_get(&service.events);
		reply = xpc_dictionary_create_reply(event);
		xpc_dictionary_set_data(reply, "b", bytes, sizeof(bytes));
		xpc_connection_send_message(
		    xpc_dictionary_get_remote_connection(event), reply);
		xpc_release(reply);
		xpc_release(event);
	}
	service_check(&service);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

/*
 * The other way round: this process is the client, and the service is raw.
 */
static int service_socket(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s/%s",
	    getenv("STANDIN_DIR"), folder, SERVICE);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void service_remove(int fd, const char *folder)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", getenv("STANDIN_DIR"), folder,
	    SERVICE);
	unlink(path);
	close(fd);
}

static struct xwire_header read_header(int fd)
{
	struct xwire_header header;
	char body[256];

	assert_int_equal(
	    recv(fd, &header, sizeof(header), MSG_WAITALL), sizeof(header));
	assert_true(header.length <= sizeof(body));
	assert_int_equal(
	    recv(fd, body, header.length, MSG_WAITALL), header.length);
	return header;
}

static void a_service_that_talks_nonsense(void **state)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	struct mailbox *box = &answers;
	xpc_connection_t client;
	xpc_object_t message = message_create(1);
	struct xwire_header header;
	int service, fd;

	(void)state;
	service = service_socket("services");
	client = client_to(SERVICE, &events);
	xpc_connection_send_message_with_reply(
	    client, message, NULL, ^(xpc_object_t reply) {
		    mailbox_put(box, reply);
	    });
	fd = accept4(service, NULL, NULL, SOCK_CLOEXEC);
	header = read_header(fd);
	assert_int_equal(header.kind, XWIRE_REQUEST);
	raw.length = 0;
	put_good(XWIRE_REPLY, header.id + 1, 1); /* not asked */
	put_good(XWIRE_MESSAGE, 0, 2);
	put("nonsense, and more than a header of it", 38);
	raw_send(fd, 0);
	mailbox_expect_number(&events, 2);
	mailbox_expect(&answers, INTERRUPTED);
	mailbox_expect(&events, INTERRUPTED);
	raw_expect_end(fd);
	/* The next message finds it again; old ids answer nothing. */
	xpc_connection_send_message_with_reply(
	    client, message, NULL, ^(xpc_object_t reply) {
		    mailbox_put(box, reply);
	    });
	xpc_release(message);
	fd = accept4(service, NULL, NULL, SOCK_CLOEXEC);
	put_good(XWIRE_REPLY, header.id, -1);
	header = read_header(fd);
	put_good(XWIRE_REPLY, header.id, 7);
	raw_send(fd, 0);
	mailbox_expect_number(&answers, 7);
	mailbox_expect_nothing(&answers);
	client_close(client, &events);
	raw_expect_end(fd);
	service_remove(service, "services");
	mailbox_free(&answers);
}

static __attribute__((format(printf, 1, 0))) void make_folder(
    const char *format, unsigned int uid, bool make)
{
	char name[64], path[256];

	snprintf(name, sizeof(name), format, uid);
	snprintf(path, sizeof(path), "%s/%s", getenv("STANDIN_DIR"), name);
	assert_int_equal(make ? mkdir(path, 0755) : rmdir(path), 0);
}

/* A client that connects to the socket sends this. */
static void expect_knock(int socket, int64_t number)
{
	struct xwire_header header;
	int64_t said;
	int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);

	assert_int_equal(
	    recv(fd, &header, sizeof(header), MSG_WAITALL), sizeof(header));
	assert_int_equal(header.length, SMALL);
	raw.length = SMALL;
	assert_int_equal(recv(fd, raw.bytes, SMALL, MSG_WAITALL), SMALL);
	memcpy(&said, raw.bytes + SMALL - 8, 8);
	assert_int_equal(said, number);
	close(fd);
}

/* An agent of the same name has priority, unless the client asks for the
 * daemon. */
static void rule_02_privileged_clients_meet_no_agent(void **state)
{
	struct mailbox events = MAILBOX;
	xpc_connection_t client;
	int daemon, agent;
	char folder[64];

	(void)state;
	make_folder("agents", 0, true);
	make_folder("agents/%u", getuid(), true);
	snprintf(folder, sizeof(folder), "agents/%u", getuid());
	daemon = service_socket("services");
	agent = service_socket(folder);
	client = client_to(SERVICE, &events);
	send_number(client, 1);
	expect_knock(daemon, 1);
	client_close(client, &events);
	client = xpc_connection_create_mach_service(SERVICE, NULL, 0);
	connection_record(client, &events);
	xpc_connection_activate(client);
	send_number(client, 2);
	expect_knock(agent, 2);
	mailbox_expect(&events, INTERRUPTED);
	service_remove(agent, folder);
	send_number(client, 3);
	expect_knock(daemon, 3);
	client_close(client, &events);
	service_remove(daemon, "services");
	make_folder("agents/%u", getuid(), false);
	make_folder("agents", 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_replies_are_ignored),
		cmocka_unit_test(a_client_that_does_not_read),
		cmocka_unit_test(a_service_that_talks_nonsense),
		cmocka_unit_test(rule_02_privileged_clients_meet_no_agent),
	};

	fixture_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
