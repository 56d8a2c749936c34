// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *system_directory(void)
{
	const char *directory = getenv("STANDIN_DIR");

	if (directory == NULL || directory[0] == '\0') {
		return "/run/standin";
	}
	return directory;
}

void system_fatal(const char *format, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	fprintf(stderr, "BUG IN CLIENT OF %s\n", line);
	abort();
}
