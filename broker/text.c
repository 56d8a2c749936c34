// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * No function here allocates, depends on the locale, or reads past length.
 */

#include "text.h"

#include <stdio.h>
#include <string.h>

#include "protocol.h"

/* Letters must not depend on the locale. */
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void text_escape(char escaped[TEXT_ESCAPED], const char *text, size_t length)
{
	static const char more[] = "...";
	const size_t max = TEXT_ESCAPED - 1;
	size_t used = 0;
	size_t safe = 0; /* the last place with room left for `more` */

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t need = is_plain(c) ? 1 : 4;

		if (used + need > max) {
			memcpy(escaped + safe, more, sizeof(more));
			return;
		}
		if (need == 1) {
			escaped[used] = (char)c;
		} else {
			snprintf(
			    escaped + used, TEXT_ESCAPED - used, "\\x%02x", c);
		}
		used += need;
		if (used + sizeof(more) - 1 <= max) {
			safe = used;
		}
	}
	escaped[used] = '\0';
}

bool name_is_valid(const char *text, size_t length)
{
	if (length < 1 || length > VMNET_BROKER_NAME_MAX) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		const char *allowed =
		    i == 0 ? LOWER DIGITS : LOWER DIGITS "._-";

		if (text[i] == '\0' || strchr(allowed, text[i]) == NULL) {
			return false;
		}
	}
	return true;
}

int text_to_mac(const char *text, uint8_t mac[6])
{
	static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
	static const uint8_t zero[6];

	if (strlen(text) != 17) {
		return -1;
	}
	memset(mac, 0, 6);
	for (size_t i = 0; i < 17; i++) {
		const char *digit = strchr(digits, text[i]);

		if (i % 3 == 2 ? text[i] != ':' : digit == NULL) {
			return -1;
		}
		if (i % 3 != 2) {
			mac[i / 3] =
			    (uint8_t)(mac[i / 3] << 4 | (digit - digits) / 2);
		}
	}
	return (mac[0] & 1) != 0 || memcmp(mac, zero, 6) == 0 ? -1 : 0;
}
