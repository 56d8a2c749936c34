// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: tests/linux/common/unix.c

/*
 * The sockets of the stand-in's servers.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../common/unix.h"

static char directory[] = "/tmp/common-unix-test.XXXXXX";
static char path[PATH_MAX];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (mkdtemp(directory) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/socket", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++) {
		count += fcntl(fd, F_GETFD) != -1;
	}
	return count;
}

/* Goal: when the path exists, it can be connected to; its mode is right from
 * the start; an old socket is replaced, and nothing else is left in the
 * folder. */
static void a_listener_is_ready_when_its_path_exists(void **state)
{
	char events[4096];
	struct inotify_event *event = (struct inotify_event *)events;
	struct stat status;
	int watch = inotify_init1(IN_CLOEXEC);
	int first, second, client;

	(void)state;
	assert_true(inotify_add_watch(watch, directory, IN_MOVED_TO) != -1);
	first = unix_listen(path, SOCK_SEQPACKET, 0666, 5);
	assert_true(first != -1);
	assert_true(read(watch, events, sizeof(events)) > 0);
	assert_string_equal(event->name, "socket");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0666);
	second = unix_listen(path, SOCK_SEQPACKET, 0600, 5);
	assert_true(second != -1);
	client = unix_connect(path, SOCK_SEQPACKET);
	assert_true(client != -1);
	close(client);
	client = accept(second, NULL, NULL);
	assert_true(client != -1);
	close(client);
	close(first);
	close(second);
	close(watch);
}

/* Goal: failures have their errno, and leave no descriptor open. */
static void failures_have_their_errno_and_leave_nothing_open(void **state)
{
	char longer[200];
	int before = descriptors();

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(unix_connect(longer, SOCK_STREAM), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(unix_listen(longer, SOCK_STREAM, 0600, 1), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(unix_connect(path, SOCK_STREAM), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(
	    unix_listen("/nonexistent/x", SOCK_STREAM, 0600, 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(descriptors(), before);
}

static void make_pair(int type, int *pair)
{
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

/* Goal: as many descriptors as one message carries; none is lost. */
static void a_message_carries_up_to_the_limit_of_descriptors(void **state)
{
	int sent[UNIX_FDS_MAX];
	int received[UNIX_FDS_MAX];
	int count = UNIX_FDS_MAX;
	int before = descriptors();
	char byte;
	int pair[2];

	(void)state;
	make_pair(SOCK_SEQPACKET, pair);
	for (int i = 0; i < UNIX_FDS_MAX; i++) {
		sent[i] = pair[0];
	}
	assert_int_equal(unix_send(pair[0], "x", 1, sent, UNIX_FDS_MAX), 0);
	assert_int_equal(unix_receive(pair[1], &byte, 1, received, &count), 1);
	assert_int_equal(count, UNIX_FDS_MAX);
	for (int i = 0; i < count; i++) {
		assert_int_equal(fcntl(received[i], F_GETFD), FD_CLOEXEC);
		close(received[i]);
	}
	assert_int_equal(
	    unix_send(pair[0], "x", 1, sent, UNIX_FDS_MAX + 1), -1);
	assert_int_equal(errno, EINVAL);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(descriptors(), before);
}

/* Goal: what does not fit is refused whole, and closed. */
static void a_message_that_does_not_fit_is_refused_whole(void **state)
{
	int before = descriptors();
	int received[1];
	int count = 1;
	char text[4];
	int pair[2];

	(void)state;
	make_pair(SOCK_SEQPACKET, pair);
	assert_int_equal(unix_send(pair[0], "x", 1, pair, 2), 0);
	assert_int_equal(
	    unix_receive(pair[1], text, sizeof(text), received, &count), -1);
	assert_int_equal(errno, EMSGSIZE);
	/* A receiver that wants no descriptors gets none. */
	assert_int_equal(unix_send(pair[0], "x", 1, pair, 1), 0);
	assert_int_equal(
	    unix_receive(pair[1], text, sizeof(text), NULL, NULL), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(unix_send(pair[0], "too long", 8, pair, 1), 0);
	count = 1;
	assert_int_equal(
	    unix_receive(pair[1], text, sizeof(text), received, &count), -1);
	assert_int_equal(errno, EMSGSIZE);
	close(pair[0]);
	assert_int_equal(
	    unix_receive(pair[1], text, sizeof(text), NULL, NULL), 0);
	close(pair[1]);
	assert_int_equal(descriptors(), before);
}

#define BIG (1024 * 1024)

static void *read_all(void *argument)
{
	size_t size = 0;
	char text[4096];
	ssize_t got;

	do {
		got = read(*(int *)argument, text, sizeof(text));
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	return (void *)(uintptr_t)size;
}

/* Goal: a stream that is full is waited for, also when it does not block by
 * itself; a peer that is gone is EPIPE and no signal. */
static void send_waits_for_a_full_stream_and_reports_a_closed_one(void **state)
{
	char *data = calloc(1, BIG);
	pthread_t thread;
	void *size;
	int pair[2];

	(void)state;
	assert_non_null(data);
	make_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
	assert_int_equal(fcntl(pair[1], F_SETFL, 0), 0);
	pthread_create(&thread, NULL, read_all, &pair[1]);
	assert_int_equal(unix_send(pair[0], data, BIG, NULL, 0), 0);
	close(pair[0]);
	pthread_join(thread, &size);
	assert_int_equal((uintptr_t)size, BIG);
	close(pair[1]);
	free(data);
	make_pair(SOCK_STREAM, pair);
	close(pair[1]);
	assert_int_equal(unix_send(pair[0], "x", 1, NULL, 0), -1);
	assert_int_equal(errno, EPIPE);
	close(pair[0]);
}

/* Goal: unix_send_now() does not wait for a peer that does not read. */
static void send_now_does_not_wait_for_the_reader(void **state)
{
	int result = 0;
	int pair[2];

	(void)state;
	make_pair(SOCK_SEQPACKET, pair);
	for (int i = 0; i < 100000 && result == 0; i++) {
		result = unix_send_now(pair[0], "x", 1, NULL, 0);
	}
	assert_int_equal(result, -1);
	assert_int_equal(errno, EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

static void the_credentials_of_the_peer_are_known(void **state)
{
	struct ucred peer;
	int pair[2];

	(void)state;
	make_pair(SOCK_STREAM, pair);
	assert_int_equal(unix_peer(pair[0], &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, geteuid());
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_listener_is_ready_when_its_path_exists, make_directory,
		    remove_directory),
		cmocka_unit_test_setup_teardown(
		    failures_have_their_errno_and_leave_nothing_open,
		    make_directory, remove_directory),
		cmocka_unit_test(
		    a_message_carries_up_to_the_limit_of_descriptors),
		cmocka_unit_test(a_message_that_does_not_fit_is_refused_whole),
		cmocka_unit_test(
		    send_waits_for_a_full_stream_and_reports_a_closed_one),
		cmocka_unit_test(send_now_does_not_wait_for_the_reader),
		cmocka_unit_test(the_credentials_of_the_peer_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
