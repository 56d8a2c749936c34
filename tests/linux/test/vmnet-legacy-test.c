// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/vmnet-interface-fixture.c
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest*.c
// frameworks: vmnet CoreFoundation

/*
 * The API of vmnet before macOS 26, vmnet_start_interface(), which clients
 * without a broker use: the networks of interfaces, and their addresses.
 */

#include "vmnet-interface-fixture.h"

#include <net/if.h>
#include <sched.h>

static xpc_object_t describe_range(operating_modes_t mode, const char *start,
    const char *end, const char *mask)
{
	xpc_object_t description = legacy_description(mode);

	xpc_dictionary_set_string(description, vmnet_start_address_key, start);
	xpc_dictionary_set_string(description, vmnet_end_address_key, end);
	xpc_dictionary_set_string(description, vmnet_subnet_mask_key, mask);
	return description;
}

static void expect_parameter(
    struct guest *guest, const char *key, const char *want)
{
	CHECK_STRING(xpc_dictionary_get_string(guest->parameters, key), want);
}

/* What a range of subnets begins with: root of a user namespace has its own. */
static const char *address(unsigned user, unsigned last)
{
	static char text[2][32];
	static unsigned turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "192.168.%u.%u",
	    getuid() == 0 ? 2 : user, last);
	return text[turn];
}

static void shared(void)
{
	struct guest a, b;

	CHECK_INT(guest_start_legacy(&a, legacy_description(VMNET_SHARED_MODE)),
	    VMNET_SUCCESS);
	CHECK_INT(guest_start_legacy(&b, legacy_description(VMNET_SHARED_MODE)),
	    VMNET_SUCCESS);
	expect_parameter(&a, vmnet_start_address_key, address(64, 1));
	expect_parameter(&a, vmnet_end_address_key, address(64, 254));
	expect_parameter(&b, vmnet_subnet_mask_key, "255.255.255.0");
	guest_send_probe(&a, "hello");
	guest_expect_probe(&b, "hello");
	CHECK_TRUE(guest_dhcp(&a));
	CHECK_STRING(inet_ntoa(a.address), address(64, 2));
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_TRUE(if_nametoindex("bridge100") != 0);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CHECK_INT(if_nametoindex("bridge100"), 0);
	/* A queue goes when its thread has returned from the last handler. */
	while (standin_objects_alive("dispatch_queue") != 0) {
		sched_yield();
	}
	CHECK_INT(standin_objects_alive(NULL), 0);
}

/* The first resolver of this machine in IPv4; 0: it has none. */
static struct in_addr resolver(void)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	struct in_addr address = { 0 };
	char line[256];
	char text[64];

	while (file != NULL && address.s_addr == 0 &&
	    fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "nameserver %63s", text) == 1) {
			inet_aton(text, &address);
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return address;
}

static void host(void)
{
	struct guest a;

	CHECK_INT(guest_start_legacy(&a, legacy_description(VMNET_HOST_MODE)),
	    VMNET_SUCCESS);
	expect_parameter(&a, vmnet_start_address_key, address(128, 1));
	CHECK_TRUE(guest_dhcp(&a));
	CHECK_STRING(inet_ntoa(a.address), address(128, 2));
	CHECK_INT(a.router.s_addr, 0);
	CHECK_INT(a.dns.s_addr, resolver().s_addr);
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
}

static void range(void)
{
	struct guest a;

	CHECK_INT(guest_start_legacy(&a,
		      describe_range(VMNET_SHARED_MODE, "10.5.5.1", "10.5.5.9",
			  "255.255.255.0")),
	    VMNET_SUCCESS);
	expect_parameter(&a, vmnet_start_address_key, "10.5.5.1");
	expect_parameter(&a, vmnet_end_address_key, "10.5.5.9");
	CHECK_TRUE(guest_dhcp(&a));
	CHECK_STRING(inet_ntoa(a.address), "10.5.5.2");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
}

/* The host is alone there: nothing is left for DHCP. */
static void range_of_one(void)
{
	struct guest a;

	CHECK_INT(guest_start_legacy(&a,
		      describe_range(VMNET_SHARED_MODE, "10.5.5.1", "10.5.5.1",
			  "255.255.255.0")),
	    VMNET_SUCCESS);
	expect_parameter(&a, vmnet_start_address_key, "10.5.5.1");
	expect_parameter(&a, vmnet_end_address_key, "10.5.5.1");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
}

static void interfaces_that_request_nothing_are_on_one_network(void **state)
{
	(void)state;
	/* Goal: all interfaces without parameters are on one network. */
	run_scenario_as_user(shared);
}

static void host_mode_has_no_router_and_the_resolver_of_the_host(void **state)
{
	(void)state;
	/* Goal: DHCP without a router, with the host's own resolver. */
	run_scenario_as_user(host);
}

static void the_first_address_of_a_range_is_the_hosts_own(void **state)
{
	(void)state;
	/* Goal: the first address is the host's, the rest is for DHCP. */
	run_scenario_as_user(range);
	run_scenario_as_user(range_of_one);
}

static void expect_refused(xpc_object_t description, vmnet_return_t want)
{
	struct guest guest;

	CHECK_INT(guest_start_legacy(&guest, description), want);
}

static void refused(void)
{
	xpc_object_t description = legacy_description(VMNET_SHARED_MODE);

	xpc_dictionary_set_string(
	    description, vmnet_start_address_key, "10.5.5.1");
	expect_refused(description, VMNET_INVALID_ARGUMENT);
	expect_refused(legacy_description(VMNET_BRIDGED_MODE), VMNET_FAILURE);
	expect_refused(legacy_description(0), VMNET_INVALID_ARGUMENT);
	expect_refused(describe_range(VMNET_SHARED_MODE, "8.8.8.1", "8.8.8.9",
			   "255.255.255.0"),
	    VMNET_FAILURE);
	expect_refused(describe_range(VMNET_SHARED_MODE, "10.5.5.9", "10.5.5.1",
			   "255.255.255.0"),
	    VMNET_INVALID_ARGUMENT);
	expect_refused(describe_range(VMNET_SHARED_MODE, "10.5.5.1", "ten",
			   "255.255.255.0"),
	    VMNET_INVALID_ARGUMENT);
	CHECK_INT(standin_objects_alive("vmnet-interface"), 0);
}

static void bridged_mode_and_half_a_range_are_refused(void **state)
{
	(void)state;
	/* Goal: bridged mode and half a range are answered with a failure. */
	run_scenario_as_user(refused);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interfaces_that_request_nothing_are_on_one_network),
		TEST(host_mode_has_no_router_and_the_resolver_of_the_host),
		TEST(the_first_address_of_a_range_is_the_hosts_own),
		TEST(bridged_mode_and_half_a_range_are_refused),
	};

	fixture_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
