// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Runs scenarios in processes of their own, see sdk-fixture.h. */

#include <err.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../linux/common/spawn.h"
#include "sdk-fixture.h"

#define SCENARIOS_MAX 64

static int scenario_main(
    const struct scenario *scenarios, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(scenarios[i].name, name) == 0) {
			if (!scenarios[i].no_fixture) {
				fixture_start();
			}
			scenarios[i].run();
			return 0;
		}
	}
	errx(2, "no such scenario: %s", name);
}

/* Copies what the scenario printed; returns how much that was. */
static long output_show(int fd)
{
	char text[4096];
	ssize_t size;
	long total = 0;

	lseek(fd, 0, SEEK_SET);
	for (;;) {
		size = read(fd, text, sizeof(text));
		if (size <= 0) {
			return total;
		}
		total += (long)size;
		fwrite(text, 1, (size_t)size, stderr);
	}
}

static void scenario_run(void **state)
{
	const struct scenario *scenario = *state;
	const char *argv[] = { "/proc/self/exe", "scenario", scenario->name,
		NULL };
	const char *clean[] = { "rm", "-rf", NULL, NULL };
	char directory[] = "/tmp/sdk-test.XXXXXX";
	char services[64];
	int output = memfd_create("output", MFD_CLOEXEC);
	struct spawn spawn = { .argv = argv,
		.stdio = { SPAWN_NULL, output, output },
		.netns = -1 };
	pid_t pid;
	int status;

	assert_int_not_equal(output, -1);
	assert_non_null(mkdtemp(directory));
	snprintf(services, sizeof(services), "%s/services", directory);
	assert_int_equal(mkdir(services, 0755), 0);
	assert_int_equal(setenv("STANDIN_DIR", directory, 1), 0);
	pid = spawn_start(&spawn);
	assert_int_not_equal(pid, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clean[2] = directory;
	assert_int_equal(spawn_run(clean), 0);
	assert_int_equal(output_show(output), 0);
	assert_int_equal(spawn_status(status), 0);
	close(output);
}

int scenarios_main(
    int argc, char **argv, const struct scenario *scenarios, size_t count)
{
	struct CMUnitTest tests[SCENARIOS_MAX];
	size_t i;

	if (argc == 3 && strcmp(argv[1], "broker") == 0) {
		return broker_main(argv[2]);
	}
	if (argc == 3 && strcmp(argv[1], "scenario") == 0) {
		return scenario_main(scenarios, count, argv[2]);
	}
	if (count > SCENARIOS_MAX) {
		errx(2, "too many scenarios: %zu", count);
	}
	for (i = 0; i < count; i++) {
		tests[i] = (struct CMUnitTest){ scenarios[i].name, scenario_run,
			NULL, NULL, (void *)(uintptr_t)&scenarios[i] };
	}
	return _cmocka_run_group_tests("sdk", tests, count, NULL, NULL);
}
