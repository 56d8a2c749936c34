// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "qmp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct qmp {
	FILE *stream; /* for reading; commands go to its descriptor */
};

struct qmp *qmp_create(int fd)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));

	if (qmp != NULL) {
		qmp->stream = fdopen(fd, "r");
	}
	if (qmp == NULL || qmp->stream == NULL) {
		close(fd);
		free(qmp);
		return NULL;
	}
	return qmp;
}

/* Sends the descriptor together with the bytes. */
static bool send_line(struct qmp *qmp, int fd, char *line)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec bytes = { .iov_base = line, .iov_len = strlen(line) };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };

	if (fd != -1) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(fileno(qmp->stream), &message, MSG_NOSIGNAL) ==
	    (ssize_t)bytes.iov_len;
}

/* The greeting and events are ignored. */
static bool wait_for_answer(struct qmp *qmp, const char *command)
{
	static const char done[] = "{\"return\"";
	static const char refused[] = "{\"error\"";
	char *line = NULL;
	size_t size = 0;
	bool ok = false;

	while (getline(&line, &size, qmp->stream) != -1) {
		ok = strncmp(line, done, strlen(done)) == 0;
		if (ok) {
			break;
		}
		if (strncmp(line, refused, strlen(refused)) == 0) {
			fprintf(stderr, "virtualization: QEMU refused %s: %s",
			    command, line);
			break;
		}
	}
	free(line);
	return ok;
}

bool qmp_execute(struct qmp *qmp, int fd, const char *format, ...)
{
	char *line = NULL;
	va_list args;
	bool ok = false;

	va_start(args, format);
	if (vasprintf(&line, format, args) == -1) {
		abort();
	}
	va_end(args);
	ok = send_line(qmp, fd, line) && wait_for_answer(qmp, line);
	free(line);
	return ok;
}

void qmp_destroy(struct qmp *qmp)
{
	if (qmp != NULL) {
		fclose(qmp->stream);
		free(qmp);
	}
}
