// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The log: os_log, and stderr in the foreground. One line a call, without a
 * newline: lower case, what it is about first, the reason last. Safe on any
 * thread.
 */

#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,  /* somebody has to do something */
	LOG_LEVEL_NOTICE, /* networks come and go, clients are refused */
	LOG_LEVEL_INFO,   /* what clients do; macOS forgets it soon */
	LOG_LEVEL_DEBUG,
};

/* Before it nothing is written. Debug lines are dropped unless debug. */
void log_start(bool foreground, bool debug);

void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * How many lines somebody may cause in a second. Zero it, and set lines.
 */
struct log_limit {
	unsigned lines;      /* in a second */
	unsigned used;       /* in this one */
	uint64_t second;     /* when it began, ns */
	uint64_t suppressed; /* lines not written and not told yet */
};

/*
 * Whether one more line may be written at `now` (monotonic, ns). If so,
 * *suppressed is how many were not since the last: the caller says that too.
 */
bool log_limit_allow(
    struct log_limit *limit, uint64_t now, uint64_t *suppressed);

#endif
