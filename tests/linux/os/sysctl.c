// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * sysctl(3), as far as it describes the Mac.
 */

#include "sysctl-internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include "sysctl-route.h"

void sysctl_string(struct sysctl_value *value, const char *text)
{
	value->kind = SYSCTL_STRING;
	snprintf(value->string, sizeof(value->string), "%s", text);
}

void sysctl_product(struct sysctl_value *value)
{
	const char *version = getenv("STANDIN_MACOS");

	sysctl_string(value, version == NULL ? "26.4" : version);
}

static const struct sysctl_name product = {
	"kern.osproductversion",
	{ 0, 0 },
	sysctl_product,
};

static int answer(const struct sysctl_name *name, void *buffer, size_t *size)
{
	struct sysctl_value value;
	size_t length = 0;

	name->read(&value);
	switch (value.kind) {
	case SYSCTL_STRING:
		length = strlen(value.string) + 1;
		break;
	case SYSCTL_INT:
		length = sizeof(value.int32);
		break;
	case SYSCTL_INT64:
		length = sizeof(value.int64);
		break;
	case SYSCTL_TIME:
		length = sizeof(value.time);
		break;
	}
	if (size == NULL) {
		return 0;
	}
	if (buffer == NULL) {
		*size = length;
		return 0;
	}
	if (*size < length) {
		memcpy(buffer, value.string, *size);
		errno = ENOMEM;
		return -1;
	}
	memcpy(buffer, value.string, length);
	*size = length;
	return 0;
}

int sysctlbyname(const char *name, void *value, size_t *size, void *new_value,
    size_t new_size)
{
	const struct sysctl_name *known = &product;

	(void)new_size;
	if (strcmp(known->name, name) != 0) {
		known = sysctl_others;
		while (known->name != NULL && strcmp(known->name, name) != 0) {
			known++;
		}
	}
	if (known->name == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (new_value != NULL) {
		errno = EPERM;
		return -1;
	}
	return answer(known, value, size);
}

int sysctl(int *name, u_int name_count, void *value, size_t *size,
    void *new_value, size_t new_size)
{
	if (name_count == 6 && name[0] == CTL_NET && name[1] == PF_ROUTE &&
	    name[3] == AF_INET && name[4] == NET_RT_DUMP) {
		return sysctl_routes(value, size);
	}
	for (const struct sysctl_name *known = sysctl_others;
	     name_count == 2 && known->name != NULL; known++) {
		if (known->numbers[0] == name[0] &&
		    known->numbers[1] == name[1]) {
			return sysctlbyname(
			    known->name, value, size, new_value, new_size);
		}
	}
	errno = ENOENT;
	return -1;
}
