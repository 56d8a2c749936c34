// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
//
// What programs for macOS use of its C library, and Linux's has not.

#define PRIVATE

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/ucred.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libkern/OSByteOrder.h>
#include <libproc.h>
#include <mach-o/dyld.h>
#include <netinet/in.h>
#include <os/lock.h>
#include <os/signpost.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "death.h"

static char directory[] = "/tmp/system-test-XXXXXX";

static int setup(void **state)
{
	return mkdtemp(directory) == NULL;
}

static int teardown(void **state)
{
	return rmdir(directory);
}

static void in_directory(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", directory, name);
}

/* Goal: an address may tell its length, and works with and without. */
static void test_unix_address(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	in_directory(address.sun_path, sizeof(address.sun_path), "socket");
	address.sun_len = sizeof(address);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	address.sun_len = 0;
	assert_int_equal(connect(client, (struct sockaddr *)&address,
			     (socklen_t)SUN_LEN(&address)),
	    0);
	assert_int_equal(unlink(address.sun_path), 0);
	close(listener);
	close(client);
}

/* Goal: the same of an Internet address. */
static void test_internet_address(void **state)
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
static void test_peer(void **state)
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

/* Goal: with SO_NOSIGPIPE, writing to a closed socket fails and does not end the
 * program. */
static void test_nosigpipe(void **state)
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
static void test_datagram_full(void **state)
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
static void test_datagram_default(void **state)
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
static void test_stream_send(void **state)
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
static void test_messages(void **state)
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

/* Goal: open() locks, before it cuts, and the second cannot. */
static void test_open_lock(void **state)
{
	char path[64];
	char text[2];
	int first;

	in_directory(path, sizeof(path), "lock");
	first = open(path, O_RDWR | O_CREAT | O_EXLOCK | O_TRUNC, 0600);
	assert_true(first != -1);
	assert_int_equal(write(first, "7", 1), 1);
	assert_int_equal(
	    open(path, O_WRONLY | O_EXLOCK | O_TRUNC | O_NONBLOCK), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(open(path, O_RDONLY | O_SHLOCK | O_NONBLOCK), -1);
	assert_int_equal(pread(first, text, sizeof(text), 0), 1);
	close(first);
	first = open(path, O_RDONLY | O_SHLOCK | O_NONBLOCK);
	assert_true(first != -1);
	close(first);
	assert_int_equal(unlink(path), 0);
}

/* Goal: a descriptor knows its path. */
static void test_get_path(void **state)
{
	char path[MAXPATHLEN];
	int fd = open("/", O_RDONLY);

	assert_int_equal(fcntl(fd, F_GETPATH, path), 0);
	assert_string_equal(path, "/");
	close(fd);
	assert_int_equal(fcntl(fd, F_GETPATH, path), -1);
	assert_int_equal(errno, EBADF);
}

/* Goal: what Mac this is. */
static void test_sysctl(void **state)
{
	int release[] = { CTL_KERN, KERN_OSRELEASE };
	char text[64];
	size_t size = 0;
	uint64_t memory = 0;
	int cpus = 0;

	setenv("STANDIN_MACOS", "26.1", 1);
	assert_int_equal(
	    sysctlbyname("kern.osproductversion", NULL, &size, NULL, 0), 0);
	assert_int_equal(size, sizeof("26.1"));
	size = sizeof(text);
	assert_int_equal(
	    sysctlbyname("kern.osproductversion", text, &size, NULL, 0), 0);
	assert_string_equal(text, "26.1");
	size = sizeof(text);
	assert_int_equal(sysctl(release, 2, text, &size, NULL, 0), 0);
	assert_string_equal(text, "25.1.0");
	unsetenv("STANDIN_MACOS");
	size = 2;
	assert_int_equal(sysctlbyname("kern.ostype", text, &size, NULL, 0), -1);
	assert_int_equal(errno, ENOMEM);
	size = sizeof(cpus);
	assert_int_equal(sysctlbyname("hw.ncpu", &cpus, &size, NULL, 0), 0);
	assert_true(cpus > 0);
	size = sizeof(memory);
	assert_int_equal(
	    sysctlbyname("hw.memsize", &memory, &size, NULL, 0), 0);
	assert_true(memory > 0);
	assert_int_equal(sysctlbyname("kern.none", NULL, NULL, NULL, 0), -1);
	assert_int_equal(errno, ENOENT);
}

/* Goal: a program finds itself. */
static void test_own_path(void **state)
{
	char first[MAXPATHLEN];
	char second[PROC_PIDPATHINFO_MAXSIZE];
	char name[64];
	uint32_t size = 1;

	assert_int_equal(_NSGetExecutablePath(first, &size), -1);
	assert_in_range(size, 2, sizeof(first));
	assert_int_equal(_NSGetExecutablePath(first, &size), 0);
	assert_int_equal(
	    proc_pidpath(getpid(), second, sizeof(second)), strlen(first));
	assert_string_equal(first, second);
	assert_true(proc_name(getpid(), name, sizeof(name)) > 0);
	assert_int_equal(strncmp(name, "system-test", strlen(name)), 0);
	assert_int_equal(proc_pidpath(0x7fffffff, second, sizeof(second)), 0);
	assert_int_equal(errno, ESRCH);
}

static os_unfair_lock lock = OS_UNFAIR_LOCK_INIT;
static int counter;

static void *count(void *unused)
{
	for (int i = 0; i < 10000; i++) {
		os_unfair_lock_lock(&lock);
		counter++;
		os_unfair_lock_unlock(&lock);
	}
	return NULL;
}

static void *try_lock(void *unused)
{
	return os_unfair_lock_trylock(&lock) ? &lock : NULL;
}

/* Goal: one at a time. */
static void test_unfair_lock(void **state)
{
	pthread_t threads[4];
	void *result;

	os_unfair_lock_assert_not_owner(&lock);
	for (int i = 0; i < 4; i++) {
		pthread_create(&threads[i], NULL, count, NULL);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(counter, 40000);
	assert_true(os_unfair_lock_trylock(&lock));
	os_unfair_lock_assert_owner(&lock);
	pthread_create(&threads[0], NULL, try_lock, NULL);
	pthread_join(threads[0], &result);
	assert_null(result);
	os_unfair_lock_unlock(&lock);
}

static void lock_twice(void)
{
	os_unfair_lock_lock(&lock);
	os_unfair_lock_lock(&lock);
}

static void unlock_unlocked(void)
{
	os_unfair_lock_unlock(&lock);
}

static void assert_abort(const char *name, const char *why)
{
	char text[8192];
	int status = death_run(name, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, why));
}

static const struct death cases[] = {
	{ "twice", lock_twice },
	{ "unlocked", unlock_unlocked },
};

/* Goal: misuse ends the process, and says why. */
static void test_unfair_lock_misuse(void **state)
{
	assert_abort("twice", "recursively lock");
	assert_abort("unlocked", "not owned");
}

/* Goal: a class that there is, and no other. */
static void test_qos(void **state)
{
	assert_int_equal(
	    pthread_set_qos_class_self_np(QOS_CLASS_USER_INTERACTIVE, 0), 0);
	assert_int_equal(
	    pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 1), EINVAL);
	assert_int_equal(
	    pthread_set_qos_class_self_np((qos_class_t)1, 0), EINVAL);
}

