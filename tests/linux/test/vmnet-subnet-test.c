// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-network-fixture.c tests/linux/test/vmnet-fixture.c
// frameworks: vmnet CoreFoundation

/*
 * Which subnets the networks of the stand-in's vmnet get, by the rules of
 * macOS.
 */

#include "vmnet-network-fixture.h"

static void defaults(void)
{
	vmnet_network_ref a =
	    network_expect(VMNET_SHARED_MODE, NULL, "192.168.64.1/24");
	vmnet_network_ref b =
	    network_expect(VMNET_SHARED_MODE, NULL, "192.168.65.1/24");
	vmnet_network_ref c =
	    network_expect(VMNET_HOST_MODE, NULL, "192.168.128.1/24");
	struct in6_addr prefix;
	uint8_t length = 0;

	vmnet_network_get_ipv6_prefix(a, &prefix, &length);
	CHECK_INT(length, 64);
	CHECK_INT(prefix.s6_addr[0], 0xfd);
	CHECK_INT(prefix.s6_addr[15], 0);
	CFRelease(a);
	a = network_expect(VMNET_SHARED_MODE, NULL, "192.168.64.1/24");
	CFRelease(a);
	CFRelease(b);
	CFRelease(c);
	CHECK_INT(standin_objects_alive("vmnet-network"), 0);
	CHECK_INT(standin_objects_alive("vmnet-configuration"), 0);
}

static void users_get_the_lowest_free_subnet(void **state)
{
	(void)state;
	/* Goal: the lowest free subnet of the mode; a release frees at once. */
	assert_true(fixture_run_user(defaults));
}

static void defaults_root(void)
{
	CFRelease(network_expect(VMNET_SHARED_MODE, NULL, "192.168.2.1/24"));
	vmnet_network_ref a =
	    network_expect(VMNET_HOST_MODE, NULL, "192.168.2.1/24");

	CFRelease(network_expect(VMNET_SHARED_MODE, NULL, "192.168.3.1/24"));
	CFRelease(a);
}

static void root_gets_other_subnets_than_users(void **state)
{
	(void)state;
	/* Goal: root gets other subnets than users. */
	if (getuid() != 0) {
		skip();
	}
	assert_true(fixture_run(defaults_root));
}

static void subnets(void)
{
	static const char *const good[] = { "10.0.0.1/8", "172.16.0.1/12",
		"192.168.0.1/16", "192.168.200.1/28", "192.168.200.1/30",
		"192.168.200.9/24", "192.168.200.0/24" };
	static const char *const bad[] = { "8.8.8.1/24", "192.168.200.1/31",
		"192.168.200.1/32", "192.168.200.255/24", "172.32.0.1/24",
		"192.168.0.1/8", "0.0.0.0/0", "127.0.0.1/24" };

	for (size_t i = 0; i < COUNT(good); i++) {
		CFRelease(network_expect(VMNET_HOST_MODE, good[i], good[i]));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		network_expect_refused(
		    VMNET_SHARED_MODE, bad[i], VMNET_FAILURE);
	}
}

static void mask_with_holes(void)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_SHARED_MODE, NULL);
	struct in_addr host = { inet_addr("10.0.0.1") };
	struct in_addr mask = { inet_addr("255.0.255.0") };
	vmnet_return_t status;

	CHECK_INT(
	    vmnet_network_configuration_set_ipv4_subnet(config, &host, &mask),
	    VMNET_SUCCESS);
	CHECK_TRUE(vmnet_network_create(config, &status) == NULL);
	CHECK_INT(status, VMNET_FAILURE);
	/* The status may be NULL. */
	CHECK_TRUE(vmnet_network_create(config, NULL) == NULL);
	CFRelease(config);
}

static void subnets_are_private_and_contiguous(void **state)
{
	(void)state;
	/* Goal: RFC 1918, contiguous, /30 at most; setters accept all. */
	assert_true(fixture_run(subnets));
	assert_true(fixture_run(mask_with_holes));
}

static void overlap(void)
{
	const char *one = "192.168.77.1/24";
	vmnet_network_ref network = network_expect(VMNET_SHARED_MODE, one, one);

	network_expect_refused(VMNET_SHARED_MODE, one, VMNET_FAILURE);
	network_expect_refused(
	    VMNET_HOST_MODE, "192.168.0.1/16", VMNET_FAILURE);
	network_expect_refused(
	    VMNET_HOST_MODE, "192.168.77.129/25", VMNET_FAILURE);
	CFRelease(network_expect(
	    VMNET_HOST_MODE, "192.168.78.1/24", "192.168.78.1/24"));
	CFRetain(network);
	CFRelease(network);
	network_expect_refused(VMNET_SHARED_MODE, one, VMNET_FAILURE);
	CHECK_INT(CFGetRetainCount(network), 1);
	CFRelease(network);
	CFRelease(network_expect(VMNET_SHARED_MODE, one, one));
}

static void a_subnet_is_in_use_until_the_last_release(void **state)
{
	(void)state;
	/* Goal: a subnet is taken from create to the last release. */
	assert_true(fixture_run(overlap));
}

static void limit_automatic(void)
{
	vmnet_network_ref networks[128];
	char want[32];

	for (int i = 0; i < 64; i++) {
		snprintf(want, sizeof(want), "192.168.%d.1/24", 64 + i);
		networks[2 * i] = network_expect(VMNET_SHARED_MODE, NULL, want);
		snprintf(want, sizeof(want), "192.168.%d.1/24", 128 + i);
		networks[2 * i + 1] =
		    network_expect(VMNET_HOST_MODE, NULL, want);
	}
	network_expect_refused(VMNET_SHARED_MODE, NULL, VMNET_FAILURE);
	network_expect_refused(VMNET_HOST_MODE, NULL, VMNET_FAILURE);
	for (int i = 0; i < 128; i++) {
		CFRelease(networks[i]);
	}
}

static void limit_total(void)
{
	vmnet_network_ref networks[255];
	char subnet[32];

	for (int i = 0; i < 255; i++) {
		snprintf(subnet, sizeof(subnet), "10.0.%d.1/24", i);
		networks[i] = network_expect(VMNET_HOST_MODE, subnet, subnet);
	}
	network_expect_refused(VMNET_HOST_MODE, "10.1.0.1/24", VMNET_FAILURE);
	network_expect_refused(VMNET_SHARED_MODE, NULL, VMNET_FAILURE);
	for (int i = 0; i < 255; i++) {
		CFRelease(networks[i]);
	}
}

static void a_mode_has_64_subnets_and_all_have_255_networks(void **state)
{
	(void)state;
	/* Goal: 64 chosen subnets per mode, 255 networks in total. */
	assert_true(fixture_run_user(limit_automatic));
	assert_true(fixture_run(limit_total));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    users_get_the_lowest_free_subnet, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    root_gets_other_subnets_than_users, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    subnets_are_private_and_contiguous, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_subnet_is_in_use_until_the_last_release, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_mode_has_64_subnets_and_all_have_255_networks,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
