// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// flags: -Wno-unused-parameter

/*
 * Features of macOS's sockets that Linux does not have.
 */

#define PRIVATE

#include <sys/socket.h>
#include <sys/ucred.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Goal: an address works with and without its length. */
static void a_unix_address_works_with_and_without_its_length(void **state)
{
	char directory[] = "/tmp/system-socket-test-XXXXXX";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_non_null(mkdtemp(directory));
	snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	address.sun_len = sizeof(address);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	address.sun_len = 0;
	assert_int_equal(connect(client, (struct sockaddr *)&address,
			     (socklen_t)SUN_LEN(&address)),
	    0);
	assert_int_equal(unlink(address.sun_path), 0);
	assert_int_equal(rmdir(directory), 0);
	close(listener);
	close(client);
}

/* Goal: the same of an Internet address. */
static void an_internet_address_may_contain_its_length(void **state)
{
	struct sockaddr_in address = {
		.sin_len = sizeof(address),
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* Goal: the credentials of the other end. */
static void the_credentials_of_the_peer_are_known(void **state)
{
	struct xucred peer;
	socklen_t size = sizeof(peer);
	pid_t pid = 0;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(
	    getsockopt(fds[0], SOL_LOCAL, LOCAL_PEERCRED, &peer, &size), 0);
	assert_int_equal(size, sizeof(peer));
	assert_int_equal(peer.cr_version, XUCRED_VERSION);
	assert_int_equal(peer.cr_uid, geteuid());
	assert_int_equal(peer.cr_ngroups, 1);
	assert_int_equal(peer.cr_gid, getegid());
	size = sizeof(pid);
	assert_int_equal(
	    getsockopt(fds[0], SOL_LOCAL, LOCAL_PEERPID, &pid, &size), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(getsockopt(fds[0], SOL_LOCAL, 99, &pid, &size), -1);
	assert_int_equal(errno, ENOPROTOOPT);
	close(fds[0]);
	close(fds[1]);
}

/* Goal: with SO_NOSIGPIPE, writing to a closed socket fails and does not end
 * the program. */
static void with_so_nosigpipe_a_write_to_a_closed_socket_fails(void **state)
{
	int on = 1;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(
	    setsockopt(fds[0], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on)), 0);
	close(fds[1]);
	assert_int_equal(write(fds[0], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[0]);
	signal(SIGPIPE, SIG_DFL);
}

static void datagram_pair(int fds[2], int size)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF,
				     &size, sizeof(size)),
		    0);
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF,
				     &size, sizeof(size)),
		    0);
	}
}

/* How many messages of the size fit in before the socket is full. */
static int datagram_fill(int fd, size_t size)
{
	static const char data[4096];
	int count = 0;

	errno = 0;
	while (send(fd, data, size, 0) == (ssize_t)size) {
		count++;
	}
	assert_int_equal(errno, ENOBUFS);
	return count;
}

/*
 * Goal: the bytes in a datagram socket are limited; every way to send to a full
 * one fails without waiting, and it has room again after a read.
 */
