// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The names that sysctl(3) knows. The product uses one of them; the others
 * are in ../compat/sysctl-names.c.
 */

#ifndef SYSCTL_INTERNAL_H
#define SYSCTL_INTERNAL_H

#include <stdint.h>
#include <sys/time.h>

enum sysctl_kind {
	SYSCTL_STRING,
	SYSCTL_INT,
	SYSCTL_INT64,
	SYSCTL_TIME,
};

struct sysctl_value {
	enum sysctl_kind kind;
	union {
		char string[128];
		int32_t int32;
		int64_t int64;
		struct timeval time;
	};
};

struct sysctl_name {
	const char *name;
	int numbers[2]; /* 0: none */
	void (*read)(struct sysctl_value *value);
};

/* The version of macOS, the same as in Foundation. */
void sysctl_product(struct sysctl_value *value);

void sysctl_string(struct sysctl_value *value, const char *text);

/* The last entry has the name NULL. */
extern const struct sysctl_name sysctl_others[];

#endif
