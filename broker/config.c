// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The file is read whole, parsed by jansson, and taken or refused whole: at the
 * first mistake, with its place. Members are visited in the order of the text,
 * so that the first mistake is the first one that a reader meets.
 */

#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json-position.h"
#include "subnet-plan.h"
#include "text.h"
#include "trusted-file.h"

static const struct config_network builtins[] = {
	{ .name = "host", .mode = CONFIG_HOST },
	{ .name = "shared", .mode = CONFIG_SHARED },
};

#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

/* What is known while one file is read. */
struct reader {
	const char *path;
	char *text;            /* NUL-terminated */
	struct config *config; /* what was read so far */
	struct json_path here; /* the member being looked at */
	struct config_network network;
	bool has_mode;
	char *error; /* CONFIG_ERROR bytes */
};

const char *config_mode_name(enum config_mode mode)
{
	return mode == CONFIG_HOST ? "host" : "shared";
}

/* A copy of the built-in networks, with room for more. */
static struct config *create(size_t room)
{
	struct config *config = calloc(1, sizeof(*config));

	if (config == NULL) {
		return NULL;
	}
	config->networks = calloc(BUILTINS + room, sizeof(*config->networks));
	if (config->networks == NULL) {
		free(config);
		return NULL;
	}
	memcpy(config->networks, builtins, sizeof(builtins));
	config->count = BUILTINS;
	return config;
}

struct config *config_create(void)
{
	struct config *config = create(0);

	if (config != NULL) {
		subnet_plan_assign(config);
	}
	return config;
}

void config_destroy(struct config *config)
{
	if (config == NULL) {
		return;
	}
	free(config->networks);
	free(config);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct config_network *)a)->name,
	    ((const struct config_network *)b)->name);
}

const struct config_network *config_find(
    const struct config *config, const char *name)
{
	struct config_network key = { 0 };

	if (strlen(name) > VMNET_BROKER_NAME_MAX) {
		return NULL;
	}
	memcpy(key.name, name, strlen(name));
	return bsearch(
	    &key, config->networks, config->count, sizeof(key), compare);
}

/*
 * Refusing. All return -1, for the caller to return.
 */

static int refuse_file(struct reader *reader, const char *reason)
{
	snprintf(reader->error, CONFIG_ERROR, "%s: %s", reader->path, reason);
	return -1;
}

static int refuse_at(struct reader *reader, struct json_position place,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse_at(
    struct reader *reader, struct json_position place, const char *format, ...)
{
	va_list args;
	int used = snprintf(reader->error, CONFIG_ERROR,
	    "%s:%d:%d: ", reader->path, place.line, place.column);

	if (used < 0 || used >= CONFIG_ERROR) {
		return -1;
	}
	va_start(args, format);
	vsnprintf(
	    reader->error + used, (size_t)(CONFIG_ERROR - used), format, args);
	va_end(args);
	return -1;
}

static struct json_position here_key(const struct reader *reader)
{
	return json_position_of_key(reader->text, &reader->here);
}

static struct json_position here_value(const struct reader *reader)
{
	return json_position_of_value(reader->text, &reader->here);
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

/*
 * The keys of a network.
 */

static int read_mode(struct reader *reader, const char *text)
{
	struct config_network *network = &reader->network;

	if (strcmp(text, "shared") == 0) {
		network->mode = CONFIG_SHARED;
	} else if (strcmp(text, "host") == 0) {
		network->mode = CONFIG_HOST;
	} else {
		char escaped[TEXT_ESCAPED];

		text_escape(escaped, text, strlen(text));
		return refuse_at(reader, here_value(reader),
		    "%s.mode: \"%s\" is not \"shared\" or \"host\"",
		    network->name, escaped);
	}
	reader->has_mode = true;
	for (size_t i = 0; i < BUILTINS; i++) {
		const struct config_network *defined = &builtins[i];

		if (strcmp(network->name, defined->name) == 0 &&
		    network->mode != defined->mode) {
			return refuse_at(reader, here_value(reader),
			    "%s.mode: the mode of this built-in network "
			    "is \"%s\"",
			    network->name, config_mode_name(defined->mode));
		}
	}
	return 0;
}

static int read_subnet(struct reader *reader, const char *text)
{
	struct config_network *network = &reader->network;
	const char *reason = NULL;

	if (subnet_parse(text, &network->subnet, &reason) != 0) {
		char escaped[TEXT_ESCAPED];

		text_escape(escaped, text, strlen(text));
		return refuse_at(reader, here_value(reader),
		    "%s.subnet: \"%s\" is not a subnet: %s", network->name,
		    escaped, reason);
	}
	for (size_t i = 0; i < reader->config->count; i++) {
		const struct config_network *other =
		    &reader->config->networks[i];

		if (other->has_subnet &&
		    subnet_overlaps(&network->subnet, &other->subnet)) {
			char theirs[SUBNET_TEXT];

			subnet_format(&other->subnet, theirs);
			return refuse_at(reader, here_value(reader),
			    "%s.subnet: \"%s\" overlaps %s.subnet, %s",
			    network->name, text, other->name, theirs);
		}
	}
	network->has_subnet = true;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct reader *reader, const char *text);
} keys[] = {
	{ "mode", read_mode },
	{ "subnet", read_subnet },
};

static int read_key(struct reader *reader, const char *key, json_t *value)
{
	char escaped[TEXT_ESCAPED];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i].name) != 0) {
			continue;
		}
		if (!json_is_string(value)) {
			return refuse_at(reader, here_value(reader),
			    "%s.%s: must be a string, not %s",
			    reader->network.name, key, type_name(value));
		}
		return keys[i].read(reader, json_string_value(value));
	}
	text_escape(escaped, key, strlen(key));
	return refuse_at(reader, here_key(reader), "%s: unknown key \"%s\"",
	    reader->network.name, escaped);
}

