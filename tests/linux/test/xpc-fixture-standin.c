// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * See xpc-fixture-standin.h. Here: services, objects, scenarios. launchd is in
 * xpc-fixture-launchd.c.
 */

#include "xpc-fixture-standin.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

xpc_connection_t client_to(const char *service, struct mailbox *events)
{
	xpc_connection_t client = xpc_connection_create_mach_service(
	    service, NULL, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);

	connection_record(client, events);
	xpc_connection_activate(client);
	return client;
}

/* Polls: freeing an object causes no event. */
void wait_alive(const char *type, long count)
{
	long alive = standin_objects_alive(type);

	for (int i = 0; i < 2000 && alive > count; i++) {
		poll(NULL, 0, 5);
		alive = standin_objects_alive(type);
	}
	assert_int_equal(alive, count);
}

size_t descriptors_to(int fd)
{
	DIR *folder = opendir("/proc/self/fd");
	struct stat wanted, each;
	size_t count = 0;

	assert_non_null(folder);
	assert_int_equal(fstat(fd, &wanted), 0);
	for (struct dirent *entry = readdir(folder); entry != NULL;
	     entry = readdir(folder)) {
		if (fstatat(dirfd(folder), entry->d_name, &each, 0) == 0 &&
		    each.st_dev == wanted.st_dev &&
		    each.st_ino == wanted.st_ino) {
			count++;
		}
	}
	closedir(folder);
	return count;
}

/* Polls, for the same reason. */
void wait_descriptors(int fd, size_t count)
{
	size_t have = descriptors_to(fd);

	for (int i = 0; i < 2000 && have > count; i++) {
		poll(NULL, 0, 5);
		have = descriptors_to(fd);
	}
	assert_int_equal(have, count);
}

static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got = 1;
	char rest[256];

	while (got > 0) {
		if (length + 1 < size) {
			got = read(fd, text + length, size - 1 - length);
			length += got > 0 ? (size_t)got : 0;
		} else {
			got = read(fd, rest, sizeof(rest));
		}
	}
	text[length] = '\0';
}

int scenario_run(const char *one, const char *two, char *text, size_t size)
{
	char *arguments[] = { "/proc/self/exe", (char *)one, (char *)two,
		NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL,
			     arguments, environ),
	    0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	read_all(ends[0], text, size);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

void expect_misuse(const char *name, const char *why)
{
	char text[8192];
	int status = scenario_run("misuse", name, text, sizeof(text));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
	    strstr(text, why) == NULL) {
		print_error("%s: status %#x, not an abort that says \"%s\":\n"
			    "%s\n",
		    name, status, why, text);
		fail();
	}
}

pid_t scenario_start(const char *name)
{
	char *arguments[] = { "/proc/self/exe", "scenario", (char *)name,
		NULL };
	pid_t pid;

	assert_int_equal(
	    posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ),
	    0);
	return pid;
}
