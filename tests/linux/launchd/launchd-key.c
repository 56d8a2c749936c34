// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The keys of property lists. Every known key is one row in a table; a value of
 * the wrong type is refused with the key's name, because launchd would refuse
 * or, worse, ignore it. Unknown keys are ignored as by launchd, but reported: a
 * misspelt key is a common error.
 */

#define _GNU_SOURCE

#include "launchd.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../common/log.h"
#include "launchd-plist.h"

struct key {
	const char *name;
	int (*read)(
	    struct reader *reader, const struct key *key, plist_t value);
	size_t offset; /* of the field in struct config */
};

static const char *type_name(plist_t value)
{
	switch (plist_get_node_type(value)) {
	case PLIST_BOOLEAN:
		return "a boolean";
	case PLIST_UINT:
		return "an integer";
	case PLIST_REAL:
		return "a real";
	case PLIST_STRING:
		return "a string";
	case PLIST_ARRAY:
		return "an array";
	case PLIST_DICT:
		return "a dictionary";
	case PLIST_DATE:
		return "a date";
	case PLIST_DATA:
		return "data";
	default:
		return "of an unknown type";
	}
}

static int wrong_type(
    struct reader *reader, const char *key, plist_t value, const char *wanted)
{
	return refuse(reader->error, LAUNCHD_BAD_PLIST, "%s: is %s, must be %s",
	    key, type_name(value), wanted);
}

static void *field(struct reader *reader, const struct key *key)
{
	return (char *)reader->config + key->offset;
}

/* A copy, or NULL if value is not a string. */
static char *string_of(plist_t value)
{
	char *text = NULL;

	if (plist_get_node_type(value) == PLIST_STRING) {
		plist_get_string_val(value, &text);
	}
	return text;
}

static int read_string(
    struct reader *reader, const struct key *key, plist_t value)
{
	char **text = field(reader, key);
	char *read = string_of(value);

	if (read == NULL) {
		return wrong_type(reader, key->name, value, "a string");
	}
	if (read[0] == '\0') {
		free(read);
		return refuse(reader->error, LAUNCHD_BAD_PLIST, "%s: is empty",
		    key->name);
	}
	free(*text);
	*text = read;
	return 0;
}

static int bool_of(plist_t value, bool *result)
{
	uint8_t read = 0;

	if (plist_get_node_type(value) != PLIST_BOOLEAN) {
		return -1;
	}
	plist_get_bool_val(value, &read);
	*result = read != 0;
	return 0;
}

static int read_bool(
    struct reader *reader, const struct key *key, plist_t value)
{
	if (bool_of(value, field(reader, key)) == -1) {
		return wrong_type(reader, key->name, value, "a boolean");
	}
	return 0;
}

static int integer_of(plist_t value, int64_t *result)
{
	uint64_t read = 0;

	if (plist_get_node_type(value) != PLIST_UINT) {
		return -1;
	}
	plist_get_uint_val(value, &read);
	*result = (int64_t)read;
	return 0;
}

static int read_integer(
    struct reader *reader, const struct key *key, plist_t value)
{
	if (integer_of(value, field(reader, key)) == -1) {
		return wrong_type(reader, key->name, value, "an integer");
	}
	return 0;
}

static int read_seconds(
    struct reader *reader, const struct key *key, plist_t value)
{
	int64_t *seconds = field(reader, key);

	if (read_integer(reader, key, value) == -1) {
		return -1;
	}
	if (*seconds < 0 || *seconds > INT32_MAX) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "%s: %lld is out of range", key->name, (long long)*seconds);
	}
	return 0;
}

static int read_strings(
    struct reader *reader, const struct key *key, plist_t value)
{
	struct strings *strings = field(reader, key);

	if (plist_get_node_type(value) != PLIST_ARRAY) {
		return wrong_type(
		    reader, key->name, value, "an array of strings");
	}
	for (uint32_t i = 0; i < plist_array_get_size(value); i++) {
		plist_t item = plist_array_get_item(value, i);
		char *text = string_of(item);

		if (text == NULL) {
			return refuse(reader->error, LAUNCHD_BAD_PLIST,
			    "%s: item %u is %s, must be a string", key->name, i,
			    type_name(item));
		}
		strings_add(strings, text);
		free(text);
	}
	return 0;
}

