// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "config-reader.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json-position.h"
#include "text.h"

void config_reader_problem(
    struct config_reader *reader, const char *at, const char *format, ...)
{
	struct json_position place = json_position_of(reader->text, at);
	char problem[CONFIG_PROBLEM];
	va_list args;
	int used = snprintf(problem, sizeof(problem), "%s:%d:%d: %s%s",
	    reader->path, place.line, place.column, reader->where,
	    reader->where[0] == '\0' ? "" : ": ");

	if (used < 0 || used >= CONFIG_PROBLEM) {
		used = CONFIG_PROBLEM - 1;
	}
	va_start(args, format);
	vsnprintf(
	    problem + used, (size_t)(CONFIG_PROBLEM - used), format, args);
	va_end(args);
	if (config_add_problem(reader->config, reader->network, problem) != 0) {
		reader->no_memory = true;
	}
}

void config_reader_wrong(struct config_reader *reader, const char *at,
    const char *string, const char *format, ...)
{
	char escaped[TEXT_ESCAPED];
	char reason[CONFIG_PROBLEM];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	text_escape(escaped, string, strlen(string));
	config_reader_problem(reader, at, "\"%s\" %s", escaped, reason);
}

size_t config_reader_enter(
    struct config_reader *reader, const char *format, ...)
{
	size_t inside = strlen(reader->where);
	va_list args;

	va_start(args, format);
	vsnprintf(reader->where + inside, sizeof(reader->where) - inside,
	    format, args);
	va_end(args);
	return inside;
}

const char *config_reader_type(const char *at)
{
	switch (*at) {
	case '{':
		return "an object";
	case '[':
		return "an array";
	case '"':
		return "a string";
	case 't':
	case 'f':
		return "a boolean";
	case 'n':
		return "null";
	default:
		return "a number";
	}
}

char *config_reader_string(struct config_reader *reader, const char *at)
{
	json_t *value =
	    json_loads(at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);
	const char *text = json_string_value(value);
	char *copy = text == NULL ? NULL : strdup(text);

	json_decref(value);
	if (copy == NULL) {
		reader->no_memory = true;
	}
	return copy;
}

/*
 * Suggestions.
 */
#define WORD_MAX 32

/* The number of letters that were added, omitted, changed or swapped. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1]; /* before previous, previous, current */
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++) {
		rows[1][j] = j;
	}
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		rows[2][0] = i;
		for (size_t j = 1; j <= width; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
			    tolower((unsigned char)b[j - 1]);
			size_t best = rows[1][j - 1] + !same;

			if (rows[1][j] + 1 < best) {
				best = rows[1][j] + 1;
			}
			if (rows[2][j - 1] + 1 < best) {
				best = rows[2][j - 1] + 1;
			}
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && rows[0][j - 2] + 1 < best) {
				best = rows[0][j - 2] + 1;
			}
			rows[2][j] = best;
		}
		memmove(rows[0], rows[1], sizeof(rows[0]) * 2);
	}
	return rows[1][width];
}

/* "ip" in "ip_address" */
static bool is_word_of(const char *word, const char *name)
{
	size_t length = strlen(word);
	const char *at = strstr(name, word);

	return at != NULL && (at == name || at[-1] == '_') &&
	    (at[length] == '_' || at[length] == '\0');
}

/* Writes ": did you mean ...?", or nothing. Each candidate is the first member
 * of an element of size bytes. */
static void suggest(char hint[64], const char *word, const void *candidates,
    size_t count, size_t size)
{
	size_t best = 3;

	hint[0] = '\0';
	if (strlen(word) > WORD_MAX) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *candidate = NULL;
		size_t far = 0;

		memcpy(&candidate, (const char *)candidates + i * size,
		    sizeof(candidate));
		far =
		    is_word_of(word, candidate) ? 1 : distance(word, candidate);
		if (far < best && far * 2 <= strlen(candidate)) {
			best = far;
			snprintf(hint, 64, ": did you mean \"%s\"?", candidate);
		}
	}
}

/*
 * Values.
 */

static void read_choice(struct config_reader *reader,
    const struct config_key *key, void *into, const char *at,
    const char *string)
{
	char hint[64];

	for (uint32_t i = 0; i < 2; i++) {
		if (strcmp(string, key->choices[i]) == 0) {
			memcpy((char *)into + key->offset, &i, sizeof(i));
			return;
		}
	}
	suggest(hint, string, key->choices, 2, sizeof(key->choices[0]));
	config_reader_wrong(reader, at, string, "is not \"%s\" or \"%s\"%s",
	    key->choices[0], key->choices[1],
	    hint[0] == '\0' && key->note != NULL ? key->note : hint);
}

