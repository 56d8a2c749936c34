// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/vmnet-interface-fixture.c
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest*.c
// frameworks: vmnet CoreFoundation

/*
 * The API of vmnet before macOS 26, vmnet_start_interface(): what an interface
 * is known by, and which others it is apart from.
 */

#include "vmnet-interface-fixture.h"

static void identifier(void)
{
	uuid_t id = { 1, 2, 3, 4 };
	uint8_t mac[6];
	struct guest guest;
	xpc_object_t description;

	for (int i = 0; i < 3; i++) {
		id[5] = i == 2;
		description = legacy_description(VMNET_SHARED_MODE);
		xpc_dictionary_set_uuid(
		    description, vmnet_interface_id_key, id);
		CHECK_INT(
		    guest_start_legacy(&guest, description), VMNET_SUCCESS);
		CHECK_INT(memcmp(xpc_dictionary_get_uuid(
				     guest.parameters, vmnet_interface_id_key),
			      id, sizeof(id)),
		    0);
		if (i > 0) {
			CHECK_INT(memcmp(mac, guest.mac, 6) == 0, i == 1);
		}
		memcpy(mac, guest.mac, 6);
		CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	}
	description = legacy_description(VMNET_SHARED_MODE);
	xpc_dictionary_set_bool(
	    description, vmnet_allocate_mac_address_key, false);
	CHECK_INT(guest_start_legacy(&guest, description), VMNET_SUCCESS);
	CHECK_TRUE(xpc_dictionary_get_value(
		       guest.parameters, vmnet_mac_address_key) == NULL);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
}

static void an_interface_id_always_has_the_same_mac(void **state)
{
	(void)state;
	/* Goal: the same interface id is the same MAC. */
	run_scenario_as_user(identifier);
}

static xpc_object_t describe_group(uint8_t first)
{
	xpc_object_t description = legacy_description(VMNET_HOST_MODE);
	uuid_t group = { 0 };

	group[0] = first;
	xpc_dictionary_set_uuid(
	    description, vmnet_network_identifier_key, group);
	return description;
}

static void groups(void)
{
	struct guest a, b, c;

	CHECK_INT(guest_start_legacy(&a, describe_group(1)), VMNET_SUCCESS);
	CHECK_INT(guest_start_legacy(&b, describe_group(2)), VMNET_SUCCESS);
	CHECK_INT(guest_start_legacy(&c, describe_group(2)), VMNET_SUCCESS);
	guest_send_probe(&a, "group 1");
	guest_send_probe(&c, "group 2");
	guest_expect_probe(&b, "group 2");
	CHECK_TRUE(xpc_dictionary_get_value(
		       a.parameters, vmnet_start_address_key) == NULL);
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&c), VMNET_SUCCESS);
}

static void isolated(void)
{
	xpc_object_t descriptions[2];
	struct guest a, b, c;

	for (int i = 0; i < 2; i++) {
		descriptions[i] = legacy_description(VMNET_HOST_MODE);
		xpc_dictionary_set_bool(
		    descriptions[i], vmnet_enable_isolation_key, true);
	}
	CHECK_INT(guest_start_legacy(&a, descriptions[0]), VMNET_SUCCESS);
	CHECK_INT(guest_start_legacy(&b, descriptions[1]), VMNET_SUCCESS);
	CHECK_INT(guest_start_legacy(&c, legacy_description(VMNET_HOST_MODE)),
	    VMNET_SUCCESS);
	guest_send_probe(&a, "isolated");
	guest_send_probe(&c, "open");
	guest_expect_probe(&b, "open");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&c), VMNET_SUCCESS);
}

static void groups_and_isolated_interfaces_are_separate(void **state)
{
	(void)state;
	/* Goal: no frames pass between groups, nor between isolated
	 * interfaces. */
	run_scenario_as_user(groups);
	run_scenario_as_user(isolated);
}

static void bridgeable(void)
{
	xpc_object_t list = vmnet_copy_shared_interface_list();

	CHECK_INT(xpc_array_get_count(list), 1);
	CHECK_STRING(xpc_array_get_string(list, 0), "en0");
	xpc_release(list);
}

static void the_uplink_is_listed_as_bridgeable(void **state)
{
	(void)state;
	/* Goal: the list of what could be bridged has the uplink. */
	run_scenario_as_user(bridgeable);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interface_id_always_has_the_same_mac),
		TEST(groups_and_isolated_interfaces_are_separate),
		TEST(the_uplink_is_listed_as_bridgeable),
	};

	fixture_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
