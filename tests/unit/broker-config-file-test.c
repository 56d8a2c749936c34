// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// fixture: broker-config-fixture

/*
 * What networks.json must be as a file: its size, kind, modes and owner.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker-config-fixture.h"
#include "trusted-file.h"

/* The same for a reason with the file's path in it. */
static void assert_refused_for(const char *format)
{
	char reason[512];

	snprintf(reason, sizeof(reason), ": ");
	snprintf(reason + 2, sizeof(reason) - 2, format, path);
	assert_refused(reason);
}

static void a_file_over_64_kib_is_refused_and_not_read(void **state)
{
	char *text = malloc(CONFIG_SIZE_MAX + 1);
	struct config *config = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CONFIG_SIZE_MAX + 1);
	memcpy(text, "{}", 2);
	write_file(text, CONFIG_SIZE_MAX);
	assert_int_equal(load(&config), CONFIG_LOADED);
	config_destroy(config);
	write_file(text, CONFIG_SIZE_MAX + 1);
	assert_refused(": larger than 64 KiB");
	free(text);

	/* A file of a gigabyte is not read. */
	write_file("{}", 2);
	assert_int_equal(truncate(path, (off_t)1 << 30), 0);
	assert_refused(": larger than 64 KiB");
}

static void only_a_regular_file_is_read(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0755), 0);
	assert_refused(": Is a directory");

	assert_int_equal(mkfifo(path, 0644), 0);
	assert_refused(": not a regular file");

	assert_int_equal(symlink("/dev/null", path), 0);
	assert_refused(": a symbolic link: put the file itself in its place");
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_refused(": a symbolic link: put the file itself in its place");
}

static void a_device_is_not_read(void **state)
{
	struct stat zero;

	(void)state;
	assert_int_equal(stat("/dev/zero", &zero), 0);
	if (mknod(path, S_IFCHR | 0644, zero.st_rdev) != 0) {
		skip(); /* only root makes devices */
	}
	assert_refused(
	    geteuid() == 0 ? ": not a regular file" : ": Permission denied");
}

static void a_file_that_others_can_write_is_refused(void **state)
{
	static const struct {
		mode_t mode;
		bool good;
	} modes[] = {
		{ 0600, true },
		{ 0640, true },
		{ 0644, true },
		{ 0444, true },
		{ 0755, true },
		{ 0664, false },
		{ 0646, false },
		{ 0666, false },
		{ 0620, false },
		{ 0602, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct config *config = NULL;

		write_file("{}", 2);
		assert_int_equal(chmod(path, modes[i].mode), 0);
		if (!modes[i].good) {
			assert_refused_for(
			    "writable by group or others: run `sudo chmod go-w "
			    "\"%s\"`");
			continue;
		}
		assert_int_equal(load(&config), CONFIG_LOADED);
		config_destroy(config);
	}
}

/* Goal: of the owners root, us and the given one, and of no other. */
static void a_file_of_another_owner_is_refused(void **state)
{
	struct config *config = config_create(0);

	(void)state;
	if (geteuid() != 0) {
		config_destroy(config);
		skip(); /* only root gives files away */
	}
	write_file("{}", 2);
	assert_int_equal(chown(path, 4242, 0), 0);
	assert_int_equal(config_load(config, path, 4242), CONFIG_LOADED);
	config_destroy(config);
	assert_refused_for(
	    "its owner is the user 4242, not root: run `sudo chown root "
	    "\"%s\"`");
}

/* The result for the file at path if the reader is neither its owner nor
 * root. */
static void assert_judged(bool folders, const char *format)
{
	static char name[] = "carol";
	const struct passwd carol = {
		.pw_name = name,
		.pw_uid = 4242,
		.pw_gid = 4243,
	};
	const char *reason = trusted_file_check(path, &carol, folders);
	char expected[512];

	snprintf(expected, sizeof(expected), format, path);
	assert_string_equal(reason == NULL ? "" : reason, expected);
}

/* Goal: a file that the daemon's user could not read is reported to others. */
static void a_file_that_the_daemon_could_not_read_is_reported(void **state)
{
	char folder_reason[512];

	(void)state;
	if (geteuid() != 0) {
		skip(); /* only root gives files away */
	}
	write_file("{}", 2);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_judged(true, "");
	assert_int_equal(chmod(path, 0600), 0);
	assert_judged(false,
	    "the user carol may not read it: run `sudo chmod a+r \"%s\"`");
	assert_int_equal(chown(path, 4242, 0), 0);
	assert_judged(false, ""); /* the daemon's own */
	assert_int_equal(chown(path, 0, 4243), 0);
	assert_int_equal(chmod(path, 0604), 0);
	assert_judged(false,
	    "the user carol may not read it: run `sudo chmod a+r \"%s\"`");
	assert_int_equal(chmod(path, 0640), 0);
	assert_judged(false, "");
	assert_int_equal(chmod(path, 0660), 0);
	assert_judged(
	    false, "writable by group or others: run `sudo chmod go-w \"%s\"`");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, 4244, 0), 0);
	assert_judged(false,
	    "its owner is the user 4244, not root: run `sudo chown root "
	    "\"%s\"`");

	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(directory, 0700), 0);
	assert_judged(false, "");
	snprintf(folder_reason, sizeof(folder_reason),
	    "the user carol may not enter %s: run `sudo chmod a+x \"%s\"`",
	    directory, directory);
	assert_judged(true, folder_reason);
	assert_int_equal(remove(path), 0);
	assert_judged(false, "No such file or directory");
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_judged(
	    false, "a symbolic link: put the file itself in its place");
	assert_int_equal(remove(path), 0);
}

static void a_file_that_cannot_be_read_is_refused(void **state)
{
	struct config *config = config_create(0);
	enum config_result result = CONFIG_LOADED;
	char line[256];

	(void)state;
	write_file("{}", 2);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	/* Root may read everything. */
	if (geteuid() == 0) {
		assert_int_equal(seteuid(4242), 0);
	}
	result = config_load(config, path, 0);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(result, CONFIG_REFUSED);
	snprintf(line, sizeof(line), "%s: Permission denied", path);
	assert_string_equal(config->refused, line);
	assert_int_equal(remove(path), 0);
	config_destroy(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_over_64_kib_is_refused_and_not_read),
		cmocka_unit_test(only_a_regular_file_is_read),
		cmocka_unit_test(a_device_is_not_read),
		cmocka_unit_test(a_file_that_others_can_write_is_refused),
		cmocka_unit_test(a_file_of_another_owner_is_refused),
		cmocka_unit_test(
		    a_file_that_the_daemon_could_not_read_is_reported),
		cmocka_unit_test(a_file_that_cannot_be_read_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