static int never(void)
{
	fail();
	return 0;
}

/* Goal: signposts compile, cost no evaluation, and are off. */
static void test_signpost(void **state)
{
	os_log_t log = os_log_create("test", "signpost");

	assert_false(os_signpost_enabled(log));
	os_signpost_interval_begin(log, OS_SIGNPOST_ID_EXCLUSIVE, "name");
	os_signpost_event_emit(
	    log, OS_SIGNPOST_ID_EXCLUSIVE, "name", "%d frames", never());
	os_signpost_interval_end(
	    log, OS_SIGNPOST_ID_EXCLUSIVE, "name", "%d frames", 1);
	os_release(log);
}

/* Goal: a format that is right on macOS is right here, and the other way. */
static void test_formats(void **state)
{
	char text[64];
	uint64_t number = UINT64_MAX;
	int64_t signed_number = INT64_MIN;

	snprintf(text, sizeof(text), "%llu", number);
	assert_string_equal(text, "18446744073709551615");
	snprintf(text, sizeof(text), "%lld", signed_number);
	assert_string_equal(text, "-9223372036854775808");
	snprintf(text, sizeof(text), "%" PRIx64, UINT64_C(0xabc));
	assert_string_equal(text, "abc");
}

/* Goal: bytes are swapped, or not. */
static void test_byte_order(void **state)
{
	uint8_t bytes[4];

	assert_int_equal(OSSwapHostToBigInt16(0x1234), htons(0x1234));
	assert_int_equal(OSSwapLittleToHostInt32(0x12345678), 0x12345678);
	OSWriteBigInt32(bytes, 0, 0x01020304);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(OSReadBigInt32(bytes, 0), 0x01020304);
	assert_int_equal(OSReadLittleInt16(bytes, 2), 0x0403);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unix_address),
		cmocka_unit_test(test_internet_address),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_nosigpipe),
		cmocka_unit_test(test_datagram_full),
		cmocka_unit_test(test_datagram_default),
		cmocka_unit_test(test_stream_send),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_open_lock),
		cmocka_unit_test(test_get_path),
		cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_own_path),
		cmocka_unit_test(test_unfair_lock),
		cmocka_unit_test(test_unfair_lock_misuse),
		cmocka_unit_test(test_qos),
		cmocka_unit_test(test_signpost),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_byte_order),
	};

	death_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
	return cmocka_run_group_tests(tests, setup, teardown);
}
