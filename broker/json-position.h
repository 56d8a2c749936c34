// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Finds positions in a JSON text, which the parser does not keep. The text must
 * be NUL-terminated, and must have been accepted by the parser, except for
 * json_position_skip_string().
 */

#ifndef JSON_POSITION_H
#define JSON_POSITION_H

#include <stdbool.h>
#include <stddef.h>

/* Both start at 1. Columns are counted in characters, as jansson does: a tab is
 * one character, and so is a multi-byte sequence of UTF-8. */
struct json_position {
	int line;
	int column;
};

/* The position of a byte of text. */
struct json_position json_position_of(const char *text, const char *at);

/* A member of an object, or an element of an array. */
struct json_member {
	const char *key; /* its opening quote; NULL in an array */
	const char *key_end;
	const char *value;
	const char *end; /* after the value; NULL before the first member */
};

/* The position after the string that begins at `at`, or of the NUL. */
const char *json_position_skip_string(const char *at);

/* The first byte of the text's value. */
const char *json_position_root(const char *text);

/*
 * The next member of the object or array that begins at `container`, including
 * members with duplicate keys. Returns false if there are no more.
 */
bool json_position_next(const char *container, struct json_member *member);

#endif
