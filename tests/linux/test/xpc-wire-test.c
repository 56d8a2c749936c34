// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/xpc-bench.c tests/linux/test/xpc-bench-launchd.c

/*
 * The stand-in against peers that do not use it: raw bytes on its sockets, as
 * clients and as a service. Whatever they are, they end the peer that sent
 * them and nothing else: after each, an honest client is served.
 */

#include "xpc-bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../xpc/wire.h"

/* Bytes under construction. */
struct raw {
	unsigned char bytes[1 << 20];
	size_t length;
};

static struct raw raw;

static void put(const void *bytes, size_t length)
{
	assert_true(raw.length + length <= sizeof(raw.bytes));
	memcpy(raw.bytes + raw.length, bytes, length);
	raw.length += length;
}

static void put_tag(enum xwire_tag tag)
{
	unsigned char byte = (unsigned char)tag;

	put(&byte, 1);
}

static void put_count(uint32_t count)
{
	put(&count, sizeof(count));
}

static void put_key(const char *key)
{
	put_count((uint32_t)strlen(key));
	put(key, strlen(key));
}

static void put_header(
    enum xwire_kind kind, uint64_t id, size_t length, uint32_t descriptors)
{
	const struct xwire_header header = { .magic = XWIRE_MAGIC,
		.kind = kind,
		.id = id,
		.length = (uint32_t)length,
		.descriptors = descriptors };

	put(&header, sizeof(header));
}

/* Everything after the header: {"n": number}. */
#define SMALL (1 + 4 + 4 + 1 + 1 + 8)

static void put_small(int64_t number)
{
	put_tag(XWIRE_DICTIONARY);
	put_count(1);
	put_key("n");
	put_tag(XWIRE_INT64);
	put(&number, sizeof(number));
}

static void put_good(enum xwire_kind kind, uint64_t id, int64_t number)
{
	put_header(kind, id, SMALL, 0);
	put_small(number);
}

/* Sets the length of the frame that begins at start, whatever it says. */
static void fix_length(size_t start)
{
	struct xwire_header header;

	memcpy(&header, raw.bytes + start, sizeof(header));
	header.length = (uint32_t)(raw.length - start - sizeof(header));
	memcpy(raw.bytes + start, &header, sizeof(header));
}

/*
 * The service under attack, in this process.
 */
struct service {
	xpc_connection_t listener;
	struct mailbox events; /* of all peers */
};

static void service_open(struct service *service)
{
	*service = (struct service){ .events = MAILBOX };
	launchd_register(SERVICE, NULL);
	service->listener = xpc_connection_create_mach_service(
	    SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_LISTENER);
	xpc_connection_set_event_handler(
	    service->listener, ^(xpc_object_t event) {
		    if (xpc_get_type(event) == XPC_TYPE_CONNECTION) {
			    connection_record(event, &service->events);
			    xpc_connection_activate(event);
		    }
	    });
	xpc_connection_activate(service->listener);
}

static void service_close(struct service *service)
{
	launchd_unregister();
	xpc_connection_cancel(service->listener);
	xpc_release(service->listener);
	wait_alive("connection", 0);
	mailbox_free(&service->events);
}

/* An honest client is served. */
static void service_check(struct service *service)
{
	struct mailbox events = MAILBOX, answers = MAILBOX;
	struct mailbox *box = &answers;
	xpc_connection_t client = client_to(SERVICE, &events);
	xpc_object_t message = message_create(1);

	xpc_connection_send_message_with_reply(
	    client, message, NULL, ^(xpc_object_t reply) {
		    mailbox_put(box, reply);
	    });
	xpc_release(message);
	serve_one(&service->events, 99);
	mailbox_expect_number(&answers, 99);
	client_close(client, &events);
	mailbox_expect(&service->events, INVALID);
	mailbox_free(&answers);
}

static int raw_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/services/%s",
	    getenv("STANDIN_DIR"), SERVICE);
	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Sends what has been put, with one descriptor so often beside it. */
