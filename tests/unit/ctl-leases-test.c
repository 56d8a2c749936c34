// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan
// platforms: linux macos
// link: client/ctl/leases.c

/*
 * The files of bootpd, as macOS writes them and with any other content: what is
 * read is bounded, and none of it controls a terminal.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/leases.h"

#define NOW 1000
#define IP(a, b, c, d)                                                         \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define ENTRY(name, ip, hw, lease)                                             \
	"{\n\tname=" name "\n\tip_address=" ip "\n\thw_address=" hw            \
	"\n\tidentifier=" hw "\n\tlease=" lease "\n}\n"

static char folder[] = "/tmp/ctl-leases.XXXXXX";
static char leases_file[64];
static char reservations_file[64];

static void write_bytes(const char *path, const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void read_files(
    struct leases *leases, const char *text, const char *reservations)
{
	const char *failed = NULL;

	write_bytes(leases_file, text, strlen(text));
	write_bytes(reservations_file, reservations, strlen(reservations));
	assert_int_equal(
	    leases_read(leases, leases_file, reservations_file, &failed), 0);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	snprintf(leases_file, sizeof(leases_file), "%s/leases", folder);
	snprintf(
	    reservations_file, sizeof(reservations_file), "%s/tab", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(leases_file);
	unlink(reservations_file);
	return rmdir(folder);
}

static void good_leases_and_reservations_are_read(void **state)
{
	/* Goal: every field, in the order of the addresses; expired entries
	 * are kept and named. */
	struct leases leases;

	(void)state;
	read_files(&leases,
	    ENTRY("web", "192.168.64.10", "1,52:54:0:12:34:56", "0x7d0")
		ENTRY("db", "192.168.64.9", "ff,f1:f5:dd:7f:0:2:0:0", "0x1"),
	    "%%\n# comment\nmail 1 52:54:00:00:00:0a 192.168.64.200\n");
	assert_int_equal(leases.count, 3);
	assert_int_equal(leases.skipped, 0);
	assert_int_equal(leases.items[0].ip, IP(192, 168, 64, 9));
	assert_string_equal(leases.items[0].name, "db");
	assert_string_equal(leases.items[0].mac, "");
	assert_string_equal(
	    leases.items[0].client_id, "ff,f1:f5:dd:7f:0:2:0:0");
	assert_string_equal(lease_kind(&leases.items[0], NOW), "expired");
	assert_string_equal(leases.items[1].mac, "52:54:00:12:34:56");
	assert_int_equal(leases.items[1].expires, 2000);
	assert_string_equal(lease_kind(&leases.items[1], NOW), "dynamic");
	assert_string_equal(leases.items[2].mac, "52:54:00:00:00:0a");
	assert_string_equal(lease_kind(&leases.items[2], NOW), "reserved");
	leases_destroy(&leases);
}

static void an_address_is_listed_once(void **state)
{
	/* Goal: an address is listed once: for the guest that it is reserved for,
	 * with the data of its lease, or for the guest that had it last. */
	struct leases leases;

	(void)state;
	read_files(&leases,
	    ENTRY("old", "10.0.0.5", "1,2:0:0:0:0:1", "0x10")
		ENTRY("new", "10.0.0.5", "1,2:0:0:0:0:2", "0x20")
		    ENTRY("older", "10.0.0.5", "1,2:0:0:0:0:3", "0x8")
			ENTRY("guest", "10.0.0.6", "1,2:0:0:0:0:6", "0x7d0"),
	    "%%\ntab 1 02:00:00:00:00:06 10.0.0.6\n");
	assert_int_equal(leases.count, 2);
	assert_string_equal(leases.items[0].name, "new");
	assert_true(leases.items[1].reserved);
	assert_string_equal(leases.items[1].name, "guest");
	assert_int_equal(leases.items[1].expires, 2000);
	leases_destroy(&leases);
}

static const char *found(const struct leases *leases, uint32_t subnet,
    uint32_t mask, const char *guest)
{
	const struct lease *lease =
	    leases_find(leases, subnet, mask, guest, NOW);

	return lease == NULL ? "none" : lease->name;
}

