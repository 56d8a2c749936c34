// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-network-fixture.c tests/linux/test/vmnet-fixture.c
// frameworks: vmnet CoreFoundation

/*
 * The configurations and serializations of networks that the stand-in's vmnet
 * accepts, by the rules of macOS.
 */

#include "vmnet-network-fixture.h"

static vmnet_return_t created(vmnet_network_configuration_ref config)
{
	vmnet_return_t status = 0;
	vmnet_network_ref network = vmnet_network_create(config, &status);

	CHECK_INT(network != NULL, status == VMNET_SUCCESS);
	if (network != NULL) {
		CFRelease(network);
	}
	CFRelease(config);
	return status;
}

static void modes(void)
{
	vmnet_return_t status = 0;
	vmnet_network_configuration_ref config;

	CHECK_TRUE(vmnet_network_configuration_create(
		       VMNET_BRIDGED_MODE, &status) == NULL);
	CHECK_INT(status, VMNET_INVALID_ARGUMENT);
	CHECK_TRUE(
	    vmnet_network_configuration_create((vmnet_mode_t)7, NULL) == NULL);
	config = config_shared();
	vmnet_network_configuration_disable_nat66(config);
	CHECK_INT(created(config), VMNET_SUCCESS);
	config = config_shared();
	vmnet_network_configuration_disable_nat44(config);
	vmnet_network_configuration_disable_nat66(config);
	CHECK_INT(created(config), VMNET_FAILURE);
	config = vmnet_network_configuration_create(VMNET_HOST_MODE, &status);
	CHECK_INT(status, VMNET_SUCCESS);
	vmnet_network_configuration_disable_nat44(config);
	vmnet_network_configuration_disable_nat66(config);
	CHECK_INT(created(config), VMNET_SUCCESS);
}

static void values(void)
{
	vmnet_network_configuration_ref config = config_shared();
	struct in6_addr prefix;

	CHECK_INT(
	    vmnet_network_configuration_set_mtu(config, 9000), VMNET_SUCCESS);
	CHECK_INT(
	    vmnet_network_configuration_set_external_interface(config, "lo"),
	    VMNET_SUCCESS);
	inet_pton(AF_INET6, "fd12:3456:789a:1::", &prefix);
	CHECK_INT(
	    vmnet_network_configuration_set_ipv6_prefix(config, &prefix, 64),
	    VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_SUCCESS);
	config = config_shared();
	CHECK_INT(
	    vmnet_network_configuration_set_mtu(config, 3), VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_FAILURE);
	config = config_shared();
	CHECK_INT(
	    vmnet_network_configuration_set_external_interface(config, "en99"),
	    VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_FAILURE);
	config = config_shared();
	CHECK_INT(
	    vmnet_network_configuration_set_ipv6_prefix(config, &prefix, 65),
	    VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_FAILURE);
}

static void prefix_overlap(void)
{
	vmnet_network_configuration_ref config = config_shared();
	struct in6_addr prefix, got;
	vmnet_network_ref network;
	uint8_t length;

	inet_pton(AF_INET6, "fd12:3456:789a:1::", &prefix);
	vmnet_network_configuration_set_ipv6_prefix(config, &prefix, 64);
	network = vmnet_network_create(config, NULL);
	CHECK_TRUE(network != NULL);
	vmnet_network_get_ipv6_prefix(network, &got, &length);
	CHECK_INT(memcmp(&prefix, &got, sizeof(got)), 0);
	CHECK_INT(created(config), VMNET_FAILURE);
	CFRelease(network);
}

static void a_value_is_judged_at_create(void **state)
{
	(void)state;
	/* Goal: each value of a configuration is checked at create. */
	assert_true(fixture_run(modes));
	assert_true(fixture_run(values));
	assert_true(fixture_run(prefix_overlap));
}

static vmnet_return_t reserve(ether_addr_t mac, const char *address)
{
	vmnet_network_configuration_ref config = config_shared();
	struct in_addr ip = { inet_addr(address) };

	CHECK_INT(
	    vmnet_network_configuration_add_dhcp_reservation(config, &mac, &ip),
	    VMNET_SUCCESS);
	return created(config);
}

static vmnet_return_t forward(uint8_t protocol, uint16_t in, uint16_t out)
{
	vmnet_network_configuration_ref config = config_shared();
	struct in_addr ip = { inet_addr("192.168.64.5") };

	CHECK_INT(vmnet_network_configuration_add_port_forwarding_rule(
		      config, protocol, AF_INET, in, out, &ip),
	    VMNET_SUCCESS);
	return created(config);
}

