// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Property lists: the owner of the file, whether it is complete, and
 * constraints between its keys.
 */

#define _GNU_SOURCE

#include "launchd-plist.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/idmap.h"
#include "../common/log.h"

/* Far more than any job needs. */
#define PLIST_SIZE_MAX (1024 * 1024)
/* launchd's defaults, platform: launchd.plist(5). */
#define EXIT_TIMEOUT_DEFAULT 20
#define THROTTLE_DEFAULT 10

void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL) {
		log_error("out of memory");
		abort();
	}
	return memory;
}

char *copy(const char *text)
{
	char *result = strdup(text);

	if (result == NULL) {
		log_error("out of memory");
		abort();
	}
	return result;
}

void strings_add(struct strings *strings, const char *item)
{
	size_t size = (strings->count + 2) * sizeof(*strings->items);

	strings->items = realloc(strings->items, size);
	if (strings->items == NULL) {
		log_error("out of memory");
		abort();
	}
	strings->items[strings->count] = copy(item);
	strings->count++;
	strings->items[strings->count] = NULL;
}

void strings_clear(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++) {
		free(strings->items[i]);
	}
	free(strings->items);
	strings->items = NULL;
	strings->count = 0;
}

int refuse(struct config_error *error, int code, const char *format, ...)
{
	va_list arguments;

	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -1;
}

/* Checks that involve several keys. */
static int check(struct config *config, struct config_error *error)
{
	if (config->label == NULL) {
		return refuse(error, LAUNCHD_BAD_LABEL, "Label: missing");
	}
	if (strchr(config->label, '/') != NULL) {
		return refuse(error, LAUNCHD_BAD_LABEL,
		    "Label: \"%s\" has a slash", config->label);
	}
	if (config->program == NULL && config->arguments.count == 0) {
		return refuse(error, LAUNCHD_BAD_PROGRAM,
		    "Program and ProgramArguments: both missing");
	}
	if (config->program != NULL && config->program[0] != '/') {
		return refuse(error, LAUNCHD_BAD_PROGRAM,
		    "Program: \"%s\" is not an absolute path", config->program);
	}
	/* If there is only one user, the sandbox has already reported that
	 * everything runs as this user. */
	if (config->user != NULL && getpwnam(config->user) == NULL &&
	    !idmap_is_single()) {
		return refuse(error, LAUNCHD_BAD_PLIST,
		    "UserName: there is no user \"%s\"; create it first",
		    config->user);
	}
	if (config->arguments.count == 0) {
		strings_add(&config->arguments, config->program);
	}
	if (config->keep_alive) {
		config->pressured_exit = false;
	}
	if (config->keep_alive || config->keep_successful != UNSET ||
	    config->keep_crashed != UNSET) {
		config->run_at_load = true;
	}
	if (config->pressured_exit) {
		config->enable_transactions = true;
	}
	return 0;
}

static int check_owner(const struct stat *status, struct config_error *error)
{
	if (!S_ISREG(status->st_mode)) {
		return refuse(error, LAUNCHD_EIO, "not a regular file");
	}
	if (geteuid() == 0 &&
	    (status->st_uid != 0 || (status->st_mode & 022) != 0)) {
		return refuse(error, LAUNCHD_BAD_OWNER,
		    "Path had bad ownership/permissions: owner %u, mode "
		    "%04o; must be owned by root and writable only by root",
		    (unsigned)status->st_uid, status->st_mode & 07777);
	}
	if (status->st_size > PLIST_SIZE_MAX) {
		return refuse(error, LAUNCHD_BAD_PLIST, "larger than 1 MiB");
	}
	return 0;
}

static char *read_file(
    const char *path, size_t *length, struct config_error *error)
{
	struct stat status;
	char *content = NULL;
	int fd;

	/* Must not block on a FIFO. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &status) == -1) {
		refuse(error, LAUNCHD_EIO, "%s", strerror(errno));
		goto out;
	}
	if (check_owner(&status, error) == -1) {
		goto out;
	}
	content = allocate((size_t)status.st_size + 1);
	*length = 0;
	while (*length < (size_t)status.st_size) {
		ssize_t got = read(
		    fd, content + *length, (size_t)status.st_size - *length);

		if (got <= 0) {
			refuse(error, LAUNCHD_EIO, "%s",
			    got == 0 ? "truncated" : strerror(errno));
			free(content);
			content = NULL;
			goto out;
		}
		*length += (size_t)got;
	}
out:
	if (fd != -1) {
		close(fd);
	}
	return content;
}

/* libplist accepts a truncated file. */
static bool is_whole(const char *content, size_t length)
{
	static const char end[] = "</plist>";
	const char *last = NULL;

	if (length >= 8 && memcmp(content, "bplist00", 8) == 0) {
		return true; /* libplist checks these */
	}
	if (memchr(content, '\0', length) != NULL) {
		return false;
	}
	for (const char *next = strstr(content, end); next != NULL;
	     next = strstr(next + 1, end)) {
		last = next + strlen(end);
	}
	return last != NULL && strspn(last, " \t\r\n") == strlen(last);
}

static plist_t parse(const char *path, struct config_error *error)
{
	plist_t root = NULL;
	size_t length = 0;
	char *content = read_file(path, &length, error);

	if (content == NULL) {
		return NULL;
	}
	if (is_whole(content, length)) {
		plist_from_memory(content, (uint32_t)length, &root);
	}
	free(content);
	if (root == NULL) {
		refuse(error, LAUNCHD_BAD_PLIST,
		    "neither an XML nor a binary property list");
	}
	return root;
}

struct config *config_read(const char *path, struct config_error *error)
{
	struct config *config = NULL;
	struct reader reader = { .error = error };
	char reason[sizeof(error->text)];
	plist_t root = NULL;
	int result = -1;

	root = parse(path, error);
	if (root != NULL) {
		config = allocate(sizeof(*config));
		config->path = copy(path);
		config->init_groups = true;
		config->exit_timeout = EXIT_TIMEOUT_DEFAULT;
		config->throttle = THROTTLE_DEFAULT;
		config->umask = -1;
		config->keep_successful = UNSET;
		config->keep_crashed = UNSET;
		reader.config = config;
		result = reader_root(&reader, root);
		plist_free(root);
	}
	if (result == 0) {
		result = check(config, error);
	}
	if (result == -1) {
		memcpy(reason, error->text, sizeof(reason));
		snprintf(error->text, sizeof(error->text), "%s: %.300s", path,
		    reason);
		config_destroy(config);
		return NULL;
	}
	return config;
}

void config_destroy(struct config *config)
{
	if (config == NULL) {
		return;
	}
	free(config->path);
	free(config->label);
	free(config->program);
	strings_clear(&config->arguments);
	strings_clear(&config->services);
	strings_clear(&config->environment);
	free(config->user);
	free(config->group);
	for (int i = 0; i < 3; i++) {
		free(config->stdio[i]);
	}
	free(config->directory);
	free(config);
}
