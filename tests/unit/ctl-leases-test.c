// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan
// platforms: linux macos
// fixture: ctl-leases-fixture

/*
 * The files of bootpd, as macOS writes them, and what is found in them.
 */

#include "ctl-leases-fixture.h"

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
	/* Goal: an address is listed once: for the guest that it is reserved
	 * for, with the data of its lease, or for the guest that had it
	 * last. */
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
		cmocka_unit_test(
		    mac_addresses_and_subnets_are_read_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
