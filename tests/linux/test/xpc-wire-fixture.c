// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "xpc-wire-fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

struct raw raw;

void put(const void *bytes, size_t length)
{
	assert_true(raw.length + length <= sizeof(raw.bytes));
	memcpy(raw.bytes + raw.length, bytes, length);
	raw.length += length;
}

void put_tag(enum xwire_tag tag)
{
	unsigned char byte = (unsigned char)tag;

	put(&byte, 1);
}

void put_count(uint32_t count)
{
	put(&count, sizeof(count));
}

void put_key(const char *key)
{
	put_count((uint32_t)strlen(key));
	put(key, strlen(key));
}

void put_header(
    enum xwire_kind kind, uint64_t id, size_t length, uint32_t descriptors)
{
	const struct xwire_header header = { .magic = XWIRE_MAGIC,
		.kind = kind,
		.id = id,
		.length = (uint32_t)length,
		.descriptors = descriptors };

	put(&header, sizeof(header));
}

void put_small(int64_t number)
{
	put_tag(XWIRE_DICTIONARY);
	put_count(1);
	put_key("n");
	put_tag(XWIRE_INT64);
	put(&number, sizeof(number));
}

void put_good(enum xwire_kind kind, uint64_t id, int64_t number)
{
	put_header(kind, id, SMALL, 0);
	put_small(number);
}

void fix_length(size_t start)
{
	struct xwire_header header;

	memcpy(&header, raw.bytes + start, sizeof(header));
	header.length = (uint32_t)(raw.length - start - sizeof(header));
	memcpy(raw.bytes + start, &header, sizeof(header));
}

void service_open(struct service *service)
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

void service_close(struct service *service)
{
	launchd_unregister();
	xpc_connection_cancel(service->listener);
	xpc_release(service->listener);
	wait_alive("connection", 0);
	mailbox_free(&service->events);
}

void service_check(struct service *service)
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

int raw_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/services/%s",
	    getenv("STANDIN_DIR"), SERVICE);
	assert_true(fd != -1);
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void raw_send_with(int fd, int descriptor, int descriptors)
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
		if (sent == -1) {
			break; /* it has hung up, and rightly */
		}
		bytes.iov_base = (char *)bytes.iov_base + sent;
		bytes.iov_len -= (size_t)sent;
		header.msg_control = NULL;
		header.msg_controllen = 0;
	}
	raw.length = 0;
}

void raw_send(int fd, int descriptors)
{
	raw_send_with(fd, fd, descriptors);
}

void raw_expect_end(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, 0);

	assert_true(got == 0 || (got == -1 && errno == ECONNRESET));
	close(fd);
}

void expect_dropped_after(bool good, int descriptors)
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

void expect_dropped(int descriptors)
{
	expect_dropped_after(false, descriptors);
}
