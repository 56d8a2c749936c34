// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Text from outside: from clients, options and files.
 */

#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maximum length of the result of text_escape(), with the NUL. */
#define TEXT_ESCAPED 65

/*
 * Escapes text for a log line or a message: printable ASCII is unchanged, other
 * bytes, quotes and backslashes become \xNN, and the result is truncated to 64
 * bytes. A truncated result ends in "...".
 */
void text_escape(char escaped[TEXT_ESCAPED], const char *text, size_t length);

/* Whether text is a network name: [a-z0-9][a-z0-9._-]{0,62}. */
bool name_is_valid(const char *text, size_t length);

/* Reads "52:54:00:12:34:56". 0, or -1 if it is not a MAC address, or not the
 * address of a single interface. The result is never all 0. */
int text_to_mac(const char *text, uint8_t mac[6]);

/* The ending of a regular noun: "s", or "" if count is 1. */
static inline const char *text_plural(size_t count)
{
	return count == 1 ? "" : "s";
}

#endif
