// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* launchctl: sends its arguments to launchd and prints the answer. */

#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/unix.h"
#include "launchd.h"

/* As timeout(1). */
#define EXIT_TIMED_OUT 124

static const char usage[] =
    "usage: launchctl SUBCOMMAND ...\n"
    "\n"
    "  print TARGET                  TARGET: system/LABEL or "
    "gui/UID/LABEL\n"
    "  list\n"
    "  bootstrap DOMAIN PLIST        DOMAIN: system or gui/UID\n"
    "  bootout TARGET                returns before the job has ended\n"
    "  kickstart [-k] [-p] TARGET\n"
    "  kill SIGNAL TARGET\n"
    "  enable|disable TARGET\n"
    "  print-disabled DOMAIN\n"
    "\n"
    "Not Apple's:\n"
    "  standin-wait TARGET STATE [SECONDS]\n"
    "      blocks until the job is running, exited, gone (booted out), "
    "has\n"
    "      been started N times (runs=N) or has N transactions "
    "(active=N)\n";

struct message {
	char text[CONTROL_MESSAGE_MAX];
	size_t length;
};

static int add(struct message *message, const char *word)
{
	size_t size = strlen(word) + 1;

	if (size > sizeof(message->text) - message->length) {
		fprintf(stderr, "launchctl: arguments too long\n");
		return -1;
	}
	memcpy(message->text + message->length, word, size);
	message->length += size;
	return 0;
}

static int connect_launchd(void)
{
	const char *directory = getenv("STANDIN_DIR");
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/launchd.sock",
	    directory != NULL ? directory : "/run/standin");
	fd = unix_connect(path, SOCK_SEQPACKET);
	if (fd == -1) {
		fprintf(stderr, "launchctl: %s: %s\n", path, strerror(errno));
	}
	return fd;
}

/* -1: forever. */
static int wait_timeout(int argc, char **argv)
{
	char *end;
	double seconds;

	if (strcmp(argv[1], "standin-wait") != 0 || argc < 5) {
		return -1;
	}
	seconds = strtod(argv[4], &end);
	if (end == argv[4] || *end != '\0' || seconds < 0 ||
	    seconds > INT_MAX / 1000) {
		fprintf(stderr, "launchctl: %s: not a number of seconds\n",
		    argv[4]);
		exit(LAUNCHD_USAGE);
	}
	return (int)(seconds * 1000);
}

/* Makes bootstrap's path absolute, because launchd's working directory is /. */
static int make_request(struct message *message, int argc, char **argv)
{
	char path[PATH_MAX];

	if (add(message, "launchctl") == -1) {
		return -1;
	}
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (i == 3 && strcmp(argv[1], "bootstrap") == 0 &&
		    realpath(word, path) != NULL) {
			word = path;
		}
		if (add(message, word) == -1) {
			return -1;
		}
	}
	return 0;
}

static bool has_flag(int argc, char **argv, char flag)
{
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '-' && strchr(argv[i], flag) != NULL) {
			return true;
		}
	}
	return false;
}

/* Prints an answer "STATUS\nTEXT"; its status. */
static int print_answer(int argc, char **argv, const char *answer)
{
	const char *text = strchr(answer, '\n');
	int status = atoi(answer);

	text = text != NULL ? text + 1 : "";
	if (status != LAUNCHD_OK) {
		fputs(text, stderr);
	} else if (strcmp(argv[1], "kickstart") == 0) {
		if (has_flag(argc, argv, 'p')) {
			printf("service spawned with pid: %s", text);
		}
	} else if (strcmp(argv[1], "standin-wait") != 0) {
		fputs(text, stdout);
	}
	return status;
}

static int talk(int argc, char **argv)
{
	static struct message message;
	static char answer[CONTROL_MESSAGE_MAX + 1];
	struct pollfd wait = { .events = POLLIN };
	ssize_t length;

	wait.fd = connect_launchd();
	if (wait.fd == -1 || make_request(&message, argc, argv) == -1 ||
	    unix_send(wait.fd, message.text, message.length, NULL, 0) == -1) {
		return EXIT_FAILURE;
	}
	if (poll(&wait, 1, wait_timeout(argc, argv)) == 0) {
		fprintf(stderr, "launchctl: %s: not %s in time\n", argv[2],
		    argv[3]);
		return EXIT_TIMED_OUT;
	}
	length = unix_receive(wait.fd, answer, CONTROL_MESSAGE_MAX, NULL, NULL);
	if (length <= 0) {
		fprintf(stderr, "launchctl: launchd closed the connection\n");
		return EXIT_FAILURE;
	}
	answer[length] = '\0';
	return print_answer(argc, argv, answer);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		fputs(usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? LAUNCHD_USAGE : EXIT_SUCCESS;
	}
	status = talk(argc, argv);
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