static void items(void)
{
	ether_addr_t mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	ether_addr_t zero = { { 0 } };
	ether_addr_t all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	vmnet_network_configuration_ref config = config_shared();

	CHECK_INT(reserve(mac, "192.168.64.5"), VMNET_SUCCESS);
	CHECK_INT(reserve(zero, "192.168.64.5"), VMNET_FAILURE);
	CHECK_INT(reserve(all, "192.168.64.5"), VMNET_FAILURE);
	CHECK_INT(reserve(mac, "0.0.0.0"), VMNET_FAILURE);
	CHECK_INT(forward(IPPROTO_TCP, 80, 8080), VMNET_SUCCESS);
	CHECK_INT(forward(IPPROTO_UDP, 53, 5353), VMNET_SUCCESS);
	CHECK_INT(forward(IPPROTO_ICMP, 80, 8080), VMNET_INVALID_ARGUMENT);
	CHECK_INT(forward(IPPROTO_TCP, 0, 8080), VMNET_INVALID_ARGUMENT);
	CHECK_INT(vmnet_network_configuration_add_port_forwarding_rule(
		      config, IPPROTO_TCP, AF_UNIX, 1, 1, &mac),
	    VMNET_INVALID_ARGUMENT);
	CFRelease(config);
}

static void reservations_and_rules_must_make_sense(void **state)
{
	(void)state;
	/* Goal: reservations and port rules that make no sense are refused. */
	assert_true(fixture_run(items));
}

static void serialize(void)
{
	vmnet_network_ref network = network_full();
	vmnet_network_ref twin;
	vmnet_return_t status = 0;
	xpc_object_t object =
	    vmnet_network_copy_serialization(network, &status);
	xpc_object_t again;
	size_t size = 0;

	CHECK_INT(status, VMNET_SUCCESS);
	CHECK_TRUE(xpc_get_type(object) == XPC_TYPE_DICTIONARY);
	CHECK_TRUE(xpc_dictionary_get_data(
		       object, "networkSerialization", &size) != NULL);
	CHECK_INT(size, 120);
	CHECK_INT(xpc_dictionary_get_count(object), 3);
	twin = vmnet_network_create_with_serialization(object, &status);
	CHECK_INT(status, VMNET_SUCCESS);
	CHECK_STRING(fixture_subnet(twin), "10.9.8.1/24");
	again = vmnet_network_copy_serialization(twin, NULL);
	CHECK_TRUE(xpc_equal(object, again));
	/* The twin is no owner. */
	CFRelease(twin);
	network_expect_refused(VMNET_SHARED_MODE, "10.9.8.1/24", VMNET_FAILURE);
	CFRelease(network);
	/* Nor does it know whether the network is still there. */
	twin = vmnet_network_create_with_serialization(again, &status);
	CHECK_STRING(fixture_subnet(twin), "10.9.8.1/24");
	CFRelease(
	    network_expect(VMNET_SHARED_MODE, "10.9.8.1/24", "10.9.8.1/24"));
	CFRelease(twin);
	xpc_release(object);
	xpc_release(again);
}

static void expect_malformed(xpc_object_t object)
{
	vmnet_return_t status = 0;

	CHECK_TRUE(
	    vmnet_network_create_with_serialization(object, &status) == NULL);
	CHECK_INT(status, VMNET_INVALID_ARGUMENT);
	if (object != NULL) {
		xpc_release(object);
	}
}

static void malformed(void)
{
	static const size_t sizes[] = { 0, 1, 119, 121, 240 };
	static const uint8_t bytes[240];
	xpc_object_t object;

	expect_malformed(NULL);
	expect_malformed(xpc_string_create("network"));
	expect_malformed(xpc_dictionary_create(NULL, NULL, 0));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		object = xpc_dictionary_create(NULL, NULL, 0);
		xpc_dictionary_set_data(
		    object, "networkSerialization", bytes, sizes[i]);
		expect_malformed(object);
	}
	object = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_string(object, "networkSerialization", "bytes");
	expect_malformed(object);
}

static void a_serialization_carries_everything_and_owns_nothing(void **state)
{
	(void)state;
	/* Goal: it carries everything, owns nothing, and is checked. */
	assert_true(fixture_run(serialize));
	assert_true(fixture_run(malformed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_value_is_judged_at_create,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    reservations_and_rules_must_make_sense, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_serialization_carries_everything_and_owns_nothing,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
