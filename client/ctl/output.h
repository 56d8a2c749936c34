// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What the broker said, as JSON and as tables. Everything that is printed is an
 * XPC object, so that --json has what the protocol documents.
 */

#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdio.h>
#include <xpc/xpc.h>

/* Dictionaries are sorted by their keys. */
void json_print(xpc_object_t value);
void json_print_line(xpc_object_t value); /* all in one line */

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
	const char *other; /* the key to use if that one is not there */
};

/* An array of dictionaries, with a line of titles. "-": not there. */
void table_print(xpc_object_t rows, const struct column *columns, size_t count);

/* One line for each key that is there and not empty. */
void fields_print(
    xpc_object_t dictionary, const struct column *columns, size_t count);

/* The text of a value, to free(), without characters that control a terminal. */
char *format_value(xpc_object_t value, enum format format);
void print_text(FILE *file, const char *text);

#endif
