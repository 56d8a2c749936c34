// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "../dispatch/dispatch-internal.h"
#include "os-log-format.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <os/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* macOS truncates a message to this length. */
#define LOG_TEXT 1024

/* An object for os_retain() and os_release(), which do not count it. */
struct os_log_s {
	struct dispatch_object_s object;
	struct os_log_s *next;
	const char *subsystem;
	const char *category;
};

struct os_log_s _os_log_default = {
	.object.immortal = true, .subsystem = "", .category = ""
};

static struct os_log_s *logs;
static pthread_mutex_t logs_lock = PTHREAD_MUTEX_INITIALIZER;

static struct os_log_s *log_new(const char *subsystem, const char *category)
{
	struct os_log_s *log = calloc(1, sizeof(*log));

	if (log == NULL) {
		abort();
	}
	log->object.immortal = true;
	log->subsystem = strdup(subsystem);
	log->category = strdup(category);
	log->next = logs;
	logs = log;
	return log;
}

/* Never freed, and the same for the same names. */
os_log_t os_log_create(const char *subsystem, const char *category)
{
	struct os_log_s *log;

	pthread_mutex_lock(&logs_lock);
	for (log = logs; log != NULL; log = log->next) {
		if (strcmp(log->subsystem, subsystem) == 0 &&
		    strcmp(log->category, category) == 0) {
			break;
		}
	}
	if (log == NULL) {
		log = log_new(subsystem, category);
	}
	pthread_mutex_unlock(&logs_lock);
	return log;
}

/* Does STANDIN_LOG, a comma separated list, contain the word? */
static bool log_option(const char *word)
{
	const char *list = getenv("STANDIN_LOG");
	size_t length = strlen(word);

	while (list != NULL && *list != '\0') {
		if (strncmp(list, word, length) == 0 &&
		    (list[length] == '\0' || list[length] == ',')) {
			return true;
		}
		list = strchr(list, ',');
		list = list == NULL ? NULL : list + 1;
	}
	return false;
}

bool os_log_type_enabled(os_log_t log, os_log_type_t type)
{
	if (log == OS_LOG_DISABLED) {
		return false;
	}
	return type != OS_LOG_TYPE_DEBUG || log_option("debug");
}

static const char *type_name(os_log_type_t type)
{
	switch (type) {
	case OS_LOG_TYPE_INFO:
		return "info";
	case OS_LOG_TYPE_DEBUG:
		return "debug";
	case OS_LOG_TYPE_ERROR:
		return "error";
	case OS_LOG_TYPE_FAULT:
		return "fault";
	default:
		return "default";
	}
}

/* One message, one line. */
static void flatten(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\r') {
			*text = ' ';
		}
	}
}

static void log_append(const char *line, size_t length)
{
	char name[PATH_MAX];
	ssize_t written;
	int fd;

	snprintf(name, sizeof(name), "%s/log", system_directory());
	fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd == -1) {
		return; /* no sandbox, no log */
	}
	written = write(fd, line, length);
	(void)written;
	close(fd);
}

void standin_os_log(os_log_t log, os_log_type_t type, const char *format, ...)
{
	int error = errno;
	char text[LOG_TEXT];
	char line[LOG_TEXT + 256];
	va_list arguments;
	int length;

	va_start(arguments, format);
	os_log_format(text, sizeof(text), error, format, &arguments);
	va_end(arguments);
	flatten(text);
	length = snprintf(line, sizeof(line), "%.64s[%d] %s %.64s:%.64s: %s\n",
	    getprogname(), getpid(), type_name(type), log->subsystem,
	    log->category, text);
	log_append(line, (size_t)length);
	if (log_option("stderr")) {
		fwrite(line, 1, (size_t)length, stderr);
	}
	errno = error;
}
