// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Where something is in a JSON text, for messages. The parser tells the place
 * of a syntax error only; these find the place of a key or a value of a text
 * that it took, and whose members it lists in the order of the text.
 */

#ifndef JSON_POSITION_H
#define JSON_POSITION_H

#include <stddef.h>

/* From 1. A column is a character, as jansson counts: a tab is one, and so is
 * what UTF-8 writes in several bytes. */
struct json_position {
	int line;
	int column;
};

/* A way into objects: member path[0] of the text, member path[1] of that. */
#define PLACE_DEPTH 2

struct json_path {
	size_t depth;
	size_t member[PLACE_DEPTH]; /* from 0 */
};

/*
 * The text must be valid JSON and NUL-terminated, and the path must exist: all
 * but its end are objects. The value at depth 0 is the whole text.
 */
struct json_position json_position_of_key(
    const char *text, const struct json_path *path);
struct json_position json_position_of_value(
    const char *text, const struct json_path *path);

/*
 * The string that ends right before text[end], with its quotes: where it
 * begins, or NULL. The text must be valid JSON up to there.
 */
const char *json_position_find_string(const char *text, size_t end);

/* The place of a byte of text. */
struct json_position json_position_of(const char *text, const char *at);

#endif
