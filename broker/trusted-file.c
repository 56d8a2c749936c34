// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "trusted-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *too_large(size_t max)
{
	static char text[64];

	snprintf(text, sizeof(text), "larger than %zu KiB", max / 1024);
	return text;
}

/* NULL, or why the file is not to be trusted. */
static const char *check(int fd, uid_t owner, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return strerror(errno);
	}
	if (S_ISDIR(st.st_mode)) {
		return strerror(EISDIR);
	}
	if (!S_ISREG(st.st_mode)) {
		return "not a regular file";
	}
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != owner) {
		return "not owned by root or by the user who runs the broker";
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return "writable by group or others (chmod go-w)";
	}
	if (st.st_size > (off_t)max) {
		return too_large(max);
	}
	return NULL;
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
	int fd = open(
	    path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		*reason = errno == ELOOP ? "a symbolic link" : strerror(errno);
		return -1;
	}
	*reason = check(fd, owner, max);
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
