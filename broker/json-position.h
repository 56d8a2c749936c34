// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A JSON text as it was written, with the place of everything in it, which the
 * parser does not keep. The text must be one that the parser took, and
 * NUL-terminated.
 */

#ifndef JSON_POSITION_H
#define JSON_POSITION_H

#include <stdbool.h>
#include <stddef.h>

/* From 1. A column is a character, as jansson counts: a tab is one, and so is
 * what UTF-8 writes in several bytes. */
struct json_position {
	int line;
	int column;
};

/* The place of a byte of text. */
struct json_position json_position_of(const char *text, const char *at);

/* A member of an object, or an element of an array. */
struct json_member {
	const char *key; /* the quote that opens it; NULL in an array */
	const char *key_end;
	const char *value;
	const char *end; /* behind the value; NULL before the first member */
};

/* The first byte of the value that the text is. */
const char *json_position_root(const char *text);

/*
 * The next member of the object or array that begins at `container`, also if
 * its key has been there before. False: there are no more.
 */
bool json_position_next(const char *container, struct json_member *member);

#endif
