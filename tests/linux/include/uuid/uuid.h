// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of macOS's <uuid/uuid.h> that goes with XPC and vmnet.
 */

#ifndef STANDIN_UUID_H
#define STANDIN_UUID_H

#include <sys/cdefs.h>

typedef unsigned char uuid_t[16];
typedef char uuid_string_t[37];

#ifndef UUID_DEFINE
#define UUID_DEFINE(name, u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11,    \
    u12, u13, u14, u15)                                                        \
	static const uuid_t name __attribute__((unused)) = { u0, u1, u2, u3,   \
		u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15 }
#endif

#ifndef UUID_NULL
UUID_DEFINE(UUID_NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
#define UUID_NULL UUID_NULL
#endif

__BEGIN_DECLS

void uuid_clear(uuid_t uu);
int uuid_compare(const uuid_t uu1, const uuid_t uu2);
void uuid_copy(uuid_t dst, const uuid_t src);
void uuid_generate(uuid_t out);
void uuid_generate_random(uuid_t out);
int uuid_is_null(const uuid_t uu);
int uuid_parse(const char *in, uuid_t uu);
void uuid_unparse(const uuid_t uu, char *out);
void uuid_unparse_lower(const uuid_t uu, char *out);
void uuid_unparse_upper(const uuid_t uu, char *out);

__END_DECLS

#endif