/* Calls each for every entry of a dictionary, until one fails. */
static int each_entry(struct reader *reader, const struct key *key,
    plist_t value,
    int (*each)(struct reader *reader, const struct key *key, const char *name,
	plist_t entry))
{
	plist_dict_iter iterator = NULL;
	int result = 0;

	if (plist_get_node_type(value) != PLIST_DICT) {
		return wrong_type(reader, key->name, value, "a dictionary");
	}
	plist_dict_new_iter(value, &iterator);
	while (result == 0) {
		char *name = NULL;
		plist_t entry = NULL;

		plist_dict_next_item(value, iterator, &name, &entry);
		if (entry == NULL) {
			break;
		}
		result = each(reader, key, name, entry);
		free(name);
	}
	free(iterator);
	return result;
}

static int read_service(struct reader *reader, const struct key *key,
    const char *name, plist_t entry)
{
	struct strings *services = field(reader, key);
	bool wanted = true;

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "%s: \"%s\" is not a service name", key->name, name);
	}
	if (plist_get_node_type(entry) == PLIST_DICT) {
		/* Options such as ResetAtClose, which XPC does not support. */
		log_error("%s: %s: options are ignored", key->name, name);
	} else if (bool_of(entry, &wanted) == -1) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "%s: %s: is %s, must be a boolean", key->name, name,
		    type_name(entry));
	}
	if (wanted) {
		strings_add(services, name);
	}
	return 0;
}

static int read_services(
    struct reader *reader, const struct key *key, plist_t value)
{
	return each_entry(reader, key, value, read_service);
}

static int read_variable(struct reader *reader, const struct key *key,
    const char *name, plist_t entry)
{
	struct strings *environment = field(reader, key);
	char *value = string_of(entry);
	char *variable = NULL;

	if (value == NULL) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "%s: %s: is %s, must be a string", key->name, name,
		    type_name(entry));
	}
	if (asprintf(&variable, "%s=%s", name, value) == -1) {
		abort();
	}
	strings_add(environment, variable);
	free(variable);
	free(value);
	return 0;
}

static int read_environment(
    struct reader *reader, const struct key *key, plist_t value)
{
	return each_entry(reader, key, value, read_variable);
}

static const struct {
	const char *name;
	int resource;
} limit_names[] = {
	{ "NumberOfFiles", RLIMIT_NOFILE },
	{ "NumberOfProcesses", RLIMIT_NPROC },
	{ "Core", RLIMIT_CORE },
	{ "CPU", RLIMIT_CPU },
	{ "Data", RLIMIT_DATA },
	{ "FileSize", RLIMIT_FSIZE },
	{ "MemoryLock", RLIMIT_MEMLOCK },
	{ "ResidentSetSize", RLIMIT_RSS },
	{ "Stack", RLIMIT_STACK },
};
_Static_assert(sizeof(limit_names) / sizeof(limit_names[0]) == CONFIG_LIMITS,
    "one limit per name");

static int read_limit(struct reader *reader, const struct key *key,
    const char *name, plist_t entry)
{
	struct config_limit *limits = field(reader, key);
	int64_t value;

	for (size_t i = 0; i < CONFIG_LIMITS; i++) {
		if (strcmp(name, limit_names[i].name) != 0) {
			continue;
		}
		if (integer_of(entry, &value) == -1 || value < 0) {
			return refuse(reader->error, LAUNCHD_BAD_PLIST,
			    "%s: %s: must be an integer, 0 or more", key->name,
			    name);
		}
		limits[i].resource = limit_names[i].resource;
		limits[i].value = (rlim_t)value;
		limits[i].set = true;
		return 0;
	}
	log_error("%s: %s: unknown, ignored", key->name, name);
	return 0;
}

static int read_limits(
    struct reader *reader, const struct key *key, plist_t value)
{
	return each_entry(reader, key, value, read_limit);
}

static int read_keep_alive_entry(struct reader *reader, const struct key *key,
    const char *name, plist_t entry)
{
	struct config *config = reader->config;
	bool value;

	if (strcmp(name, "SuccessfulExit") != 0 &&
	    strcmp(name, "Crashed") != 0) {
		log_error("%s: %s: unknown, ignored", key->name, name);
		return 0;
	}
	if (bool_of(entry, &value) == -1) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "%s: %s: is %s, must be a boolean", key->name, name,
		    type_name(entry));
	}
	if (name[0] == 'S') {
		config->keep_successful = value ? YES : NO;
	} else {
		config->keep_crashed = value ? YES : NO;
	}
	return 0;
}

