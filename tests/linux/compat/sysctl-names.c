// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The names with which other programs ask sysctl(3) about the Mac.
 */

#include "../os/sysctl-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void read_type(struct sysctl_value *value)
{
	sysctl_string(value, "Darwin");
}

/* Darwin's version number is one less than that of macOS. */
static void read_release(struct sysctl_value *value)
{
	char *rest;
	long major;
	long minor;

	sysctl_product(value);
	major = strtol(value->string, &rest, 10);
	minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	snprintf(value->string, sizeof(value->string), "%ld.%ld.0", major - 1,
	    minor);
}

static void read_version(struct sysctl_value *value)
{
	char text[128];

	read_release(value);
	snprintf(
	    text, sizeof(text), "Darwin Kernel Version %.32s", value->string);
	sysctl_string(value, text);
}

static void read_build(struct sysctl_value *value)
{
	sysctl_string(value, "25E1");
}

static void read_host(struct sysctl_value *value)
{
	char name[128] = "";

	(void)gethostname(name, sizeof(name) - 1);
	sysctl_string(value, name);
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
	sysctl_string(value,
	    strcmp(name.machine, "aarch64") == 0 ? "arm64" : name.machine);
}

static void read_model(struct sysctl_value *value)
{
	sysctl_string(value, "Mac16,1");
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

const struct sysctl_name sysctl_others[] = {
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
	{ 0 },
};
