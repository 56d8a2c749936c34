// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The text is split into tokens, up to the one at which the parser stopped.
 * That token and the one before it select a row of a table. If no row matches,
 * the parser's own message is used.
 */

#include "json-syntax.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "json-position.h"
#include "text.h"

/* Kinds of tokens; they can be combined into sets. */
enum {
	START = 1, /* before the first token */
	OPEN = 2,
	CLOSE = 4,
	COMMA = 8,
	COLON = 16,
	STRING = 32,
	WORD = 64,
	NUMBER = 128, /* or something that begins like a number */
	OTHER = 256,
	END = 512, /* after the last token */
};

#define ANY (~0U)
#define VALUE_END (CLOSE | STRING | WORD | NUMBER)

struct token {
	unsigned int kind;
	const char *at;
	size_t length;
};

static const char curly[] =
    "curly quote, or the like: write a straight double quote";

/* Tokens that never occur in JSON. */
static const struct {
	const char *bytes;
	const char *reason;
} strange[] = {
	{ "//", "JSON has no comments: delete it" },
	{ "/*", "JSON has no comments: delete it" },
	{ "#", "JSON has no comments: delete it" },
	{ "'", "single quote: write a double quote" },
	{ "\xe2\x80\x98", curly },
	{ "\xe2\x80\x99", curly },
	{ "\xe2\x80\x9a", curly },
	{ "\xe2\x80\x9c", curly },
	{ "\xe2\x80\x9d", curly },
	{ "\xe2\x80\x9e", curly },
	{ "\xc2\xab", curly },
	{ "\xe2\x80\x8b", "zero-width space: delete it" },
	{ "\xc2\xa0", "no-break space: write a space" },
	{ "\xef\xbb\xbf", "byte order mark: save the file without it" },
	{ "\xff\xfe", "the file is UTF-16: save it as UTF-8" },
	{ "\xfe\xff", "the file is UTF-16: save it as UTF-8" },
	{ "\\rtf", "the file is rich text: save it as plain text" },
};

static const char zero[] =
    "zero byte, perhaps of UTF-16: save the file as UTF-8";

static const char no_object[] =
    "must be an object with one entry per network: begin with {";

static const char no_zero[] = "\\u0000 is not allowed: delete it";

static const char no_number[] =
    "not a number: write decimal digits without a leading 0";

/* The first matching row is used. */
static const struct {
	unsigned int before;
	unsigned int found;
	const char *parser; /* prefix of the parser's message */
	const char *reason;
} rules[] = {
	{ START, END, "", "the file is empty: write {} to define no network" },
	{ START, WORD | NUMBER, "",
	    "this is not JSON, perhaps YAML: write "
	    "{ \"default\": { \"mode\": \"shared\" } }" },
	{ ANY, OTHER, "unable to decode", "not UTF-8: save the file as UTF-8" },
	{ START, ANY, "'[", no_object },
	{ ANY, END, "",
	    "the file ends too early: write the missing closing bracket" },
	{ ANY, ANY, "end of file expected",
	    "nothing may follow the closing bracket: delete it" },
	{ COLON, COMMA | CLOSE, "", "write a value before it" },
	{ COMMA | OPEN, COMMA, "", "unexpected comma: delete it" },
	{ COMMA | OPEN, OPEN, "string or",
	    "write a key and a colon before it" },
	{ STRING, ANY, "':' expected", "write a colon after the key" },
	{ OPEN | COMMA, WORD | NUMBER, "string or",
	    "write the key in double quotes" },
	{ VALUE_END, STRING | OPEN | WORD | NUMBER, "'",
	    "write a comma before it" },
	{ VALUE_END, ANY, "'", "write a comma or a closing bracket" },
	{ ANY, NUMBER, "invalid token", no_number },
	{ ANY, NUMBER, "'", no_number },
	{ ANY, NUMBER, "too big", "the number is too large" },
	{ ANY, NUMBER, "real number", "the number is too large" },
	{ ANY, WORD, "invalid token",
	    "not a value: write a string in double quotes, or true or false" },
	{ ANY, STRING, "unexpected newline",
	    "the string does not end on its line: write the closing quote" },
	{ ANY, STRING, "premature end",
	    "the string does not end: write the closing quote" },
	{ ANY, STRING, "invalid escape",
	    "invalid escape: write \\\\ for a backslash" },
	{ ANY, STRING, "invalid Unicode",
	    "half of a surrogate pair: write the character itself" },
	{ ANY, STRING, "\\u0000", no_zero },
	{ ANY, STRING, "NUL byte", no_zero },
	{ ANY, OTHER, "control character",
	    "control character in a string: write it as \\t or \\u0001" },
	{ ANY, OTHER, "", "not allowed outside of a string: delete it" },
};