/*
 * The networks.
 */

/* An entry for a built-in network takes its place. */
static void add_network(struct config *config, const struct config_network *add)
{
	for (size_t i = 0; i < BUILTINS; i++) {
		if (strcmp(config->networks[i].name, add->name) == 0) {
			config->networks[i] = *add;
			return;
		}
	}
	config->networks[config->count] = *add;
	config->count++;
}

static int read_network(struct reader *reader, const char *name, json_t *value)
{
	size_t length = strlen(name);
	const char *key = NULL;
	json_t *member = NULL;

	if (!name_is_valid(name, length)) {
		char escaped[TEXT_ESCAPED];

		text_escape(escaped, name, length);
		return refuse_at(reader, here_key(reader),
		    "\"%s\" is not a network name: "
		    "[a-z0-9][a-z0-9._-]{0,62}",
		    escaped);
	}
	if (!json_is_object(value)) {
		return refuse_at(reader, here_value(reader),
		    "%s: must be an object, not %s", name, type_name(value));
	}
	reader->network = (struct config_network){ 0 };
	memcpy(reader->network.name, name, length);
	reader->has_mode = false;
	reader->here.depth = 2;
	reader->here.member[1] = 0;
	json_object_foreach(value, key, member)
	{
		if (read_key(reader, key, member) != 0) {
			return -1;
		}
		reader->here.member[1]++;
	}
	reader->here.depth = 1;
	if (!reader->has_mode) {
		return refuse_at(reader, here_value(reader),
		    "%s: the key \"mode\" is missing", name);
	}
	add_network(reader->config, &reader->network);
	return 0;
}

static int read_networks(struct reader *reader, json_t *root)
{
	const char *name = NULL;
	json_t *value = NULL;

	if (!json_is_object(root)) {
		return refuse_at(reader, here_value(reader),
		    "must be an object with one entry per network, not %s",
		    type_name(root));
	}
	reader->config = create(json_object_size(root));
	if (reader->config == NULL) {
		return refuse_file(reader, strerror(ENOMEM));
	}
	reader->here.depth = 1;
	json_object_foreach(root, name, value)
	{
		if (read_network(reader, name, value) != 0) {
			return -1;
		}
		reader->here.member[0]++;
	}
	/* In the order of the file, so that a new entry at its end changes none
	 * of those before it. */
	subnet_plan_assign(reader->config);
	qsort(reader->config->networks, reader->config->count,
	    sizeof(*reader->config->networks), compare);
	return 0;
}

/*
 * The text.
 */

/* What jansson says quotes the file, which may be anything. */
static const char *printable(
    char text[JSON_ERROR_TEXT_LENGTH], const char *from)
{
	snprintf(text, JSON_ERROR_TEXT_LENGTH, "%s", from);
	for (char *at = text; *at != '\0'; at++) {
		if (*at < 0x20 || *at > 0x7e) {
			*at = '?';
		}
	}
	return text;
}

static int refuse_syntax(struct reader *reader, const json_error_t *error)
{
	char text[JSON_ERROR_TEXT_LENGTH];
	/* An empty text has no column 0 for us. */
	struct json_position place = {
		.line = error->line > 0 ? error->line : 1,
		.column = error->column > 0 ? error->column : 1,
	};
	size_t end = error->position > 0 ? (size_t)error->position : 0;
	const char *key = NULL;

	switch (json_error_code(error)) {
	case json_error_out_of_memory:
		return refuse_file(reader, strerror(ENOMEM));
	case json_error_duplicate_key:
		key = json_position_find_string(reader->text, end);
		break;
	default:
		break;
	}
	if (key != NULL) {
		char escaped[TEXT_ESCAPED];
		size_t length = (size_t)(reader->text + end - key);

		text_escape(escaped, key + 1, length - 2);
		return refuse_at(reader, json_position_of(reader->text, key),
		    "duplicate key \"%s\"", escaped);
	}
	return refuse_at(reader, place, "%s", printable(text, error->text));
}

static int read_text(struct reader *reader, size_t length)
{
	json_error_t error = { 0 };
	json_t *root =
	    json_loadb(reader->text, length, JSON_REJECT_DUPLICATES, &error);
	int result = 0;

	if (root == NULL) {
		return refuse_syntax(reader, &error);
	}
	result = read_networks(reader, root);
	json_decref(root);
	return result;
}

/*
 * The file.
 */

enum config_result config_load(
    struct config *config, const char *path, uid_t owner)
{
	struct reader reader = { .path = path, .error = config->error };
	const char *slash = strrchr(path, '/');
	const char *reason = NULL;
	size_t length = 0;
	int result = 0;

	config->error_name = slash == NULL ? 0 : (size_t)(slash + 1 - path);
	if (trusted_file_read(path, owner, CONFIG_SIZE_MAX, &reader.text,
		&length, &reason) != 0) {
		if (errno == ENOENT) {
			return CONFIG_MISSING;
		}
		refuse_file(&reader, reason);
		return CONFIG_REFUSED;
	}
	result = read_text(&reader, length);
	free(reader.text);
	if (result != 0) {
		config_destroy(reader.config);
		return CONFIG_REFUSED;
	}
	free(config->networks);
	config->networks = reader.config->networks;
	config->count = reader.config->count;
	free(reader.config);
	return CONFIG_LOADED;
}
