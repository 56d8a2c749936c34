// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_program = "standin";
static bool log_quiet;
static int log_fd = STDERR_FILENO;

void log_start(const char *program, bool quiet)
{
	log_program = program;
	log_quiet = quiet;
}

void log_redirect(int fd)
{
	log_fd = fd;
}

static void log_write(const char *format, va_list arguments)
{
	char line[1024];
	int saved = errno;
	size_t length;
	ssize_t written;

	snprintf(line, sizeof(line), "%s: ", log_program);
	length = strlen(line);
	/* errno is restored for the %m that format may have. */
	errno = saved;
	vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
	length = strlen(line);
	line[length] = '\n';
	written = write(log_fd, line, length + 1);
	(void)written; /* the error cannot be reported */
	errno = saved;
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write(format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	if (log_quiet) {
		return;
	}
	va_start(arguments, format);
	log_write(format, arguments);
	va_end(arguments);
}