static int read_keep_alive(
    struct reader *reader, const struct key *key, plist_t value)
{
	if (plist_get_node_type(value) == PLIST_BOOLEAN) {
		return read_bool(reader, key, value);
	}
	if (plist_get_node_type(value) != PLIST_DICT) {
		return wrong_type(
		    reader, key->name, value, "a boolean or a dictionary");
	}
	return each_entry(reader, key, value, read_keep_alive_entry);
}

/* An integer is decimal, since XML has no octal ones; a string is octal. */
static int read_umask(
    struct reader *reader, const struct key *key, plist_t value)
{
	int64_t *mask = field(reader, key);
	char *text = string_of(value);
	char *end = NULL;

	if (text != NULL) {
		*mask = strtol(text, &end, 8);
		if (end == text || *end != '\0') {
			*mask = -1;
		}
		free(text);
	} else if (integer_of(value, mask) == -1) {
		return wrong_type(reader, key->name, value,
		    "an integer or a string of octal digits");
	}
	if (*mask < 0 || *mask > 0777) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "%s: must be from 0 to 0777", key->name);
	}
	return 0;
}

static int read_process_type(
    struct reader *reader, const struct key *key, plist_t value)
{
	static const char *const types[] = { "Background", "Standard",
		"Adaptive", "Interactive" };
	char *text = string_of(value);
	bool known = false;

	if (text == NULL) {
		return wrong_type(reader, key->name, value, "a string");
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		known = known || strcmp(text, types[i]) == 0;
	}
	if (!known) {
		log_error("%s: %s: unknown, ignored", key->name, text);
	}
	free(text);
	return 0;
}

/* Valid, but has no effect here. */
static int read_nothing(
    struct reader *reader, const struct key *key, plist_t value)
{
	(void)reader;
	(void)key;
	(void)value;
	return 0;
}

#define KEY(name, read, field)                                                 \
	{                                                                      \
		name, read, offsetof(struct config, field)                     \
	}

static const struct key keys[] = {
	KEY("Label", read_string, label),
	KEY("Program", read_string, program),
	KEY("ProgramArguments", read_strings, arguments),
	KEY("MachServices", read_services, services),
	KEY("UserName", read_string, user),
	KEY("GroupName", read_string, group),
	KEY("InitGroups", read_bool, init_groups),
	KEY("EnableTransactions", read_bool, enable_transactions),
	KEY("EnablePressuredExit", read_bool, pressured_exit),
	KEY("ExitTimeOut", read_seconds, exit_timeout),
	KEY("ThrottleInterval", read_seconds, throttle),
	KEY("RunAtLoad", read_bool, run_at_load),
	KEY("KeepAlive", read_keep_alive, keep_alive),
	KEY("StandardInPath", read_string, stdio[0]),
	KEY("StandardOutPath", read_string, stdio[1]),
	KEY("StandardErrorPath", read_string, stdio[2]),
	KEY("Umask", read_umask, umask),
	KEY("WorkingDirectory", read_string, directory),
	KEY("EnvironmentVariables", read_environment, environment),
	KEY("SoftResourceLimits", read_limits, soft),
	KEY("HardResourceLimits", read_limits, hard),
	KEY("Nice", read_integer, nice),
	KEY("AbandonProcessGroup", read_bool, abandon_process_group),
	KEY("Disabled", read_bool, disabled),
	{ "ProcessType", read_process_type, 0 },
	{ "LowPriorityIO", read_nothing, 0 },
	{ "AssociatedBundleIdentifiers", read_nothing, 0 },
};

static int read_key(struct reader *reader, const char *name, plist_t value)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(name, keys[i].name) == 0) {
			return keys[i].read(reader, &keys[i], value);
		}
		if (strcasecmp(name, keys[i].name) == 0) {
			log_error("%s: %s: ignored: did you mean %s?",
			    reader->config->path, name, keys[i].name);
			return 0;
		}
	}
	log_error("%s: %s: unknown key, ignored", reader->config->path, name);
	return 0;
}

int reader_root(struct reader *reader, plist_t root)
{
	plist_dict_iter iterator = NULL;
	int result = 0;

	if (plist_get_node_type(root) != PLIST_DICT) {
		return refuse(reader->error, LAUNCHD_BAD_PLIST,
		    "the property list is %s, must be a dictionary",
		    type_name(root));
	}
	plist_dict_new_iter(root, &iterator);
	while (result == 0) {
		char *name = NULL;
		plist_t value = NULL;

		plist_dict_next_item(root, iterator, &name, &value);
		if (value == NULL) {
			break;
		}
		result = read_key(reader, name, value);
		free(name);
	}
	free(iterator);
	return result;
}
