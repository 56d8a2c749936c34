// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Messages of the stand-in's servers. They go to stderr with one write() per
 * line, so that the lines of several processes do not mix.
 */

#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

/* program: borrowed forever. quiet: log_info() prints nothing. */
void log_start(const char *program, bool quiet);

/* Lines go to fd from now on. */
void log_redirect(int fd);

/* Important messages: a failure, an ignored setting. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Informational messages. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
