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