static void the_valid_lease_of_several_of_a_guest_is_found(void **state)
{
	/* Goal: of several leases of a guest the one that is good, in the
	 * subnet that is asked for; a reservation needs no lease. */
	struct leases leases;
	uint32_t mask = IP(255, 255, 255, 0);

	(void)state;
	read_files(&leases,
	    ENTRY("a", "10.0.0.5", "1,2:0:0:0:0:1", "0x7d0")
		ENTRY("b", "10.0.0.6", "1,2:0:0:0:0:1", "0x7d1")
		    ENTRY("c", "10.0.1.5", "1,2:0:0:0:0:1", "0x7d2")
			ENTRY("gone", "10.0.0.7", "1,2:0:0:0:0:7", "0x3e8"),
	    "%%\nkept 1 02:00:00:00:00:08 10.0.0.8\n");
	assert_string_equal(
	    found(&leases, IP(10, 0, 0, 0), mask, "02-0-0-0-0-01"), "b");
	assert_string_equal(
	    found(&leases, IP(10, 0, 1, 0), mask, "2:0:0:0:0:1"), "c");
	assert_string_equal(found(&leases, 0, 0, "2:0:0:0:0:1"), "c");
	assert_string_equal(found(&leases, 0, 0, "A"), "a");
	assert_string_equal(found(&leases, 0, 0, "gone"), "none");
	assert_string_equal(found(&leases, 0, 0, "2:0:0:0:0:8"), "kept");
	assert_string_equal(found(&leases, 0, 0, ""), "none");
	leases_destroy(&leases);
}

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
	/* Goal: a guest's name neither controls a terminal nor ends an entry. */
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

static void mac_addresses_and_subnets_are_read_as_people_write_them(
    void **state)
{
	/* Goal: MAC addresses and subnets as people write them. */
	static const char *const bad_macs[] = { "", "web", "1:2:3:4:5",
		"1:2:3:4:5:6:7", "1:2:3:4:5:", "123:2:3:4:5:6", "1:2:3:4:5:g",
		"1.2.3.4.5.6", " 1:2:3:4:5:6" };
	static const char *const bad_subnets[] = { "", "10.0.0.0", "10.0.0.0/",
		"10.0.0.0/0", "10.0.0.0/33", "10.0.0.0/8x", "a/8",
		"10.0.0.0.0.0.0.0.0.0/8" };
	char mac[18];
	uint32_t subnet = 0;
	uint32_t mask = 0;

	(void)state;
	assert_true(lease_mac("A:B:c:d:EE:0f", mac));
	assert_string_equal(mac, "0a:0b:0c:0d:ee:0f");
	for (size_t i = 0; i < sizeof(bad_macs) / sizeof(bad_macs[0]); i++) {
		assert_false(lease_mac(bad_macs[i], mac));
	}
	assert_true(lease_subnet("192.168.64.7/24", &subnet, &mask));
	assert_int_equal(subnet, IP(192, 168, 64, 0));
	assert_int_equal(mask, IP(255, 255, 255, 0));
	for (size_t i = 0; i < sizeof(bad_subnets) / sizeof(bad_subnets[0]);
	     i++) {
		assert_false(lease_subnet(bad_subnets[i], &subnet, &mask));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_leases_and_reservations_are_read),
		cmocka_unit_test(an_address_is_listed_once),
		cmocka_unit_test(
		    the_valid_lease_of_several_of_a_guest_is_found),
		cmocka_unit_test(bad_entries_are_skipped_and_counted),
		cmocka_unit_test(bad_reservations_are_skipped),
		cmocka_unit_test(the_name_of_a_guest_is_made_printable),
		cmocka_unit_test(files_without_end_are_read_up_to_a_limit),
		cmocka_unit_test(
		    a_missing_file_is_empty_and_other_kinds_are_refused),
		cmocka_unit_test(
		    mac_addresses_and_subnets_are_read_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