static void a_full_datagram_socket_refuses_without_waiting(void **state)
{
	char data[4096] = { 0 };
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int small[2];
	int large[2];

	datagram_pair(small, 100 * 1024);
	datagram_pair(large, 100 * 1024);
	assert_true(datagram_fill(small[0], 100) >
	    3 * datagram_fill(large[0], sizeof(data)));
	assert_int_equal(write(large[0], data, sizeof(data)), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(writev(large[0], &iov, 1), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(sendmsg(large[0], &message, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(sendto(large[0], data, sizeof(data), 0, NULL, 0), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(read(large[1], data, sizeof(data)), sizeof(data));
	assert_int_equal(write(large[0], data, sizeof(data)), sizeof(data));
	close(small[0]);
	close(small[1]);
	close(large[0]);
	close(large[1]);
}

/* Goal: the default buffers are those of macOS, which are small. */
static void the_default_buffers_of_datagrams_are_small(void **state)
{
	static const char data[9000];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	assert_int_equal(send(fds[0], data, sizeof(data), 0), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_in_range(datagram_fill(fds[0], 1514), 1, 4);
	close(fds[0]);
	close(fds[1]);
}

#define STREAM_SIZE (4 * 1024 * 1024)

static void *read_stream(void *context)
{
	static char data[65536];
	size_t total = 0;
	ssize_t size = 1;

	while (total < STREAM_SIZE && size > 0) {
		size = read(*(const int *)context, data, sizeof(data));
		total += size > 0 ? (size_t)size : 0;
	}
	return (void *)total;
}

/* Goal: send() on a stream waits until all is sent, unless it must not wait. */
static void send_on_a_stream_waits_until_all_is_sent(void **state)
{
	char *data = calloc(1, STREAM_SIZE);
	pthread_t reader;
	void *total;
	ssize_t part;
	ssize_t size = 0;
	int fds[2];

	assert_non_null(data);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	part = send(fds[0], data, STREAM_SIZE, MSG_DONTWAIT);
	assert_in_range(part, 1, STREAM_SIZE - 1);
	while (size >= 0) {
		part += size;
		size = send(fds[0], data, STREAM_SIZE, MSG_DONTWAIT);
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(
	    pthread_create(&reader, NULL, read_stream, &fds[1]), 0);
	assert_int_equal(send(fds[0], data, (size_t)(STREAM_SIZE - part), 0),
	    STREAM_SIZE - part);
	pthread_join(reader, &total);
	assert_int_equal((size_t)total, STREAM_SIZE);
	close(fds[0]);
	close(fds[1]);
	free(data);
}

/* Goal: many messages in one call: as many as fit, as many as there are. */
static void one_call_sends_or_receives_many_messages(void **state)
{
	enum { COUNT = 4 };
	char out[COUNT][8] = { "1", "22", "333", "4444" };
	char in[COUNT + 1][8] = { { 0 } };
	struct iovec iov[COUNT + 1];
	struct msghdr_x messages[COUNT + 1];
	int fds[2];

	memset(messages, 0, sizeof(messages));
	datagram_pair(fds, 100 * 1024);
	for (int i = 0; i < COUNT; i++) {
		iov[i] = (struct iovec){ .iov_base = out[i],
			.iov_len = strlen(out[i]) };
		messages[i].msg_iov = &iov[i];
		messages[i].msg_iovlen = 1;
	}
	assert_int_equal(sendmsg_x(fds[0], messages, COUNT, 0), COUNT);
	for (int i = 0; i <= COUNT; i++) {
		iov[i] = (struct iovec){ .iov_base = in[i],
			.iov_len = sizeof(in[i]) };
		messages[i].msg_iov = &iov[i];
		messages[i].msg_iovlen = 1;
	}
	assert_int_equal(recvmsg_x(fds[1], messages, COUNT + 1, 0), COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(messages[i].msg_datalen, i + 1);
		assert_string_equal(in[i], out[i]);
	}
	assert_int_equal(recvmsg_x(fds[1], messages, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	datagram_fill(fds[0], 4096);
	iov[0] = (struct iovec){ .iov_base = in, .iov_len = sizeof(in) };
	while (sendmsg_x(fds[0], messages, 1, 0) == 1) {
	}
	assert_int_equal(errno, ENOBUFS);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_unix_address_works_with_and_without_its_length),
		cmocka_unit_test(an_internet_address_may_contain_its_length),
		cmocka_unit_test(the_credentials_of_the_peer_are_known),
		cmocka_unit_test(
		    with_so_nosigpipe_a_write_to_a_closed_socket_fails),
		cmocka_unit_test(
		    a_full_datagram_socket_refuses_without_waiting),
		cmocka_unit_test(the_default_buffers_of_datagrams_are_small),
		cmocka_unit_test(send_on_a_stream_waits_until_all_is_sent),
		cmocka_unit_test(one_call_sends_or_receives_many_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
