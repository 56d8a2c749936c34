// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reads a small file that controls the broker: only if no other user could have
 * written it, and without blocking or following a link.
 */

#ifndef TRUSTED_FILE_H
#define TRUSTED_FILE_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* No owner check: the file is read whoever owns it, also through a link. */
#define TRUSTED_FILE_ANYBODY ((uid_t)-1)

/*
 * Reads the whole file at path: a regular file of at most max bytes that is
 * owned by root, our effective user or owner and not writable by group or
 * others. All checks use the descriptor that is read.
 *
 * 0: the caller frees text, whose length bytes are followed by a NUL. -1:
 * reason is a line of text that stays valid until the next call; errno is
 * ENOENT if, and only if, there is no such file.
 */
int trusted_file_read(const char *path, uid_t owner, size_t max, char **text,
    size_t *length, const char **reason);

/*
 * Checks whether trusted_file_read() would accept the file at path if that user
 * ran us, based on its inode and, with `folders`, on those of the folders above
 * it. Returns NULL, or the reason and what to do, as a text that stays valid
 * until the next call.
 */
const char *trusted_file_check(
    const char *path, const struct passwd *user, bool folders);

#endif
