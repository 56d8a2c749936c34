/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * sysctl(3), as far as it tells what Mac this is.
 */
#include <sys/sysctl.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "sysctl-route.h"

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

static void string(struct sysctl_value *value, const char *text)
{
	value->kind = SYSCTL_STRING;
	snprintf(value->string, sizeof value->string, "%s", text);
}

/* The same that Foundation answers. */
static void read_product(struct sysctl_value *value)
{
	const char *version = getenv("STANDIN_MACOS");

	string(value, version == NULL ? "26.4" : version);
}

static void read_type(struct sysctl_value *value)
{
	string(value, "Darwin");
}

/* Darwin counts one less than macOS. */
static void read_release(struct sysctl_value *value)
{
	char *rest;
	long major;
	long minor;

	read_product(value);
	major = strtol(value->string, &rest, 10);
	minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	snprintf(
	    value->string, sizeof value->string, "%ld.%ld.0", major - 1, minor);
}

static void read_version(struct sysctl_value *value)
{
	char text[128];

	read_release(value);
	snprintf(
	    text, sizeof text, "Darwin Kernel Version %.32s", value->string);
	string(value, text);
}

static void read_build(struct sysctl_value *value)
{
	string(value, "25E1");
}

static void read_host(struct sysctl_value *value)
{
	char name[128] = "";

	(void)gethostname(name, sizeof name - 1);
	string(value, name);
}

static void read_boot(struct sysctl_value *value)
{
	struct timespec now;
	struct timespec up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	value->kind = SYSCTL_TIME;
	value->time = (struct timeval){ .tv_sec = now.tv_sec - up.tv_sec };
}

static void read_machine(struct sysctl_value *value)
{
	struct utsname name;

	uname(&name);
	string(value,
	    strcmp(name.machine, "aarch64") == 0 ? "arm64" : name.machine);
}

static void read_model(struct sysctl_value *value)
{
	string(value, "Mac16,1");
}

static void read_cpus(struct sysctl_value *value)
{
	value->kind = SYSCTL_INT;
	value->int32 = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

static void read_page_size(struct sysctl_value *value)
{
	value->kind = SYSCTL_INT;
	value->int32 = (int32_t)sysconf(_SC_PAGESIZE);
}

static void read_memory(struct sysctl_value *value)
{
	value->kind = SYSCTL_INT64;
	value->int64 = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static void read_yes(struct sysctl_value *value)
{
	value->kind = SYSCTL_INT;
	value->int32 = 1;
}

static const struct sysctl_name names[] = {
	{ "kern.osproductversion", { 0, 0 }, read_product },
	{ "kern.ostype", { CTL_KERN, KERN_OSTYPE }, read_type },
	{ "kern.osrelease", { CTL_KERN, KERN_OSRELEASE }, read_release },
	{ "kern.version", { CTL_KERN, KERN_VERSION }, read_version },
	{ "kern.osversion", { CTL_KERN, KERN_OSVERSION }, read_build },
	{ "kern.hostname", { CTL_KERN, KERN_HOSTNAME }, read_host },
	{ "kern.boottime", { CTL_KERN, KERN_BOOTTIME }, read_boot },
	{ "kern.hv_support", { 0, 0 }, read_yes },
	{ "hw.machine", { CTL_HW, HW_MACHINE }, read_machine },
	{ "hw.model", { CTL_HW, HW_MODEL }, read_model },
	{ "hw.ncpu", { CTL_HW, HW_NCPU }, read_cpus },
	{ "hw.activecpu", { 0, 0 }, read_cpus },
	{ "hw.logicalcpu", { 0, 0 }, read_cpus },
	{ "hw.logicalcpu_max", { 0, 0 }, read_cpus },
	{ "hw.physicalcpu", { 0, 0 }, read_cpus },
	{ "hw.physicalcpu_max", { 0, 0 }, read_cpus },
	{ "hw.pagesize", { CTL_HW, HW_PAGESIZE }, read_page_size },
	{ "hw.memsize", { CTL_HW, HW_MEMSIZE }, read_memory },
};

static const size_t names_count = sizeof names / sizeof names[0];

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
		length = sizeof value.int32;
		break;
	case SYSCTL_INT64:
		length = sizeof value.int64;
		break;
	case SYSCTL_TIME:
		length = sizeof value.time;
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
	(void)new_size;
	for (size_t i = 0; i < names_count; i++) {
		if (strcmp(names[i].name, name) != 0) {
			continue;
		}
		if (new_value != NULL) {
			errno = EPERM;
			return -1;
		}
		return answer(&names[i], value, size);
	}
	errno = ENOENT;
	return -1;
}

int sysctl(int *name, u_int name_count, void *value, size_t *size,
    void *new_value, size_t new_size)
{
	if (name_count == 6 && name[0] == CTL_NET && name[1] == PF_ROUTE &&
	    name[3] == AF_INET && name[4] == NET_RT_DUMP) {
		return sysctl_routes(value, size);
	}
	for (size_t i = 0; name_count == 2 && i < names_count; i++) {
		if (names[i].numbers[0] == name[0] &&
		    names[i].numbers[1] == name[1]) {
			return sysctlbyname(
			    names[i].name, value, size, new_value, new_size);
		}
	}
	errno = ENOENT;
	return -1;
}
