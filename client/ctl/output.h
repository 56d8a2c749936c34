// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Prints the broker's replies, as JSON and as tables. Everything that is
 * printed is an XPC object, so that --json prints what the protocol documents.
 */

#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdio.h>
#include <xpc/xpc.h>

/* Dictionaries are sorted by key. */
void json_print(xpc_object_t value);
void json_print_line(xpc_object_t value); /* on one line */

enum format {
	FORMAT_PLAIN,
	FORMAT_TIME,     /* seconds since 1970 */
	FORMAT_DURATION, /* seconds */
	FORMAT_HEX,      /* 16 digits */
	FORMAT_COUNTS,   /* dictionary of numbers: "BUSY 2, NOT_FOUND 1" */
};

struct column {
	const char *title;
	const char *key;
	enum format format;
	const char *other; /* the key to use if the first is missing */
};

/* Prints an array of dictionaries, below a line of titles. "-": missing. */
void table_print(xpc_object_t rows, const struct column *columns, size_t count);

/* Prints one line for each key that exists and is not empty. */
void fields_print(
    xpc_object_t dictionary, const struct column *columns, size_t count);

/* The text of a value, which the caller frees, without control characters. */
char *format_value(xpc_object_t value, enum format format);
void print_text(FILE *file, const char *text);

#endif