static bool begins(const char *at, const char *with)
{
	return strncmp(at, with, strlen(with)) == 0;
}

/* The token at or after `at`. Like all functions here, it stops at a NUL. */
static struct token next_token(const char *at, const char *end)
{
	static const char digits[] = "0123456789+-.";
	static const char words[] = "0123456789+-._abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const struct {
		char byte;
		unsigned int kind;
	} marks[] = { { '{', OPEN }, { '[', OPEN }, { '}', CLOSE },
		{ ']', CLOSE }, { ',', COMMA }, { ':', COLON } };
	struct token token = { .kind = OTHER };

	at += strspn(at, " \t\r\n");
	token.at = at;
	if (at == end) {
		token.kind = END;
	} else if (*at == '"') {
		token.kind = STRING;
		token.length = (size_t)(json_position_skip_string(at) - at);
	} else if (strspn(at, words) > 0) {
		token.kind = strspn(at, digits) > 0 ? NUMBER : WORD;
		token.length = strspn(at, words);
	} else {
		for (token.length = 1; (at[token.length] & 0xc0) == 0x80;) {
			token.length++; /* continuation bytes */
		}
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (*at == marks[i].byte) {
			token.kind = marks[i].kind;
		}
	}
	return token;
}

/* NULL: the tables have no matching row. Sets token to the one that the reason
 * refers to. */
static const char *find_reason(
    const struct token *before, struct token *token, const char *parser)
{
	if (token->kind == OTHER && *token->at == '\0') {
		return zero;
	}
	if (before->kind == COMMA && token->kind == CLOSE) {
		*token = *before;
		return "nothing follows the comma: delete it";
	}
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		size_t length = strlen(strange[i].bytes);

		if (begins(token->at, strange[i].bytes)) {
			token->length =
			    length > token->length ? length : token->length;
			return strange[i].reason;
		}
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if ((rules[i].before & before->kind) != 0 &&
		    (rules[i].found & token->kind) != 0 &&
		    begins(parser, rules[i].parser)) {
			return rules[i].reason;
		}
	}
	return NULL;
}

/* A token as text: a string without its quotes, up to where the parser
 * stopped. */
static void show(
    char shown[TEXT_ESCAPED], const struct token *token, const char *stop)
{
	const char *at = token->at;
	const char *end = at + token->length;

	if (token->kind == STRING) {
		at++;
		end = end > stop ? stop : end - (end > at && end[-1] == '"');
	}
	text_escape(shown, at, (size_t)(end - at));
}

/* Files of other formats often begin with comments, which are not the actual
 * error. */
static struct token skip_comments(struct token token, const char *end)
{
	while (*token.at == '#') {
		token = next_token(token.at + strcspn(token.at, "\n"), end);
	}
	return token;
}

const char *json_syntax_explain(const char *text, size_t length,
    const json_error_t *error, char reason[JSON_SYNTAX_REASON])
{
	const char *end = text + length;
	const char *stop = text + (error->position < 0 ? 0 : error->position);
	struct token before = { .kind = START };
	const struct token first = next_token(text, end);
	struct token token = first;
	struct token content = skip_comments(token, end);
	bool at_end = strstr(error->text, "near end of file") != NULL;
	const char *what = NULL;
	char shown[TEXT_ESCAPED];

	while (token.kind != END &&
	    (token.at + token.length < stop || (at_end && *token.at != '\0'))) {
		before = token;
		token = next_token(token.at + token.length, end);
	}
	if (stop < end &&
	    (begins(error->text, "unable to decode") ||
		begins(error->text, "control character"))) {
		token = (struct token){ OTHER, stop, 1 };
	}
	if (before.kind == START && (content.kind & (WORD | NUMBER)) != 0) {
		token = content;
	}
	if (*first.at == '[') { /* perhaps TOML: ignore the rest */
		token = first;
		what = no_object;
	} else {
		what = find_reason(&before, &token, error->text);
	}
	if (what == NULL) {
		text_escape(shown, error->text, strlen(error->text));
		snprintf(reason, JSON_SYNTAX_REASON, "%s", shown);
	} else if (token.kind == END) {
		snprintf(reason, JSON_SYNTAX_REASON, "%s", what);
	} else {
		show(shown, &token, stop);
		snprintf(reason, JSON_SYNTAX_REASON, "\"%s\": %s", shown, what);
	}
	return token.at;
}
