// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The whole file is read and parsed by jansson, which accepts or refuses it as
 * a whole. Then its text is read entry by entry, so that every problem has a
 * position and affects only its own network.
 */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-reader.h"
#include "config.h"
#include "json-position.h"
#include "json-syntax.h"
#include "text.h"
#include "trusted-file.h"

#define OPTIONS "$options"
#define SCHEMA "$schema"

/* Network names contain no "$". A key that may be a misspelt "$options" has the
 * same effect as an error in "$options": it may affect who is allowed. */
static void read_options(struct config_reader *reader,
    const struct json_member *member, const char *name, bool *seen)
{
	char escaped[TEXT_ESCAPED];

	if (strcmp(name, SCHEMA) == 0) {
		return; /* for editors */
	}
	reader->network = &reader->config->defaults;
	if (strcmp(name, OPTIONS) != 0) {
		text_escape(escaped, name, strlen(name));
		config_reader_problem(reader, member->key,
		    "unknown key \"%s\": did you mean \"" OPTIONS "\"?",
		    escaped);
	} else if (*seen) {
		config_reader_problem(
		    reader, member->key, "duplicate key \"" OPTIONS "\"");
	} else {
		*seen = true;
		snprintf(reader->where, sizeof(reader->where), OPTIONS);
		config_network_read_options(reader, member->value);
		reader->where[0] = '\0';
	}
	reader->network = NULL;
}

/* Options are read first, wherever they are in the file, because they contain
 * the initial values of networks. */
static void read_all_options(struct config_reader *reader, const char *at)
{
	struct json_member member = { 0 };
	bool seen = false;

	while (!reader->no_memory && json_position_next(at, &member)) {
		char *name = config_reader_string(reader, member.key);

		if (name != NULL && name[0] == '$') {
			read_options(reader, &member, name, &seen);
		}
		free(name);
	}
	for (size_t i = 0; i < reader->config->count; i++) { /* built-in */
		config_network_init(
		    reader->config, &reader->config->networks[i]);
	}
}

static void read_entry(
    struct config_reader *reader, const struct json_member *member)
{
	char *name = config_reader_string(reader, member->key);

	if (name == NULL || name[0] == '$') {
		goto out;
	}
	if (!name_is_valid(name, strlen(name))) {
		config_reader_wrong(reader, member->key, name,
		    "is not a network name: [a-z0-9][a-z0-9._-]{0,62}");
		goto out;
	}
	reader->network = config_add(reader->config, name);
	if (reader->network->defined) {
		/* Neither of two conflicting entries is preferred. */
		config_reader_problem(
		    reader, member->key, "duplicate key \"%s\"", name);
	} else {
		reader->network->defined = true;
		snprintf(reader->where, sizeof(reader->where), "%s", name);
		config_network_read(reader, member->value);
		reader->where[0] = '\0';
	}
	reader->network = NULL;
out:
	free(name);
}

/* Rejects an invalid text: adds the problem to reader->config. */
static void refuse_text(struct config_reader *reader, size_t length,
    const json_t *root, const json_error_t *error)
{
	char reason[JSON_SYNTAX_REASON];
	const char *at = json_position_root(reader->text);

	if (root != NULL) {
		config_reader_problem(reader, at,
		    "must be an object with one entry per network, not %s",
		    config_reader_type(at));
	} else if (error->text[0] == '\0') { /* jansson gives no reason */
		reader->no_memory = true;
	} else {
		at = json_syntax_explain(reader->text, length, error, reason);
		config_reader_problem(reader, at, "%s", reason);
	}
}

/* Reads the definitions in the text. NULL: it was refused, or out of memory. */
static struct config *read_text(struct config_reader *reader, size_t length)
{
	json_error_t error = { 0 };
	json_t *root = json_loadb(reader->text, length, 0, &error);
	struct json_member member = { 0 };
	const char *at = json_position_root(reader->text);
	struct config *config = NULL;

	if (!json_is_object(root)) {
		refuse_text(reader, length, root, &error);
		json_decref(root);
		return NULL;
	}
	config = config_create(json_object_size(root));
	json_decref(root);
	reader->no_memory = config == NULL;
	reader->config = config;
	if (config != NULL) {
		read_all_options(reader, at);
	}
	while (!reader->no_memory && json_position_next(at, &member)) {
		read_entry(reader, &member);
	}
	if (reader->no_memory) {
		config_destroy(config);
		return NULL;
	}
	config_complete(config);
	return config;
}

/* There is one problem now, or none if out of memory. */
static enum config_result refuse(struct config *config)
{
	if (config->problem_count > 0) {
		config->refused = config->problems[0];
	} else {
		config->refused = "out of memory";
		config->name_offset = 0;
	}
	return CONFIG_REFUSED;
}

static enum config_result refuse_file(
    struct config *config, const char *path, const char *reason)
{
	char problem[CONFIG_PROBLEM];

	snprintf(problem, sizeof(problem), "%s: %s", path, reason);
	config_add_problem(config, NULL, problem);
	return refuse(config);
}

/* Replaces the contents of the caller's config. */
static void replace(struct config *config, struct config *with)
{
	struct config old = *config;

	with->name_offset = old.name_offset;
	*config = *with;
	*with = old;
	config_destroy(with);
}

enum config_result config_load(
    struct config *config, const char *path, uid_t owner)
{
	struct config_reader reader = { .path = path, .config = config };
	const char *slash = strrchr(path, '/');
	const char *reason = NULL;
	struct config *read = NULL;
	char *text = NULL;
	size_t length = 0;

	config->name_offset = slash == NULL ? 0 : (size_t)(slash + 1 - path);
	if (trusted_file_read(
		path, owner, CONFIG_SIZE_MAX, &text, &length, &reason) != 0) {
		return errno == ENOENT ? CONFIG_MISSING
				       : refuse_file(config, path, reason);
	}
	reader.text = text;
	read = read_text(&reader, length);
	free(text);
	if (read == NULL) {
		return reader.no_memory
		    ? refuse_file(config, path, strerror(ENOMEM))
		    : refuse(config);
	}
	replace(config, read);
	return CONFIG_LOADED;
}
