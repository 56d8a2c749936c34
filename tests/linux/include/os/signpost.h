// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <os/signpost.h>: signposts are never recorded here, so
 * they are off. The compiler still checks names and formats.
 */

#ifndef STANDIN_OS_SIGNPOST_H
#define STANDIN_OS_SIGNPOST_H

#include <os/log.h>

typedef uint64_t os_signpost_id_t;

#define OS_SIGNPOST_ID_NULL ((os_signpost_id_t)0)
#define OS_SIGNPOST_ID_INVALID ((os_signpost_id_t)~0)
#define OS_SIGNPOST_ID_EXCLUSIVE ((os_signpost_id_t)0xEEEEB0B5B2B2EEEE)

#define OS_LOG_CATEGORY_POINTS_OF_INTEREST "PointsOfInterest"
#define OS_LOG_CATEGORY_DYNAMIC_TRACING "DynamicTracing"
#define OS_LOG_CATEGORY_DYNAMIC_STACK_TRACING "DynamicStackTracing"

OS_INLINE bool os_signpost_enabled(os_log_t log)
{
	(void)log;
	return false;
}

OS_INLINE os_signpost_id_t os_signpost_id_generate(os_log_t log)
{
	(void)log;
	return OS_SIGNPOST_ID_NULL;
}

OS_INLINE os_signpost_id_t os_signpost_id_make_with_pointer(
    os_log_t log, const void *pointer)
{
	(void)log;
	(void)pointer;
	return OS_SIGNPOST_ID_NULL;
}

#define standin_os_signpost(log, id, name, format, ...)                        \
	__extension__({                                                        \
		(void)(id);                                                    \
		(void)("" name);                                               \
		if (os_signpost_enabled(log)) {                                \
			standin_os_log((log), OS_LOG_TYPE_DEBUG, "" format,    \
			    ##__VA_ARGS__);                                    \
		}                                                              \
	})
#define os_signpost_event_emit(log, id, name, ...)                             \
	standin_os_signpost(log, id, name, "" __VA_ARGS__)
#define os_signpost_interval_begin(log, id, name, ...)                         \
	standin_os_signpost(log, id, name, "" __VA_ARGS__)
#define os_signpost_interval_end(log, id, name, ...)                           \
	standin_os_signpost(log, id, name, "" __VA_ARGS__)

#endif