static void raw_send_with(int fd, int descriptor, int descriptors)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(253 * sizeof(int))];
	} control = { .header = {
			  .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec bytes = { raw.bytes, raw.length };
	struct msghdr header = { .msg_iov = &bytes, .msg_iovlen = 1 };
	int *each = (int *)CMSG_DATA(&control.header), i;
	ssize_t sent;

	for (i = 0; i < descriptors; i++) {
		each[i] = descriptor;
	}
	if (descriptors > 0) {
		control.header.cmsg_len =
		    CMSG_LEN((size_t)descriptors * sizeof(int));
		header.msg_control = &control;
		header.msg_controllen =
		    CMSG_SPACE((size_t)descriptors * sizeof(int));
	}
	while (bytes.iov_len > 0) {
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
		if (sent < 0) {
			break; /* it has hung up, and rightly */
		}
		bytes.iov_base = (char *)bytes.iov_base + sent;
		bytes.iov_len -= (size_t)sent;
		header.msg_control = NULL;
		header.msg_controllen = 0;
	}
	raw.length = 0;
}

static void raw_send(int fd, int descriptors)
{
	raw_send_with(fd, fd, descriptors);
}

/* Waits until the other side has hung up. */
static void raw_expect_end(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, 0);

	assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
	close(fd);
}

/*
 * A good message, then what has been put: the peer hears the one (and of what
 * has been put, the beginning, if that is good), and INVALID.
 */
static void expect_dropped_after(bool good, int descriptors)
{
	static struct raw bad;
	struct service service;
	int fd;

	bad = raw;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 5);
	raw_send(fd, 0);
	mailbox_expect_number(&service.events, 5);
	raw = bad;
	raw_send(fd, descriptors);
	raw_expect_end(fd);
	if (good) {
		mailbox_expect_number(&service.events, 1);
	}
	mailbox_expect(&service.events, INVALID);
	mailbox_expect_nothing(&service.events);
	service_check(&service);
	/* And once more, with nothing good before it. */
	raw = bad;
	fd = raw_connect();
	raw_send(fd, descriptors);
	raw_expect_end(fd);
	if (good) {
		mailbox_expect_number(&service.events, 1);
		mailbox_expect(&service.events, INVALID);
	}
	service_check(&service);
	service_close(&service);
}

static void expect_dropped(int descriptors)
{
	expect_dropped_after(false, descriptors);
}

static void headers_are_checked(void **state)
{
	const struct xwire_header headers[] = {
		{ 0x12345678, XWIRE_MESSAGE, 0, SMALL, 0 },
		{ XWIRE_MAGIC, 0, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_DROPPED + 1, 1, SMALL, 0 },
		{ XWIRE_MAGIC, 0xffffffff, 1, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 1, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_REQUEST, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_REPLY, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_DROPPED, 0, SMALL, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, XWIRE_LENGTH_MAX + 1, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, UINT32_MAX, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, UINT32_MAX - 20, 0 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, SMALL, UINT32_MAX },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, SMALL, SMALL + 1 },
		{ XWIRE_MAGIC, XWIRE_MESSAGE, 0, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(headers); i++) {
		raw.length = 0;
		put(&headers[i], sizeof(headers[i]));
		put_small(1);
		expect_dropped(0);
	}
}

/* Every prefix of a message, then the end. */
static void a_message_that_stops_anywhere(void **state)
{
	struct service service;
	size_t length;
	int fd;

	(void)state;
	service_open(&service);
	for (length = 0; length < sizeof(struct xwire_header) + SMALL;
	     length++) {
		fd = raw_connect();
		raw.length = 0;
		put_good(XWIRE_MESSAGE, 0, 1);
		raw.length = length;
		raw_send(fd, 0);
		close(fd);
	}
	mailbox_expect_nothing(&service.events); /* they said nothing */
	service_check(&service);
	service_close(&service);
}

/* One byte at a time; and many messages at once. */
static void messages_come_in_pieces_and_in_heaps(void **state)
{
	struct service service;
	unsigned char whole[2 * (sizeof(struct xwire_header) + SMALL)];
	size_t i;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 1);
	put_good(XWIRE_MESSAGE, 0, 2);
	assert_int_equal(raw.length, sizeof(whole));
	memcpy(whole, raw.bytes, sizeof(whole));
	for (i = 0; i < sizeof(whole); i++) {
		raw.length = 0;
		put(whole + i, 1);
		raw_send(fd, 0);
	}
	mailbox_expect_number(&service.events, 1);
	mailbox_expect_number(&service.events, 2);
	for (i = 0; i < 5000; i++) {
		put_good(XWIRE_MESSAGE, 0, (int64_t)i);
	}
	raw_send(fd, 0);
	for (i = 0; i < 5000; i++) {
		mailbox_expect_number(&service.events, (int64_t)i);
	}
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

