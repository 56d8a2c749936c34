// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The key "allow" of networks.json: who may use a network.
 *
 * Users and groups are looked up when the file is read, which may take as long
 * as the Mac's directory service does. A name that does not exist on this Mac
 * is an error in the entry, so that a misspelt name neither grants nor denies
 * access.
 */

#include "config-reader.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "json-position.h"
#include "text.h"

/* (uid_t)-1 and (gid_t)-1 are invalid IDs for many system calls. */
#define ID_MAX (UINT32_MAX - 1)

/* A list of users or groups. */
struct list {
	const char *what;
	int (*find)(const char *name, uint32_t *id); /* -1: unknown */
	uint32_t *ids;
	size_t count;
};

_Static_assert(
    sizeof(uid_t) == sizeof(uint32_t) && sizeof(gid_t) == sizeof(uint32_t),
    "a list of ids is one of users or of groups");

static int find_user(const char *name, uint32_t *id)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL) {
		return -1;
	}
	*id = user->pw_uid;
	return 0;
}

static int find_group(const char *name, uint32_t *id)
{
	const struct group *group = getgrnam(name);

	if (group == NULL) {
		return -1;
	}
	*id = group->gr_gid;
	return 0;
}

/* -1: a problem was recorded. */
static int read_name(struct config_reader *reader, const struct list *list,
    const char *at, uint32_t *id)
{
	char *name = config_reader_string(reader, at);
	char escaped[TEXT_ESCAPED];
	int result = -1;

	if (name == NULL) {
		return -1;
	}
	result = list->find(name, id);
	if (result != 0) {
		text_escape(escaped, name, strlen(name));
		config_reader_problem(reader, at,
		    "there is no %s \"%s\" on this Mac", list->what, escaped);
	}
	free(name);
	return result;
}

/* -1: a problem was recorded. */
static int read_id(struct config_reader *reader, const struct list *list,
    const char *at, uint32_t *id)
{
	const struct config_key number = { .max = ID_MAX };
	size_t before = reader->config->problem_count;

	if (*at == '"') {
		return read_name(reader, list, at, id);
	}
	if (strchr("-0123456789", *at) == NULL) {
		config_reader_problem(reader, at,
		    "must be the name or numeric ID of a %s, not %s",
		    list->what, config_reader_type(at));
		return -1;
	}
	config_reader_number(reader, &number, id, at);
	return reader->config->problem_count == before && !reader->no_memory
	    ? 0
	    : -1;
}

static void read_list(struct config_reader *reader, struct list *list,
    const char *key, const char *at)
{
	struct json_member element = { 0 };

	for (int i = 0;
	     at != NULL && *at == '[' && json_position_next(at, &element);
	     i++) {
		size_t inside = config_reader_enter(reader, ".%s[%d]", key, i);
		uint32_t *ids =
		    realloc(list->ids, (list->count + 1) * sizeof(*list->ids));

		if (ids == NULL) {
			reader->no_memory = true;
		} else {
			list->ids = ids;
			if (read_id(reader, list, element.value,
				&ids[list->count]) == 0) {
				list->count++;
			}
		}
		reader->where[inside] = '\0';
	}
}

void config_allow_read(struct config_reader *reader, void *network,
    const char *at, const char *string)
{
	static const struct config_key keys[] = {
		{ .name = "users", .type = CONFIG_LIST },
		{ .name = "groups", .type = CONFIG_LIST },
	};
	struct config_network *into = network;
	struct list users = { .what = "user", .find = find_user };
	struct list groups = { .what = "group", .find = find_group };
	struct config_allow *allow = calloc(1, sizeof(*allow));
	const char *places[CONFIG_KEYS];

	(void)string;
	if (allow == NULL) {
		reader->no_memory = true;
		return;
	}
	config_reader_object(reader, at, keys, 2, NULL, places);
	if (places[0] == NULL && places[1] == NULL) {
		config_reader_problem(
		    reader, at, "needs the key \"users\" or \"groups\"");
	}
	read_list(reader, &users, keys[0].name, places[0]);
	read_list(reader, &groups, keys[1].name, places[1]);
	*allow = (struct config_allow){
		.users = users.ids,
		.user_count = users.count,
		.groups = groups.ids,
		.group_count = groups.count,
	};
	into->allow = allow;
}
