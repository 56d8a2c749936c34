// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: tests/linux/common/unix.c tests/linux/common/spawn.c

#include "sdk-fixture.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <standin.h>

#include "../linux/common/spawn.h"
#include "../linux/common/unix.h"
#include "protocol.h"

static struct {
	pthread_mutex_t lock;
	int service; /* under the lock: launchd's thread hands it out */
	int lines[2];
	pid_t pid;
} fixture = { PTHREAD_MUTEX_INITIALIZER, -1, { -1, -1 }, 0 };

void check_int(const char *file, int line, const char *what, long long have,
    long long want)
{
	if (have != want) {
		fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line,
		    what, have, want);
		exit(1);
	}
}

void check_string(const char *file, int line, const char *what,
    const char *have, const char *want)
{
	if (have == NULL || strcmp(have, want) != 0) {
		fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line,
		    what, have == NULL ? "(null)" : have, want);
		exit(1);
	}
}

static const char *fixture_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", getenv("STANDIN_DIR"), name);
	return path;
}

void service_open(void)
{
	char path[256];

	pthread_mutex_lock(&fixture.lock);
	fixture.service = unix_listen(
	    fixture_path(path, sizeof(path), "services/" VMNET_BROKER_SERVICE),
	    SOCK_STREAM, 0666, 64);
	if (fixture.service == -1) {
		err(1, "%s", path);
	}
	pthread_mutex_unlock(&fixture.lock);
}

void service_close(void)
{
	char path[256];

	fixture_path(path, sizeof(path), "services/" VMNET_BROKER_SERVICE);
	pthread_mutex_lock(&fixture.lock);
	if (unlink(path) == -1 || close(fixture.service) == -1) {
		err(1, "%s", path);
	}
	fixture.service = -1;
	pthread_mutex_unlock(&fixture.lock);
}

void service_wait(void)
{
	struct pollfd knock = { fixture.service, POLLIN, 0 };

	if (poll(&knock, 1, -1) != 1) {
		err(1, "poll");
	}
}

/* Answers one broker. False: it was killed before it asked, or had the
 * answer. */
static bool launchd_check_in(int client)
{
	char text[256];
	ssize_t size = recv(client, text, sizeof(text) - 1, 0);

	if (size == 0 || (size == -1 && errno == ECONNRESET)) {
		return false;
	}
	if (size == -1) {
		err(1, "launchd: recv");
	}
	text[size] = '\0';
	CHECK_STRING(text, "checkin " VMNET_BROKER_SERVICE);
	pthread_mutex_lock(&fixture.lock);
	size = unix_send(client, "ok", 2, &fixture.service, 1);
	pthread_mutex_unlock(&fixture.lock);
	if (size == -1 && errno != EPIPE) {
		err(1, "launchd: send");
	}
	return size != -1;
}

/* Hands out the service to one broker, and waits until that is gone. */
static void launchd_serve(int client)
{
	char text[256];

	if (launchd_check_in(client)) {
		while (recv(client, text, sizeof(text), 0) > 0) {
			continue;
		}
	}
	close(client);
}

static void *launchd_main(void *argument)
{
	int *listener = argument;

	for (;;) {
		int client = accept(*listener, NULL, NULL);

		if (client == -1) {
			err(1, "launchd: accept");
		}
		launchd_serve(client);
	}
}

void fixture_start(void)
{
	static int listener;
	pthread_t thread;
	char path[256];

	/* Whatever the scenario waits for in vain. */
	alarm(120);
	if (pipe2(fixture.lines, O_CLOEXEC) == -1) {
		err(1, "pipe");
	}
	service_open();
	listener = unix_listen(fixture_path(path, sizeof(path), "launchd.sock"),
	    SOCK_SEQPACKET, 0666, 8);
	if (listener == -1) {
		err(1, "%s", path);
	}
	if (pthread_create(&thread, NULL, launchd_main, &listener) != 0) {
		errx(1, "pthread_create");
	}
	pthread_detach(thread);
}

void broker_start(const char *mode)
{
	const char *argv[] = { "/proc/self/exe", "broker", mode, NULL };
	struct spawn spawn = { .argv = argv,
		.stdio = { SPAWN_NULL, fixture.lines[1], SPAWN_INHERIT },
		.netns = -1 };

	fixture.pid = spawn_start(&spawn);
	if (fixture.pid == -1) {
		err(1, "broker");
	}
}

static int broker_reap(void)
{
	int status;

	if (waitpid(fixture.pid, &status, 0) == -1) {
		err(1, "waitpid");
	}
	fixture.pid = 0;
	return spawn_status(status);
}

void broker_kill(void)
{
	if (kill(fixture.pid, SIGKILL) == -1) {
		err(1, "kill");
	}
	CHECK_INT(broker_reap(), 128 + SIGKILL);
}

void broker_wait(void)
{
	CHECK_INT(broker_reap(), 0);
}

void broker_read(char *line)
{
	size_t length = 0;

	while (read(fixture.lines[0], line + length, 1) == 1 && length < 127) {
		if (line[length] == '\n') {
			line[length] = '\0';
			return;
		}
		length++;
	}
	errx(1, "broker: %zu bytes and no line", length);
}

void broker_expect(const char *line)
{
	char have[128];

	broker_read(have);
	CHECK_STRING(have, line);
}

void broker_forget(void)
{
	struct pollfd more = { fixture.lines[0], POLLIN, 0 };
	char line[128];

	while (poll(&more, 1, 0) == 1) {
		broker_read(line);
	}
}

void broker_expect_nothing(void)
{
	struct pollfd more = { fixture.lines[0], POLLIN, 0 };
	char have[128] = "";

	if (poll(&more, 1, 0) == 1) {
		broker_read(have);
	}
	CHECK_STRING(have, "");
}

void alive_at_most(long alive)
{
	while (standin_objects_alive(NULL) > alive) {
		sched_yield();
	}
}

void crowd_run(void *(*run)(void *number))
{
	pthread_t threads[CROWD];

	for (uintptr_t i = 0; i < CROWD; i++) {
		CHECK_INT(pthread_create(&threads[i], NULL, run, (void *)i), 0);
	}
	for (size_t i = 0; i < CROWD; i++) {
		CHECK_INT(pthread_join(threads[i], NULL), 0);
	}
}
