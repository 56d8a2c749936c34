// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Explains why a text is not JSON, and what to write instead. The parser
 * decides what is JSON; this only looks at a text that it has refused, around
 * the position where it stopped.
 */

#ifndef JSON_SYNTAX_H
#define JSON_SYNTAX_H

#include <jansson.h>
#include <stddef.h>

/* Room for the reason. */
#define JSON_SYNTAX_REASON 256

/*
 * text has length bytes, followed by a NUL; error is the error from
 * json_loadb(). Writes the reason, one line of printable ASCII, and returns the
 * byte of text to which it refers.
 */
const char *json_syntax_explain(const char *text, size_t length,
    const json_error_t *error, char reason[JSON_SYNTAX_REASON]);

#endif
