// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

void failure_set(struct failure *failure, enum failure_status status,
    const char *format, ...)
{
	va_list args;

	failure->status = status;
	failure->vmnet_status = 0;
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);
}

const char *failure_status_name(enum failure_status status)
{
	static const char *const names[FAILURE_STATUSES] = {
		[FAILURE_NOT_ALLOWED] = "NOT_ALLOWED",
		[FAILURE_INVALID_REQUEST] = "INVALID_REQUEST",
		[FAILURE_NOT_FOUND] = "NOT_FOUND",
		[FAILURE_CREATE] = "CREATE_FAILURE",
		[FAILURE_INTERNAL] = "INTERNAL_ERROR",
		[FAILURE_BUSY] = "BUSY",
		[FAILURE_CONFIGURATION] = "CONFIGURATION",
	};

	return names[status];
}