void config_reader_number(struct config_reader *reader,
    const struct config_key *key, void *into, const char *at)
{
	size_t length = strcspn(at, ",}] \t\r\n");
	bool whole = strspn(at, "-0123456789") == length;
	long long number = strtoll(at, NULL, 10); /* jansson has accepted it */
	uint32_t stored = (uint32_t)number;
	char escaped[TEXT_ESCAPED];

	if (!whole || number < key->min || number > key->max) {
		text_escape(escaped, at, length);
		config_reader_problem(reader, at,
		    "must be a whole number from %u to %u, not %s", key->min,
		    key->max, escaped);
	} else {
		memcpy((char *)into + key->offset, &stored, sizeof(stored));
	}
}

static void read_switch(
    const struct config_key *key, void *into, const char *at)
{
	uint32_t stored = 0;

	memcpy(&stored, (char *)into + key->offset, sizeof(stored));
	stored = *at == key->set_by ? stored | key->bit : stored & ~key->bit;
	memcpy((char *)into + key->offset, &stored, sizeof(stored));
}

/* Returns false if the value does not have the type of its key. */
static bool check_type(
    struct config_reader *reader, const struct config_key *key, const char *at)
{
	static const struct {
		const char *first; /* possible first bytes */
		const char *name;
	} types[] = {
		[CONFIG_STRING] = { "\"", "a string" },
		[CONFIG_CHOICE] = { "\"", "a string" },
		[CONFIG_NUMBER] = { "-0123456789", "a number" },
		[CONFIG_SWITCH] = { "tf", "true or false" },
		[CONFIG_LIST] = { "[", "an array" },
		[CONFIG_OBJECT] = { "{", "an object" },
	};

	if (strchr(types[key->type].first, *at) != NULL) {
		return true;
	}
	config_reader_problem(reader, at, "must be %s, not %s%s",
	    types[key->type].name, config_reader_type(at),
	    *at == 'n' && !key->required ? ": leave the key out" : "");
	return false;
}

static void read_value(struct config_reader *reader,
    const struct config_key *key, void *into, const char *at)
{
	size_t before = reader->config->problem_count;
	char *string = NULL;

	if (!check_type(reader, key, at)) {
		return;
	}
	if (*at == '"') {
		string = config_reader_string(reader, at);
		if (string == NULL) {
			return;
		}
	}
	if (key->type == CONFIG_CHOICE) {
		read_choice(reader, key, into, at, string);
	} else if (key->type == CONFIG_NUMBER) {
		config_reader_number(reader, key, into, at);
	} else if (key->type == CONFIG_SWITCH) {
		read_switch(key, into, at);
	}
	if (key->read != NULL && reader->config->problem_count == before) {
		key->read(reader, into, at, string);
	}
	free(string);
}

/*
 * Objects.
 */

/* An object that is being read. */
struct object {
	const struct config_key *keys;
	size_t count;
	void *into;
	uint32_t seen; /* keys, by number */
	const char **places;
};

static void read_member(struct config_reader *reader, struct object *object,
    const struct json_member *member)
{
	char *name = config_reader_string(reader, member->key);
	char escaped[TEXT_ESCAPED];
	char hint[64];
	struct config_network *network = reader->network;
	size_t inside = 0;
	size_t i = 0;

	if (name == NULL) {
		return;
	}
	while (i < object->count && strcmp(name, object->keys[i].name) != 0) {
		i++;
	}
	text_escape(escaped, name, strlen(name));
	if (i == object->count) {
		suggest(hint, name, object->keys, i, sizeof(object->keys[0]));
		config_reader_problem(
		    reader, member->key, "unknown key \"%s\"%s", escaped, hint);
	} else if ((object->seen & 1U << i) != 0) {
		config_reader_problem(
		    reader, member->key, "duplicate key \"%s\"", escaped);
	} else {
		object->seen |= 1U << i;
		inside = config_reader_enter(reader, ".%s", name);
		object->places[i] = member->value;
		reader->network = object->keys[i].minor ? NULL : network;
		read_value(
		    reader, &object->keys[i], object->into, member->value);
		reader->network = network;
		reader->where[inside] = '\0';
	}
	free(name);
}

bool config_reader_object(struct config_reader *reader, const char *at,
    const struct config_key *keys, size_t count, void *into,
    const char **places)
{
	size_t before = reader->config->problem_count;
	struct object object = {
		.keys = keys,
		.count = count,
		.into = into,
		.places = places,
	};
	struct json_member member = { 0 };

	memset(places, 0, CONFIG_KEYS * sizeof(*places));
	if (*at != '{') {
		config_reader_problem(reader, at, "must be an object, not %s",
		    config_reader_type(at));
		return false;
	}
	while (json_position_next(at, &member)) {
		read_member(reader, &object, &member);
	}
	for (size_t i = 0; i < count; i++) {
		if (keys[i].required && (object.seen & 1U << i) == 0) {
			config_reader_problem(reader, at,
			    "the key \"%s\" is missing", keys[i].name);
		}
	}
	return reader->config->problem_count == before;
}
