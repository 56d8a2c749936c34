// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What is wrong with a text that is not JSON, and what to write instead. The
 * parser decides what is JSON; this looks only at a text that it has refused,
 * around the place where it stopped.
 */

#ifndef JSON_SYNTAX_H
#define JSON_SYNTAX_H

#include <jansson.h>
#include <stddef.h>

/* Room for the reason. */
#define JSON_SYNTAX_REASON 256

/*
 * text has length bytes and a NUL behind them; error is what json_loadb() said
 * of it. Writes the reason, one line of printable ASCII, and returns the byte
 * of text that it is about.
 */
const char *json_syntax_explain(const char *text, size_t length,
    const json_error_t *error, char reason[JSON_SYNTAX_REASON]);

#endif
