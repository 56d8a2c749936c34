// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reading a small file that decides what the broker does: only if nobody else
 * could have written it, and without being made to wait or to follow a link.
 */

#ifndef TRUSTED_FILE_H
#define TRUSTED_FILE_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* No owner: the file is read whoever it belongs to, also through a link. */
#define TRUSTED_FILE_ANYBODY ((uid_t)-1)

/*
 * Reads the file at path whole: a regular file of at most max
 * bytes, of root, our effective user or owner, that neither group nor others
 * can write. All is asked of the one descriptor that is read.
 *
 * 0: text, with a NUL behind its length bytes, is the caller's to free. -1:
 * reason says why, as a line of text that stays until the next call; errno is
 * ENOENT if, and only if, there is no such file.
 */
int trusted_file_read(const char *path, uid_t owner, size_t max, char **text,
    size_t *length, const char **reason);

/*
 * Whether trusted_file_read() would take the file at path if that user ran us,
 * by what its inode says, and with `folders` by those of the folders above it.
 * NULL, or why not and what to do, as a text that stays until the next call.
 */
const char *trusted_file_judge(
    const char *path, const struct passwd *user, bool folders);

#endif
