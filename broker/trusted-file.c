// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "trusted-file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char symbolic_link[] =
    "a symbolic link: put the file itself in its place";

static char reason_text[3072];

static const char *say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static const char *say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason_text, sizeof(reason_text), format, args);
	va_end(args);
	return reason_text;
}

static const char *too_large(size_t max)
{
	return say("larger than %zu KiB", max / 1024);
}

/* NULL, or why it cannot be read at all. */
static const char *check_type(const struct stat *st, size_t max)
{
	if (S_ISDIR(st->st_mode)) {
		return strerror(EISDIR);
	}
	if (!S_ISREG(st->st_mode)) {
		return "not a regular file";
	}
	if (st->st_size > (off_t)max) {
		return too_large(max);
	}
	return NULL;
}

/* NULL, or why the file is not trusted. */
static const char *check_trust(
    const char *path, const struct stat *st, uid_t self, uid_t owner)
{
	const struct passwd *user = NULL;
	char number[32];

	if (st->st_uid != 0 && st->st_uid != self && st->st_uid != owner) {
		user = getpwuid(st->st_uid);
		snprintf(number, sizeof(number), "the user %lu",
		    (unsigned long)st->st_uid);
		return say("its owner is %s, not root: run `sudo chown root "
			   "\"%s\"`",
		    user != NULL ? user->pw_name : number, path);
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return say("writable by group or others: run `sudo chmod go-w "
			   "\"%s\"`",
		    path);
	}
	return NULL;
}

/* NULL, or why the file must not be read. */
static const char *check(int fd, const char *path, uid_t owner, size_t max)
{
	struct stat st;
	const char *reason = NULL;

	if (fstat(fd, &st) != 0) {
		return strerror(errno);
	}
	reason = check_type(&st, max);
	if (reason == NULL && owner != TRUSTED_FILE_ANYBODY) {
		reason = check_trust(path, &st, geteuid(), owner);
	}
	return reason;
}

/* One byte more than max shows that the file has grown. */
static const char *read_all(int fd, size_t max, char *text, size_t *length)
{
	size_t used = 0;
	ssize_t n = 1;

	while (n != 0 && used <= max) {
		n = read(fd, text + used, max + 1 - used);
		if (n < 0 && errno != EINTR) {
			return strerror(errno);
		}
		used += n > 0 ? (size_t)n : 0;
	}
	if (used > max) {
		return too_large(max);
	}
	text[used] = '\0';
	*length = used;
	return NULL;
}

int trusted_file_read(const char *path, uid_t owner, size_t max, char **text,
    size_t *length, const char **reason)
{
	char *buffer = NULL;
	int links = owner == TRUSTED_FILE_ANYBODY ? 0 : O_NOFOLLOW;
	int fd =
	    open(path, O_RDONLY | links | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		*reason = errno == ELOOP ? symbolic_link : strerror(errno);
		return -1;
	}
	*reason = check(fd, path, owner, max);
	if (*reason == NULL) {
		buffer = malloc(max + 2);
		*reason = buffer == NULL ? strerror(ENOMEM)
					 : read_all(fd, max, buffer, length);
	}
	close(fd);
	if (*reason != NULL) {
		free(buffer);
		errno = EINVAL;
		return -1;
	}
	*text = buffer;
	return 0;
}

/* bits: the requested permissions, as the mode bits of others. */
static bool may(const struct passwd *user, const struct stat *st, mode_t bits)
{
	int shift = st->st_uid == user->pw_uid ? 6
	    : st->st_gid == user->pw_gid       ? 3
					       : 0;

	return (st->st_mode >> shift & bits) == bits;
}

/* NULL, or which folder of an absolute path the user may not enter. */
static const char *check_folders(const char *path, const struct passwd *user)
{
	char folder[1024];
	struct stat st;

	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
		if (stat(folder, &st) != 0) {
			return say("%s: %s", folder, strerror(errno));
		}
		if (!may(user, &st, S_IXOTH)) {
			return say("the user %s may not enter %s: run `sudo "
				   "chmod a+x \"%s\"`",
			    user->pw_name, folder, folder);
		}
	}
	return NULL;
}

const char *trusted_file_check(
    const char *path, const struct passwd *user, bool folders)
{
	struct stat st;
	const char *reason = NULL;

	if (lstat(path, &st) != 0) {
		return strerror(errno);
	}
	if (S_ISLNK(st.st_mode)) {
		return symbolic_link;
	}
	reason = check_trust(path, &st, user->pw_uid, 0);
	if (reason == NULL && !may(user, &st, S_IROTH)) {
		reason = say("the user %s may not read it: run `sudo chmod a+r "
			     "\"%s\"`",
		    user->pw_name, path);
	}
	if (reason == NULL && folders) {
		reason = check_folders(path, user);
	}
	return reason;
}
