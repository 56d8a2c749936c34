// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The functions of <uuid/uuid.h>.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

void uuid_clear(uuid_t uu)
{
	memset(uu, 0, sizeof(uuid_t));
}

int uuid_compare(const uuid_t uu1, const uuid_t uu2)
{
	return memcmp(uu1, uu2, sizeof(uuid_t));
}

void uuid_copy(uuid_t dst, const uuid_t src)
{
	memcpy(dst, src, sizeof(uuid_t));
}

void uuid_generate(uuid_t out)
{
	uuid_generate_random(out);
}

void uuid_generate_random(uuid_t out)
{
	/* At most 256 bytes are never cut short nor interrupted. */
	if (getrandom(out, sizeof(uuid_t), 0) != sizeof(uuid_t)) {
		__builtin_trap();
	}
	out[6] = (unsigned char)((out[6] & 0x0f) | 0x40);
	out[8] = (unsigned char)((out[8] & 0x3f) | 0x80);
}

int uuid_is_null(const uuid_t uu)
{
	static const uuid_t zero;

	return memcmp(uu, zero, sizeof(uuid_t)) == 0;
}

int uuid_parse(const char *in, uuid_t uu)
{
	uuid_t parsed;
	char pair[3] = "";
	unsigned int byte;

	if (strlen(in) != 36) {
		return -1;
	}
	for (size_t i = 0; i < sizeof(uuid_t); i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *in++ != '-') {
			return -1;
		}
		if (!isxdigit((unsigned char)in[0]) ||
		    !isxdigit((unsigned char)in[1])) {
			return -1;
		}
		pair[0] = *in++;
		pair[1] = *in++;
		sscanf(pair, "%x", &byte);
		parsed[i] = (unsigned char)byte;
	}
	memcpy(uu, parsed, sizeof(parsed));
	return 0;
}

static void unparse(const uuid_t uu, char *out, const char *format)
{
	for (size_t i = 0; i < sizeof(uuid_t); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10) {
			*out++ = '-';
		}
		snprintf(out, 3, format, uu[i]);
		out += 2;
	}
}

void uuid_unparse(const uuid_t uu, char *out)
{
	uuid_unparse_upper(uu, out);
}

void uuid_unparse_lower(const uuid_t uu, char *out)
{
	unparse(uu, out, "%02x");
}

void uuid_unparse_upper(const uuid_t uu, char *out)
{
	unparse(uu, out, "%02X");
}
