// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-interface-fixture.c
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest*.c
// frameworks: vmnet CoreFoundation

/*
 * Frames of the stand-in's vmnet: which interfaces get them, DHCP and its
 * reservations, and the events for readers.
 */

#include "vmnet-interface-fixture.h"

static int setup_lapse(void **state)
{
	static const char *const lapse[] = { "--quirk", "lapse-reservations",
		NULL };

	(void)state;
	return fixture_setup_with(lapse);
}

static void frames(void)
{
	vmnet_network_ref network =
	    network_make(VMNET_SHARED_MODE, "10.1.1.1/24");
	struct in_addr gateway = { inet_addr("10.1.1.1") };
	struct guest a, b;
	uint8_t mac[6];

	CHECK_INT(guest_start(&a, network), VMNET_SUCCESS);
	CHECK_INT(guest_start(&b, network), VMNET_SUCCESS);
	CHECK_TRUE(memcmp(a.mac, b.mac, 6) != 0);
	guest_send_probe(&a, "from a to all");
	guest_expect_probe(&b, "from a to all");
	guest_send_probe(&b, "from b to all");
	guest_expect_probe(&a, "from b to all");
	guest_arp(&a, gateway, mac);
	CHECK_INT(mac[0], 0x52);
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CFRelease(network);
}

static void dhcp(void)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_SHARED_MODE, NULL);
	struct in_addr host = { inet_addr("10.1.1.1") };
	struct in_addr mask = { inet_addr("255.255.255.0") };
	struct in_addr wanted = { inet_addr("10.1.1.77") };
	ether_addr_t mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	vmnet_network_ref network;
	struct guest a, b;

	vmnet_network_configuration_set_ipv4_subnet(config, &host, &mask);
	vmnet_network_configuration_add_dhcp_reservation(config, &mac, &wanted);
	network = vmnet_network_create(config, NULL);
	CFRelease(config);
	CHECK_INT(guest_start(&a, network), VMNET_SUCCESS);
	CHECK_INT(guest_start(&b, network), VMNET_SUCCESS);
	memcpy(b.mac, mac.octet, 6);
	CHECK_TRUE(guest_dhcp(&a));
	CHECK_STRING(inet_ntoa(a.address), "10.1.1.2");
	CHECK_STRING(inet_ntoa(a.router), "10.1.1.1");
	CHECK_TRUE(guest_dhcp(&b));
	CHECK_STRING(inet_ntoa(b.address), "10.1.1.77");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CFRelease(network);
}

static void strangers(void)
{
	vmnet_network_ref one = network_make(VMNET_SHARED_MODE, NULL);
	vmnet_network_ref two = network_make(VMNET_HOST_MODE, NULL);
	struct guest a, b, c;

	CHECK_INT(guest_start(&a, one), VMNET_SUCCESS);
	CHECK_INT(guest_start(&b, two), VMNET_SUCCESS);
	CHECK_INT(guest_start(&c, two), VMNET_SUCCESS);
	guest_send_probe(&a, "on one");
	guest_send_probe(&c, "on two");
	/* The first that arrives is not the one that was sent first. */
	guest_expect_probe(&b, "on two");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&c), VMNET_SUCCESS);
	CFRelease(one);
	CFRelease(two);
}

static void frames_pass_within_a_network_and_nowhere_else(void **state)
{
	(void)state;
	/* Goal: frames pass within a network, and nowhere else. */
	run_scenario(frames);
	run_scenario(dhcp);
	run_scenario(strangers);
}

static void events(void)
{
	vmnet_network_ref network = network_make(VMNET_HOST_MODE, NULL);
	dispatch_queue_t queue = dispatch_queue_create("events", NULL);
	dispatch_semaphore_t seen = dispatch_semaphore_create(0);
	__block bool estimated = false;
	struct guest a, b;

	CHECK_INT(guest_start(&a, network), VMNET_SUCCESS);
	CHECK_INT(guest_start(&b, network), VMNET_SUCCESS);
	CHECK_INT(
	    vmnet_interface_set_event_callback(b.interface,
		VMNET_INTERFACE_PACKETS_AVAILABLE, queue,
		^(interface_event_t mask, xpc_object_t event) {
			CHECK_INT(mask, VMNET_INTERFACE_PACKETS_AVAILABLE);
			estimated =
			    xpc_dictionary_get_uint64(event,
				vmnet_estimated_packets_available_key) > 0;
			guest_expect_probe((struct guest *)&b, "event");
			dispatch_semaphore_signal(seen);
		}),
	    VMNET_SUCCESS);
	guest_send_probe(&a, "event");
	dispatch_semaphore_wait(seen, DISPATCH_TIME_FOREVER);
	CHECK_TRUE(estimated);
	CHECK_INT(vmnet_interface_set_event_callback(b.interface,
		      VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL),
	    VMNET_SUCCESS);
	guest_send_probe(&a, "after");
	guest_expect_probe(&b, "after");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CFRelease(network);
	dispatch_sync(queue,
	    ^{
	    });
	dispatch_release(queue);
	dispatch_release(seen);
}

static void frames_that_can_be_read_are_reported(void **state)
{
	(void)state;
	/* Goal: frames that can be read cause events, until the handler is
	 * removed. */
	run_scenario(events);
}

static void reserved(void)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_HOST_MODE, NULL);
	struct in_addr host = { inet_addr("10.1.1.1") };
	struct in_addr mask = { inet_addr("255.255.255.0") };
	struct in_addr wanted = { inet_addr("10.1.1.77") };
	ether_addr_t mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	vmnet_network_ref network;
	bool lapses = getenv("LAPSED") != NULL;
	struct guest guest;

	vmnet_network_configuration_set_ipv4_subnet(config, &host, &mask);
	vmnet_network_configuration_add_dhcp_reservation(config, &mac, &wanted);
	network = vmnet_network_create(config, NULL);
	CFRelease(config);
	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	memcpy(guest.mac, mac.octet, 6);
	CHECK_TRUE(guest_dhcp(&guest));
	CHECK_STRING(
	    inet_ntoa(guest.address), lapses ? "10.1.1.2" : "10.1.1.77");
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
}

static void reservations_stay_without_the_quirk(void **state)
{
	(void)state;
	/* Goal: without the quirk a network keeps its reservations. */
	run_scenario(reserved);
}

static void reservations_lapse_with_the_quirk(void **state)
{
	(void)state;
	/* Goal: with it they go with the last interface. */
	setenv("LAPSED", "1", 1);
	run_scenario(reserved);
	unsetenv("LAPSED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    frames_pass_within_a_network_and_nowhere_else,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    frames_that_can_be_read_are_reported, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    reservations_stay_without_the_quirk, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    reservations_lapse_with_the_quirk, setup_lapse,
		    fixture_teardown),
	};

	fixture_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
