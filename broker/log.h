// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The log: os_log, and stderr in the foreground. Each call writes one line,
 * without a newline: lower case, the object first, the reason last.
 * Thread-safe.
 */

#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,  /* an administrator has to act */
	LOG_LEVEL_NOTICE, /* networks come and go, clients are refused */
	LOG_LEVEL_INFO,   /* what clients do; soon deleted by macOS */
	LOG_LEVEL_DEBUG,
};

/* Nothing is written before this call. Debug lines are dropped unless debug is
 * set. */
void log_start(bool foreground, bool debug);

void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * Limits the number of log lines per second. Initialise it with zeros, then set
 * lines.
 */
struct log_limit {
	unsigned lines;      /* per second */
	unsigned used;       /* in the current second */
	uint64_t second;     /* when it began, ns */
	uint64_t suppressed; /* lines not written and not reported yet */
};

/*
 * Whether another line may be written at `now` (monotonic, ns). If so,
 * *suppressed is the number of lines suppressed since the last one, which the
 * caller reports, too.
 */
bool log_limit_allow(
    struct log_limit *limit, uint64_t now, uint64_t *suppressed);

#endif
