// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// link: tests/linux/test/vmnet-interface-fixture.c
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest*.c
// frameworks: vmnet CoreFoundation

/*
 * The API of vmnet before macOS 26: port forwarding of single interfaces.
 */

#include "vmnet-interface-fixture.h"

static dispatch_semaphore_t done;
static vmnet_return_t last_status;

/* A call that was accepted reports its result in last_status. */
static vmnet_return_t wait_for_status(vmnet_return_t accepted)
{
	if (accepted != VMNET_SUCCESS) {
		return accepted;
	}
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	return last_status;
}

static vmnet_return_t add_rule(struct guest *guest, uint16_t external)
{
	struct in_addr to = { inet_addr("192.168.64.2") };

	return wait_for_status(vmnet_interface_add_ip_port_forwarding_rule(
	    guest->interface, IPPROTO_TCP, external, AF_INET, &to, 80,
	    ^(vmnet_return_t result) {
		    last_status = result;
		    dispatch_semaphore_signal(done);
	    }));
}

static vmnet_return_t remove_rule(struct guest *guest, uint16_t external)
{
	return wait_for_status(vmnet_interface_remove_port_forwarding_rule(
	    guest->interface, IPPROTO_TCP, external, ^(vmnet_return_t result) {
		    last_status = result;
		    dispatch_semaphore_signal(done);
	    }));
}

/* How many there are; the first is checked. */
static size_t count_rules(struct guest *guest)
{
	__block size_t count = 0;
	vmnet_return_t status = vmnet_interface_get_ip_port_forwarding_rules(
	    guest->interface, AF_INET, ^(xpc_object_t rules) {
		    struct in_addr to;
		    uint8_t protocol;
		    uint16_t in, out;

		    count = xpc_array_get_count(rules);
		    if (count > 0) {
			    CHECK_INT(vmnet_ip_port_forwarding_rule_get_details(
					  xpc_array_get_value(rules, 0),
					  &protocol, &out, AF_INET, &to, &in),
				VMNET_SUCCESS);
			    CHECK_STRING(inet_ntoa(to), "192.168.64.2");
			    CHECK_INT(protocol, IPPROTO_TCP);
			    CHECK_INT(out, 8080);
			    CHECK_INT(in, 80);
		    }
		    dispatch_semaphore_signal(done);
	    });

	CHECK_INT(status, VMNET_SUCCESS);
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	return count;
}

static void rules(void)
{
	struct guest guest;

	done = dispatch_semaphore_create(0);
	CHECK_INT(
	    guest_start_legacy(&guest, legacy_description(VMNET_SHARED_MODE)),
	    VMNET_SUCCESS);
	CHECK_INT(count_rules(&guest), 0);
	CHECK_INT(add_rule(&guest, 8080), VMNET_SUCCESS);
	CHECK_INT(add_rule(&guest, 8080), VMNET_FAILURE);
	CHECK_INT(add_rule(&guest, 0), VMNET_INVALID_ARGUMENT);
	CHECK_INT(add_rule(&guest, 8081), VMNET_SUCCESS);
	CHECK_INT(count_rules(&guest), 2);
	CHECK_INT(remove_rule(&guest, 8081), VMNET_SUCCESS);
	CHECK_INT(remove_rule(&guest, 8081), VMNET_FAILURE);
	CHECK_INT(count_rules(&guest), 1);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	dispatch_release(done);
}

static void rules_of_networks(void)
{
	vmnet_network_ref network =
	    fixture_network(VMNET_SHARED_MODE, NULL, NULL);
	struct guest guest;

	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	/* At once, and no handler: that would wait forever here. */
	CHECK_INT(add_rule(&guest, 8080), VMNET_FAILURE);
	CHECK_INT(remove_rule(&guest, 8080), VMNET_FAILURE);
	CHECK_INT(vmnet_interface_get_port_forwarding_rules(guest.interface,
		      ^(xpc_object_t none) {
			      CHECK_TRUE(none == NULL);
		      }),
	    VMNET_FAILURE);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
}

static void port_rules_are_added_and_removed_but_not_on_networks(void **state)
{
	(void)state;
	/* Goal: port rules come and go, but not on a network's interfaces. */
	run_scenario_as_user(rules);
	run_scenario_as_user(rules_of_networks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    port_rules_are_added_and_removed_but_not_on_networks,
		    fixture_setup, fixture_teardown),
	};

	fixture_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
