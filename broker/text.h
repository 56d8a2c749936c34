// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Text that came from outside: from clients, options and files.
 */

#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What text_escape() writes at most, with the NUL. */
#define TEXT_ESCAPED 65

/*
 * Writes text as it may be shown in a log line or a message: printable ASCII,
 * other bytes, quotes and backslashes as \xNN, cut to 64 bytes. What was cut
 * ends in "...".
 */
void text_escape(char escaped[TEXT_ESCAPED], const char *text, size_t length);

/* Whether text is a network name: [a-z0-9][a-z0-9._-]{0,62}. */
bool name_is_valid(const char *text, size_t length);

/* Digits only, no sign, no space, min to max. 0, or -1 and number untouched. */
int text_to_number(const char *text, unsigned long min, unsigned long max,
    unsigned long *number);

/* Reads "52:54:00:12:34:56". 0, or -1: it is something else, or not the address
 * of a single interface. Never all 0. */
int text_to_mac(const char *text, uint8_t mac[6]);

#endif