/* Bodies that are no dictionary, or no more than the beginning of one. */
static void bodies_are_checked(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t length;
	} bodies[] = {
		{ "no dictionary", "\x01", 1 },
		{ "unknown tag", "\x63", 1 },
		{ "tag 0", "\x00", 1 },
		{ "no count", "\x0e", 1 },
		{ "short count", "\x0e\x01\x00", 3 },
		{ "an entry less than said", "\x0e\x01\x00\x00\x00", 5 },
		{ "4 G entries", "\x0e\xff\xff\xff\xff", 5 },
		{ "key beyond the end",
		    "\x0e\x01\x00\x00\x00\xff\xff\xff\xff"
		    "a\x01",
		    11 },
		{ "key without a value",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a",
		    10 },
		{ "bool 2",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x02\x02",
		    12 },
		{ "short number",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x03\x00\x00",
		    13 },
		{ "string beyond the end",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x08\xff\xff\xff\x7f"
		    "b",
		    16 },
		{ "data beyond the end",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x07\x02\x00\x00\x00"
		    "b",
		    16 },
		{ "short uuid",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x09"
		    "0123456789",
		    21 },
		{ "array of nothing",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x0d\x05\x00\x00\x00",
		    15 },
		{ "more than one value", "\x0e\x00\x00\x00\x00\x01", 6 },
		{ "descriptor that is not there",
		    "\x0e\x01\x00\x00\x00\x01\x00\x00\x00"
		    "a\x0a",
		    11 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bodies); i++) {
		raw.length = 0;
		put_header(XWIRE_MESSAGE, 0, bodies[i].length, 0);
		put(bodies[i].bytes, bodies[i].length);
		expect_dropped(0);
	}
}

static void descriptors_are_counted(void **state)
{
	(void)state;
	/* Said, and none there. */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, SMALL, 1);
	put_small(1);
	expect_dropped(0);
	/* There, and nobody said so. */
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 1);
	expect_dropped_after(true, 1);
	raw.length = 0;
	put_good(XWIRE_MESSAGE, 0, 1);
	expect_dropped_after(true, 253);
	/* Said and there, but no value names it. */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, SMALL, 1);
	put_small(1);
	expect_dropped(1);
	/* In a message that does not decode: they are closed all the same. */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, SMALL, 7);
	raw.bytes[raw.length] = 0x63;
	raw.length += SMALL;
	expect_dropped(7);
	/* Before the message is complete, more than a whole message will say.
	 */
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 2 * SMALL, 1);
	put_small(1);
	expect_dropped(2);
}

/* What a message was sent with, and nobody claimed, is closed. */
static void descriptors_of_hostile_messages_are_closed(void **state)
{
	struct service service;
	int fd, ends[2], i;

	(void)state;
	service_open(&service);
	assert_int_equal(pipe(ends), 0);
	for (i = 0; i < 50; i++) {
		fd = raw_connect();
		raw.length = 0;
		put_header(XWIRE_MESSAGE, 0, SMALL, (uint32_t)(i % 3));
		put_small(1);
		raw.length -= (size_t)(i % 2); /* complete or not */
		raw_send_with(fd, ends[0], 1 + i % 4);
		close(fd);
	}
	/* Those that are complete come one by one. */
	for (i = 0; i < 2000 && standin_objects_alive("connection") > 1; i++) {
		mailbox_free(&service.events);
		poll(NULL, 0, 5);
	}
	wait_alive("connection", 1);
	wait_descriptors(ends[1], 2);
	close(ends[0]);
	close(ends[1]);
	service_close(&service);
}

/* A string or key ends at its first NUL; the last of two equal keys counts. */
static void embedded_nuls_and_equal_keys(void **state)
{
	struct service service;
	xpc_object_t event;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 0, 0);
	put_tag(XWIRE_DICTIONARY);
	put_count(3);
	put_count(5);
	put("ab\0cd", 5);
	put_tag(XWIRE_STRING);
	put_count(5);
	put("xy\0zz", 5);
	put_key("same");
	put_tag(XWIRE_ARRAY);
	put_count(1);
	put_tag(XWIRE_NULL);
	put_key("same");
	put_tag(XWIRE_BOOL);
	put("\1", 1);
	fix_length(0);
	raw_send(fd, 0);
	event = mailbox_get(&service.events);
	assert_int_equal(xpc_dictionary_get_count(event), 2);
	assert_string_equal(xpc_dictionary_get_string(event, "ab"), "xy");
	assert_int_equal(
	    xpc_string_get_length(xpc_dictionary_get_value(event, "ab")), 2);
	assert_true(xpc_dictionary_get_bool(event, "same"));
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

static void put_deep(uint32_t depth)
{
	uint32_t i;

	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 0, 0);
	put_tag(XWIRE_DICTIONARY);
	put_count(1);
	put_key("n");
	for (i = 1; i < depth; i++) {
		put_tag(XWIRE_ARRAY);
		put_count(1);
	}
	put_tag(XWIRE_NULL);
	fix_length(0);
}

