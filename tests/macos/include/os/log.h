// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Declarations for cross-building: os_log, on the compiler's own builtins as
 * on macOS. So what Apple's compiler refuses is refused here too: a format
 * that is not a literal or that does not match its arguments, "%{public}s"
 * and the like included.
 */

#ifndef VMNET_BROKER_MACOS_OS_LOG_H
#define VMNET_BROKER_MACOS_OS_LOG_H

#include <os/base.h>
#include <os/object.h>
#include <stdbool.h>
#include <stdint.h>

#if OS_OBJECT_USE_OBJC
OS_OBJECT_DECL(os_log);
#else
typedef struct os_log_s *os_log_t;
#endif

typedef uint8_t os_log_type_t;
enum {
	OS_LOG_TYPE_DEFAULT = 0x00,
	OS_LOG_TYPE_INFO = 0x01,
	OS_LOG_TYPE_DEBUG = 0x02,
	OS_LOG_TYPE_ERROR = 0x10,
	OS_LOG_TYPE_FAULT = 0x11,
};

__BEGIN_DECLS

extern struct mach_header __dso_handle;
extern struct os_log_s _os_log_default;
#define OS_LOG_DEFAULT OS_OBJECT_GLOBAL_OBJECT(os_log_t, _os_log_default)

OS_EXPORT OS_NOTHROW OS_WARN_RESULT OS_OBJECT_RETURNS_RETAINED os_log_t
os_log_create(const char *subsystem, const char *category);
OS_EXPORT OS_NOTHROW OS_WARN_RESULT bool os_log_type_enabled(
    os_log_t log, os_log_type_t type);
OS_EXPORT OS_NOTHROW void _os_log_impl(void *dso, os_log_t log,
    os_log_type_t type, const char *format, uint8_t *buffer, uint32_t size);

__END_DECLS

#define os_log_with_type(log, type, format, ...)                               \
	__extension__({                                                        \
		os_log_t os_log_log = (log);                                   \
		os_log_type_t os_log_type = (type);                            \
		if (os_log_type_enabled(os_log_log, os_log_type)) {            \
			__attribute__((                                        \
			    section("__TEXT,__oslogstring,"                    \
				    "cstring_literals"))) static const char    \
			    os_log_format[] = format;                          \
			uint8_t __attribute__((aligned(16), uninitialized))    \
			os_log_buffer[__builtin_os_log_format_buffer_size(     \
			    format, ##__VA_ARGS__)];                           \
			_os_log_impl(&__dso_handle, os_log_log, os_log_type,   \
			    os_log_format,                                     \
			    (uint8_t *)__builtin_os_log_format(                \
				os_log_buffer, format, ##__VA_ARGS__),         \
			    (uint32_t)sizeof(os_log_buffer));                  \
		}                                                              \
	})

#define os_log(log, format, ...)                                               \
	os_log_with_type(log, OS_LOG_TYPE_DEFAULT, format, ##__VA_ARGS__)
#define os_log_info(log, format, ...)                                          \
	os_log_with_type(log, OS_LOG_TYPE_INFO, format, ##__VA_ARGS__)
#define os_log_debug(log, format, ...)                                         \
	os_log_with_type(log, OS_LOG_TYPE_DEBUG, format, ##__VA_ARGS__)
#define os_log_error(log, format, ...)                                         \
	os_log_with_type(log, OS_LOG_TYPE_ERROR, format, ##__VA_ARGS__)
#define os_log_fault(log, format, ...)                                         \
	os_log_with_type(log, OS_LOG_TYPE_FAULT, format, ##__VA_ARGS__)

#endif
