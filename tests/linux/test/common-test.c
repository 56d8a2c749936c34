// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// link: tests/linux/common/unix.c tests/linux/common/spawn.c
// link: tests/linux/common/idmap.c

/* The helpers of the stand-in's servers. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../common/idmap.h"
#include "../common/spawn.h"
#include "../common/unix.h"

static char directory[] = "/tmp/common-test.XXXXXX";
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

/* Goal: when the path exists, it can be connected to; its mode is right from the
 * start; an old socket is replaced, and nothing else is left in the folder. */
static void test_listen(void **state)
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
static void test_failures(void **state)
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
static void test_descriptors(void **state)
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
static void test_too_much(void **state)
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
static void test_full(void **state)
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
static void test_send_now(void **state)
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

static void test_peer(void **state)
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

/* Goal: status, signal, and a program that is not there. */
static void test_run(void **state)
{
	static const char *const seven[] = { "sh", "-c", "exit 7", NULL };
	static const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
	static const char *const nothing[] = { "/nonexistent", NULL };

	(void)state;
	assert_int_equal(spawn_run(seven), 7);
	assert_int_equal(spawn_run(killed), 128 + 9);
	assert_int_equal(spawn_run(nothing), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Goal: the child has its stdio, no descriptor of ours, a session of its own
 * and no blocked signal. */
static void test_spawn(void **state)
{
	static const char *const argv[] = { "sh", "-c",
		/* A pipe would be there as well, and fork() blocks signals. */
		"ls /proc/$$/fd;"
		"cut -d' ' -f1,6 /proc/$$/stat;"
		"exec sed -n 's/^SigBlk:.0*//p' /proc/$$/status",
		NULL };
	struct spawn spawn = {
		.argv = argv,
		.stdio = { SPAWN_NULL, -1, SPAWN_INHERIT },
		.netns = -1,
		.session = true,
	};
	char text[256] = "";
	char wanted[256];
	size_t length = 0;
	ssize_t got;
	sigset_t set;
	int inherited = dup(0);
	int pipes[2];
	int status;
	pid_t pid;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(pipe(pipes), 0);
	spawn.stdio[1] = pipes[1];
	pid = spawn_start(&spawn);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	assert_true(pid > 0);
	close(pipes[1]);
	do {
		got = read(pipes[0], text + length, sizeof(text) - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(spawn_status(status), 0);
	snprintf(
	    wanted, sizeof(wanted), "0\n1\n2\n%d %d\n\n", (int)pid, (int)pid);
	assert_string_equal(text, wanted);
	close(pipes[0]);
	close(inherited);
}

static void test_idmap(void **state)
{
	(void)state;
	assert_true(idmap_has_user(geteuid()));
	assert_true(idmap_has_group(getegid()));
	/* No namespace has the id that means "none". */
	assert_false(idmap_has_user((uid_t)-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_listen, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(
		    test_failures, make_directory, remove_directory),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_send_now),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_spawn),
		cmocka_unit_test(test_idmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
