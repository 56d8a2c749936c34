// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A scanner for JSON that is known to be valid: it only has to track the ends
 * of strings and the nesting depth. It stops at the terminating NUL, so that an
 * invalid text leads to a wrong position, but not to a crash.
 */

#include "json-position.h"

#include <string.h>

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

const char *json_position_skip_string(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0') {
			at++;
		}
	}
	return *at == '"' ? at + 1 : at;
}

/* Returns the position after the value. */
static const char *skip_value(const char *at)
{
	size_t depth = 0;

	do {
		if (*at == '"') {
			at = json_position_skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[') {
			depth++;
		} else if (*at == '}' || *at == ']') {
			depth--;
		}
		at++;
	} while (
	    *at != '\0' && (depth > 0 || strchr(",}] \t\r\n", *at) == NULL));
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
			place.column++; /* not a continuation byte */
		}
	}
	return place;
}

const char *json_position_root(const char *text)
{
	return skip_space(text);
}

bool json_position_next(const char *container, struct json_member *member)
{
	const char *at =
	    skip_space(member->end == NULL ? container + 1 : member->end);

	if (member->end != NULL && *at == ',') {
		at = skip_space(at + 1);
	}
	if (*at == '\0' || *at == '}' || *at == ']') {
		return false;
	}
	member->key = NULL;
	if (*container == '{') {
		member->key = at;
		member->key_end = json_position_skip_string(at);
		at = skip_space(member->key_end);
		at = skip_space(*at == ':' ? at + 1 : at);
	}
	member->value = at;
	member->end = *at == '\0' ? at : skip_value(at);
	return true;
}
