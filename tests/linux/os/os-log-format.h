// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef OS_LOG_FORMAT_H
#define OS_LOG_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes what os_log would show of the message to text, cut to size - 1 bytes.
 * %m prints the text of error.
 */
void os_log_format(
    char *text, size_t size, int error, const char *format, va_list *arguments);

#endif
