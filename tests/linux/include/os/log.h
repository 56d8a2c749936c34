// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <os/log.h>. A message is one line
 *
 *     PROCESS[PID] TYPE SUBSYSTEM:CATEGORY: TEXT
 *
 * appended to $STANDIN_DIR/log if that file exists, and written to stderr if
 * STANDIN_LOG names it (STANDIN_LOG=stderr). As on macOS, strings are
 * <private> unless %{public}s, numbers are not unless %{private}d, %m is errno,
 * a message ends after 1024 bytes, and debug messages are off
 * (STANDIN_LOG=debug or stderr,debug turns them on).
 */

#ifndef STANDIN_OS_LOG_H
#define STANDIN_OS_LOG_H

#include <os/base.h>
#include <os/object.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

__BEGIN_DECLS

typedef struct os_log_s *os_log_t;

OS_EXPORT struct os_log_s _os_log_default;

#define OS_LOG_DEFAULT (&_os_log_default)
#define OS_LOG_DISABLED ((os_log_t)0)

typedef uint8_t os_log_type_t;

enum {
	OS_LOG_TYPE_DEFAULT = 0x00,
	OS_LOG_TYPE_INFO = 0x01,
	OS_LOG_TYPE_DEBUG = 0x02,
	OS_LOG_TYPE_ERROR = 0x10,
	OS_LOG_TYPE_FAULT = 0x11,
};

OS_EXPORT os_log_t os_log_create(const char *subsystem, const char *category);
OS_EXPORT bool os_log_type_enabled(os_log_t log, os_log_type_t type);

#define os_log_info_enabled(log) os_log_type_enabled((log), OS_LOG_TYPE_INFO)
#define os_log_debug_enabled(log) os_log_type_enabled((log), OS_LOG_TYPE_DEBUG)

/* The format must be a literal: the macros concatenate an empty string to
 * it. */
OS_EXPORT void standin_os_log(os_log_t log, os_log_type_t type,
    const char *format, ...) __attribute__((format(os_log, 3, 4)));

#define os_log_with_type(log, type, format, ...)                               \
	__extension__({                                                        \
		if (os_log_type_enabled((log), (type))) {                      \
			standin_os_log(                                        \
			    (log), (type), "" format, ##__VA_ARGS__);          \
		}                                                              \
	})
#define os_log(log, format, ...)                                               \
	os_log_with_type((log), OS_LOG_TYPE_DEFAULT, format, ##__VA_ARGS__)
#define os_log_info(log, format, ...)                                          \
	os_log_with_type((log), OS_LOG_TYPE_INFO, format, ##__VA_ARGS__)
#define os_log_debug(log, format, ...)                                         \
	os_log_with_type((log), OS_LOG_TYPE_DEBUG, format, ##__VA_ARGS__)
#define os_log_error(log, format, ...)                                         \
	os_log_with_type((log), OS_LOG_TYPE_ERROR, format, ##__VA_ARGS__)
#define os_log_fault(log, format, ...)                                         \
	os_log_with_type((log), OS_LOG_TYPE_FAULT, format, ##__VA_ARGS__)

__END_DECLS

#endif
