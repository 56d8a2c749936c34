// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The text is marked as public for os_log: nothing that is logged is secret,
 * and callers escape text from clients.
 */

#include "log.h"

#include <os/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "protocol.h"

#define NANOSECONDS UINT64_C(1000000000)

/* os_log stores at most 1024 bytes of a line. */
#define LINE 1024

static os_log_t system_log;
static bool to_stderr;
static bool with_debug;

void log_start(bool foreground, bool debug)
{
	system_log = os_log_create(VMNET_BROKER_SERVICE, "broker");
	to_stderr = foreground;
	with_debug = debug;
}

static void write_stderr(const char *line)
{
	struct timespec now = { 0 };
	struct tm tm = { 0 };
	char stamp[sizeof("23:59:59")] = "";

	clock_gettime(CLOCK_REALTIME, &now);
	if (localtime_r(&now.tv_sec, &tm) != NULL) {
		strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	}
	fprintf(stderr, "%s.%03ld %s\n", stamp, now.tv_nsec / 1000000, line);
}

void log_write(enum log_level level, const char *format, ...)
{
	static const os_log_type_t types[] = {
		[LOG_LEVEL_ERROR] = OS_LOG_TYPE_ERROR,
		[LOG_LEVEL_NOTICE] = OS_LOG_TYPE_DEFAULT,
		[LOG_LEVEL_INFO] = OS_LOG_TYPE_INFO,
		[LOG_LEVEL_DEBUG] = OS_LOG_TYPE_DEBUG,
	};
	char line[LINE];
	va_list args;

	if (system_log == NULL || (level == LOG_LEVEL_DEBUG && !with_debug)) {
		return;
	}
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	os_log_with_type(system_log, types[level], "%{public}s", line);
	if (to_stderr) {
		write_stderr(line);
	}
}

bool log_limit_allow(
    struct log_limit *limit, uint64_t now, uint64_t *suppressed)
{
	if (limit->used == 0 || now - limit->second >= NANOSECONDS) {
		limit->second = now;
		limit->used = 0;
	}
	if (limit->used >= limit->lines) {
		limit->suppressed++;
		return false;
	}
	limit->used++;
	*suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
