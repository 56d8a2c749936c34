/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright The vmnet-broker authors */

/*
 * Messages of the stand-in's servers: to stderr, one write() a line, so that
 * the lines of several processes do not mix.
 */

#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

/* program: borrowed for ever. quiet: log_info() says nothing. */
void log_start(const char *program, bool quiet);

/* Lines go to fd from now on. */
void log_redirect(int fd);

/* What somebody must know: a failure, a setting that is ignored. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What happened, for whoever watches. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
