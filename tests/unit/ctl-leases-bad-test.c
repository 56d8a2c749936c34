// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan
// platforms: linux macos
// fixture: ctl-leases-fixture

/*
 * The files of bootpd, with any other content: what is read is bounded, and
 * none of it controls a terminal.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl-leases-fixture.h"

static void bad_entries_are_skipped_and_counted(void **state)
{
	/* Goal: entries that are not understood are counted and skipped. */
	static const char *const bad[] = {
		ENTRY("x", "10.0.0", "1,2:0:0:0:0:1", "0x10"),
		ENTRY("x", "fd00::1", "1,2:0:0:0:0:1", "0x10"),
		ENTRY("x", "0.0.0.0", "1,2:0:0:0:0:1", "0x10"),
		ENTRY("x", "10.0.0.1", "1,2:0:0:0:0:1", "soon"),
		ENTRY("x", "10.0.0.1", "1,2:0:0:0:0:1", "-0x1"),
		ENTRY("x", "10.0.0.1", "1,2:0:0:0:0:1", "0x1ffffffff"),
		"{\n\tip_address=10.0.0.1\n}\n",
		"{\n\tlease=0x10\n}\n",
		"{\n\tip_address=10.0.0.1\n\tlease=0x10\n\tnonsense\n}\n",
		"{\n\tip_address=10.0.0.1\n\tlease=0x10\n",
	};
	static const char good[] =
	    ENTRY("good", "10.0.0.2", "1,2:0:0:0:0:2", "0x10");
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct leases leases;

		snprintf(text, sizeof(text), "%s%s", good, bad[i]);
		read_files(&leases, text, "");
		assert_int_equal(leases.count, 1);
		assert_int_equal(leases.skipped, 1);
		assert_string_equal(leases.items[0].name, "good");
		leases_destroy(&leases);
	}
}

static void bad_reservations_are_skipped(void **state)
{
	/* Goal: the same of the other file; nothing before "%%" counts. */
	struct leases leases;

	(void)state;
	read_files(&leases, "",
	    "early 1 02:00:00:00:00:01 10.0.0.1\n%%\n"
	    "short 1 02:00:00:00:00:01\n"
	    "type 6 02:00:00:00:00:01 10.0.0.1\n"
	    "mac 1 02:00:00:00:00 10.0.0.1\n"
	    "address 1 02:00:00:00:00:01 10.0.0.256\n"
	    "good 1 02:00:00:00:00:01 10.0.0.1 boot\n");
	assert_int_equal(leases.count, 1);
	assert_int_equal(leases.skipped, 4);
	assert_string_equal(leases.items[0].name, "good");
	leases_destroy(&leases);
}

static void the_name_of_a_guest_is_made_printable(void **state)
{
	/* Goal: a guest's name neither controls a terminal nor ends an
	 * entry. */
	struct leases leases;
	char text[4096] = "{\n\tname=";

	(void)state;
	read_files(&leases,
	    ENTRY("\033[2J\a\xff x", "10.0.0.2", "1,\033:0", "0x10"), "");
	assert_string_equal(leases.items[0].name, "?[2J???x");
	assert_string_equal(leases.items[0].client_id, "1,?:0");
	assert_string_equal(leases.items[0].mac, "");
	leases_destroy(&leases);

	/* A long line, with what looks like lines of the next entry in it. */
	memset(text + 8, 'a', 2000);
	snprintf(text + 2008, 1000,
	    "\tip_address=10.0.0.9\n\tip_address=10.0.0.3\n"
	    "\tlease=0x10\n}\n" ENTRY(
		"good", "10.0.0.2", "1,2:0:0:0:0:2", "0x10"));
	read_files(&leases, text, "");
	assert_int_equal(leases.count, 1);
	assert_int_equal(leases.skipped, 1);
	assert_string_equal(leases.items[0].name, "good");
	leases_destroy(&leases);
}

static void files_without_end_are_read_up_to_a_limit(void **state)
{
	/* Goal: as many leases as there is room for, and files without end. */
	struct leases leases;
	const char *failed = NULL;
	FILE *file = fopen(leases_file, "w");

	(void)state;
	assert_non_null(file);
	for (unsigned i = 0; i < LEASES_MAX + 10; i++) {
		fprintf(file, "{\n\tip_address=10.1.%u.%u\n\tlease=0x10\n}\n",
		    i >> 8, i & 255);
	}
	assert_int_equal(fclose(file), 0);
	write_bytes(reservations_file, "", 0);
	assert_int_equal(
	    leases_read(&leases, leases_file, reservations_file, &failed), 0);
	assert_int_equal(leases.count, LEASES_MAX);
	assert_int_equal(leases.skipped, 10);
	leases_destroy(&leases);

	write_bytes(leases_file, "\0\0\0{\0\n}\n{\n\0", 10);
	assert_int_equal(truncate(leases_file, 64 << 20), 0);
	assert_int_equal(
	    leases_read(&leases, leases_file, reservations_file, &failed), 0);
	assert_int_equal(leases.count, 0);
	leases_destroy(&leases);
}

static void a_missing_file_is_empty_and_other_kinds_are_refused(void **state)
{
	/* Goal: a missing file is empty, what is no file is refused, and a
	 * FIFO is not waited for. */
	struct leases leases;
	const char *failed = NULL;

	(void)state;
	unlink(leases_file);
	unlink(reservations_file);
	assert_int_equal(
	    leases_read(&leases, leases_file, reservations_file, &failed), 0);
	assert_int_equal(leases.count, 0);
	leases_destroy(&leases);
	assert_int_equal(
	    leases_read(&leases, folder, reservations_file, &failed), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(failed, folder);
	assert_int_equal(mkfifo(reservations_file, 0600), 0);
	assert_int_equal(
	    leases_read(&leases, leases_file, reservations_file, &failed), -1);
	assert_string_equal(failed, reservations_file);
	unlink(reservations_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_entries_are_skipped_and_counted),
		cmocka_unit_test(bad_reservations_are_skipped),
		cmocka_unit_test(the_name_of_a_guest_is_made_printable),
		cmocka_unit_test(files_without_end_are_read_up_to_a_limit),
		cmocka_unit_test(
		    a_missing_file_is_empty_and_other_kinds_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
