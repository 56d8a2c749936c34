// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A scanner for JSON that is known to be valid: it only has to know where a
 * string ends and how deep it is. It stops at the NUL that ends the text, so
 * that a text that is not what was promised costs a wrong place, not a crash.
 */

#include "json-position.h"

#include <string.h>

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* At the opening quote; returns what is behind the closing one. */
static const char *skip_string(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0') {
			at++;
		}
	}
	return *at == '"' ? at + 1 : at;
}

/* A string, or one character of anything else. */
static const char *skip_step(const char *at)
{
	return *at == '"' ? skip_string(at) : at + 1;
}

/* Behind the value: at the ',' or the '}' that follows it. */
static const char *skip_value(const char *at)
{
	size_t depth = 0;

	while (*at != '\0') {
		if (depth == 0 && strchr(",}]", *at) != NULL) {
			break;
		}
		if (*at == '{' || *at == '[') {
			depth++;
		} else if (*at == '}' || *at == ']') {
			depth--;
		}
		at = skip_step(at);
	}
	return at;
}

/* At the key of a member; returns its value. */
static const char *value_of(const char *key)
{
	const char *at = skip_space(skip_string(key));

	return skip_space(*at == ':' ? at + 1 : at);
}

/* At the '{' of an object; returns the key of its member. */
static const char *find_member(const char *object, size_t member)
{
	const char *at = *object == '{' ? skip_space(object + 1) : object;

	for (; member > 0 && *at == '"'; member--) {
		at = skip_value(value_of(at));
		at = skip_space(*at == ',' ? at + 1 : at);
	}
	return at;
}

/* The key at the end of path; of an empty path, the value. */
static const char *find(const char *text, const struct json_path *path)
{
	const char *at = skip_space(text);

	for (size_t i = 0; i < path->depth; i++) {
		at = find_member(at, path->member[i]);
		if (*at != '"') {
			break;
		}
		if (i + 1 < path->depth) {
			at = value_of(at);
		}
	}
	return at;
}

struct json_position json_position_of(const char *text, const char *at)
{
	struct json_position place = { .line = 1, .column = 1 };

	for (; text < at; text++) {
		if (*text == '\n') {
			place.line++;
			place.column = 1;
		} else if (((unsigned char)*text & 0xc0) != 0x80) {
			place.column++; /* not the rest of a character */
		}
	}
	return place;
}

struct json_position json_position_of_key(
    const char *text, const struct json_path *path)
{
	return json_position_of(text, find(text, path));
}

struct json_position json_position_of_value(
    const char *text, const struct json_path *path)
{
	const char *at = find(text, path);

	if (path->depth > 0 && *at == '"') {
		at = value_of(at);
	}
	return json_position_of(text, at);
}

const char *json_position_find_string(const char *text, size_t end)
{
	const char *at = text;

	while (*at != '\0' && at < text + end) {
		const char *next = skip_step(at);

		if (*at == '"' && next == text + end) {
			return at;
		}
		at = next;
	}
	return NULL;
}