static void depth_has_a_limit(void **state)
{
	struct service service;
	xpc_object_t event;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	put_deep(XWIRE_DEPTH_MAX);
	raw_send(fd, 0);
	event = mailbox_get(&service.events);
	assert_ptr_equal(xpc_get_type(event), XPC_TYPE_DICTIONARY);
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
	put_deep(XWIRE_DEPTH_MAX + 1);
	expect_dropped(0);
}

/* Replies that nobody waits for are nothing. */
static void forged_replies_are_ignored(void **state)
{
	struct service service;
	xpc_connection_t peer;
	xpc_object_t event, message = message_create(0);
	struct mailbox answers = MAILBOX;
	struct mailbox *box = &answers;
	uint64_t id;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	for (id = 1; id < 100; id++) {
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
	for (id = 2; id < 100; id++) {
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

/* A client that does not read what it is sent holds nobody up. */
static void a_client_that_does_not_read(void **state)
{
	static char bytes[1 << 20];
	struct service service;
	xpc_object_t event, reply;
	int fd, i;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	for (i = 1; i <= 20; i++) {
		put_good(XWIRE_REQUEST, (uint64_t)i, i);
	}
	raw_send(fd, 0);
	for (i = 0; i < 20; i++) {
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

/* Who knocks at the socket, says this. */
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

/* An agent of the same name goes first, but not for who wants the daemon. */
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

/* Shared memory that is shorter than it says would be a SIGBUS. */
static void shared_memory_is_not_believed(void **state)
{
	struct service service;
	xpc_object_t event;
	uint64_t length = 1 << 20;
	void *region = NULL;
	int fd;

	(void)state;
	service_open(&service);
	fd = raw_connect();
	raw.length = 0;
	put_header(XWIRE_MESSAGE, 0, 0, 1);
	put_tag(XWIRE_DICTIONARY);
	put_count(1);
	put_key("m");
	put_tag(XWIRE_SHMEM);
	put(&length, sizeof(length));
	fix_length(0);
	raw_send(fd, 1); /* the socket itself: no memory at all */
	event = mailbox_get(&service.events);
	assert_int_equal(
	    xpc_shmem_map(xpc_dictionary_get_value(event, "m"), &region), 0);
	assert_null(region);
	xpc_release(event);
	close(fd);
	mailbox_expect(&service.events, INVALID);
	service_close(&service);
}

/* Frames with single bytes changed: some are good, none does harm. */
static void every_byte_of_a_message_flipped(void **state)
{
	struct service service;
	struct raw *good = malloc(sizeof(*good));
	size_t i;
	int fd;

	(void)state;
	assert_non_null(good);
	service_open(&service);
	raw.length = 0;
	put_header(XWIRE_REQUEST, 9, 0, 0);
	put_tag(XWIRE_DICTIONARY);
	put_count(2);
	put_key("command");
	put_tag(XWIRE_STRING);
	put_key("acquire");
	put_key("list");
	put_tag(XWIRE_ARRAY);
	put_count(2);
	put_tag(XWIRE_NULL);
	put_tag(XWIRE_BOOL);
	put("\1", 1);
	fix_length(0);
	*good = raw;
	for (i = 0; i < good->length * 8; i++) {
		raw = *good;
		raw.bytes[i / 8] ^= (unsigned char)(1 << (i % 8));
		fd = raw_connect();
		raw_send(fd, 0);
		close(fd);
	}
	settle();
	mailbox_free(&service.events);
	wait_alive("connection", 1);
	mailbox_free(&service.events);
	service_check(&service);
	service_close(&service);
	free(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(a_message_that_stops_anywhere),
		cmocka_unit_test(messages_come_in_pieces_and_in_heaps),
		cmocka_unit_test(bodies_are_checked),
		cmocka_unit_test(descriptors_are_counted),
		cmocka_unit_test(descriptors_of_hostile_messages_are_closed),
		cmocka_unit_test(embedded_nuls_and_equal_keys),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(forged_replies_are_ignored),
		cmocka_unit_test(a_client_that_does_not_read),
		cmocka_unit_test(a_service_that_talks_nonsense),
		cmocka_unit_test(rule_02_privileged_clients_meet_no_agent),
		cmocka_unit_test(shared_memory_is_not_believed),
		cmocka_unit_test(every_byte_of_a_message_flipped),
	};

	bench_start();
	launchd_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
