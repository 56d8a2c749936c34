// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The directory is opened without following a link and everything happens in
 * it by its descriptor. The file is taken only if it is as we write it: lines
 * that parse, each network once.
 */

#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "text.h"

#define NAME "subnets"
#define NAME_NEW "subnets.new"

#define LINE_MAX_LENGTH (VMNET_BROKER_NAME_MAX + 1 + SUBNET_TEXT)
#define SIZE_MAX_TEXT ((size_t)32 * 1024)

_Static_assert((size_t)STATE_MAX *LINE_MAX_LENGTH <= SIZE_MAX_TEXT,
    "what is written can be read again");

struct entry {
	char name[VMNET_BROKER_NAME_MAX + 1];
	struct subnet subnet;
};

struct state {
	struct entry entries[STATE_MAX]; /* oldest first */
	size_t count;
	bool changed;
};

/* -1 with errno unless it is a directory that only root or we can write. */
static int open_directory(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		return -1;
	}
	if (fstat(fd, &st) != 0) {
		goto out;
	}
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		errno = EPERM;
		goto out;
	}
	return fd;
out:
	close(fd);
	return -1;
}

/*
 * Reading.
 */

/* Its index; count if it is not there. */
static size_t find(const struct state *state, const char *name)
{
	size_t i = 0;

	while (i < state->count && strcmp(state->entries[i].name, name) != 0) {
		i++;
	}
	return i;
}

/* "name subnet" in line[0..length). */
static int parse_line(struct state *state, const char *line, size_t length)
{
	const char *space = memchr(line, ' ', length);
	const char *reason = NULL;
	char text[SUBNET_TEXT];
	struct entry entry = { 0 };
	size_t left = 0;

	if (space == NULL || !text_is_name(line, (size_t)(space - line))) {
		return -1;
	}
	memcpy(entry.name, line, (size_t)(space - line));
	left = length - (size_t)(space + 1 - line);
	if (left >= sizeof(text) || memchr(line, '\0', length) != NULL) {
		return -1;
	}
	memcpy(text, space + 1, left);
	text[left] = '\0';
	if (subnet_parse(text, &entry.subnet, &reason) != 0 ||
	    find(state, entry.name) != state->count ||
	    state->count == STATE_MAX) {
		return -1;
	}
	state->entries[state->count] = entry;
	state->count++;
	return 0;
}

static int parse(struct state *state, const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);

		if (end == NULL ||
		    parse_line(state, text, (size_t)(end - text)) != 0) {
			state->count = 0;
			return -1;
		}
		length -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	return 0;
}

static void load(struct state *state, const char *directory)
{
	const char *reason = NULL;
	char *text = NULL;
	size_t length = 0;
	int dir = open_directory(directory);

	if (dir < 0) {
		log_notice("state: %s: subnets are not remembered: %s",
		    directory, strerror(errno));
		return;
	}
	if (file_read(dir, NAME, geteuid(), SIZE_MAX_TEXT, &text, &length,
		&reason) == 0) {
		reason = parse(state, text, length) == 0 ? NULL : "damaged";
		free(text);
	} else if (errno == ENOENT) {
		reason = NULL;
	}
	close(dir);
	if (reason != NULL) {
		log_notice(
		    "state: %s/%s: ignored: %s", directory, NAME, reason);
	}
}

struct state *state_create(const char *directory)
{
	struct state *state = calloc(1, sizeof(*state));

	if (state != NULL) {
		load(state, directory);
	}
	return state;
}

void state_destroy(struct state *state)
{
	free(state);
}

/*
 * In memory.
 */

int state_get(
    const struct state *state, const char *name, struct subnet *subnet)
{
	size_t i = find(state, name);

	if (i == state->count) {
		return -1;
	}
	*subnet = state->entries[i].subnet;
	return 0;
}

static void append(struct state *state, const char *name)
{
	struct entry *entry = NULL;

	if (state->count == STATE_MAX) {
		state->count--;
		memmove(&state->entries[0], &state->entries[1],
		    state->count * sizeof(*entry));
	}
	entry = &state->entries[state->count];
	state->count++;
	*entry = (struct entry){ 0 };
	memcpy(entry->name, name, strlen(name));
}

void state_put(
    struct state *state, const char *name, const struct subnet *subnet)
{
	size_t i = find(state, name);
	struct subnet *known = NULL;

	if (subnet_check(subnet) != NULL) {
		return;
	}
	if (i == state->count) {
		append(state, name);
		i = state->count - 1;
	}
	known = &state->entries[i].subnet;
	if (known->address != subnet->address ||
	    known->length != subnet->length) {
		*known = *subnet;
		state->changed = true;
	}
}

/*
 * Writing.
 */

char *state_copy_changes(struct state *state)
{
	size_t size = state->count * LINE_MAX_LENGTH + 1;
	size_t used = 0;
	char *text = NULL;

	if (!state->changed) {
		return NULL;
	}
	text = malloc(size);
	if (text == NULL) {
		return NULL;
	}
	text[0] = '\0';
	for (size_t i = 0; i < state->count; i++) {
		char subnet[SUBNET_TEXT];

		subnet_format(&state->entries[i].subnet, subnet);
		used += (size_t)snprintf(text + used, size - used, "%s %s\n",
		    state->entries[i].name, subnet);
	}
	state->changed = false;
	return text;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR) {
			return -1;
		}
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Writes the new file and puts it in the place of the old one. */
static int replace(int dir, const char *text)
{
	int result = -1;
	int error = 0;
	int fd = -1;

	/* One that an earlier broker died over. */
	if (unlinkat(dir, NAME_NEW, 0) != 0 && errno != ENOENT) {
		return -1;
	}
	fd = openat(dir, NAME_NEW,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -1;
	}
	if (write_all(fd, text, strlen(text)) == 0 && fsync(fd) == 0 &&
	    renameat(dir, NAME_NEW, dir, NAME) == 0) {
		result = 0;
	}
	error = errno;
	close(fd);
	if (result != 0) {
		unlinkat(dir, NAME_NEW, 0);
		errno = error;
	}
	return result;
}

int state_write(const char *directory, const char *text)
{
	int dir = open_directory(directory);
	int result = -1;
	int error = 0;

	if (dir < 0) {
		return -1;
	}
	result = replace(dir, text);
	if (result == 0) {
		result = fsync(dir);
	}
	error = errno;
	close(dir);
	errno = error;
	return result;
}
