// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-interface-fixture.c
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest*.c
// frameworks: vmnet CoreFoundation

/*
 * Several processes on one network of the stand-in's vmnet, and what remains
 * after one of them was killed.
 */

#include "vmnet-interface-fixture.h"

/* The owner's network, for others: bytes of a serialization in a pipe. */
static int handover[2];

/* Owns a network, and is on it itself. */
static void owner(void)
{
	vmnet_network_ref network =
	    network_make(VMNET_SHARED_MODE, "10.1.1.1/24");
	xpc_object_t object = vmnet_network_copy_serialization(network, NULL);
	struct guest guest;
	const void *data;
	size_t size;

	data = xpc_dictionary_get_data(object, "networkSerialization", &size);
	CHECK_INT(write(handover[1], data, size), 120);
	xpc_release(object);
	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	fixture_hold();
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
}

static vmnet_network_ref foreign_network(void)
{
	uint8_t data[120];
	xpc_object_t object = xpc_dictionary_create(NULL, NULL, 0);
	vmnet_network_ref network;

	CHECK_INT(read(handover[0], data, sizeof(data)), 120);
	xpc_dictionary_set_data(
	    object, "networkSerialization", data, sizeof(data));
	network = vmnet_network_create_with_serialization(object, NULL);
	xpc_release(object);
	CHECK_TRUE(network != NULL);
	return network;
}

/* On the network of the owner, until it learns that the owner is gone. */
static void member(void)
{
	vmnet_network_ref network = foreign_network();
	struct guest guest;
	uint8_t frame[64] = { 0 };

	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	fixture_hold();
	CHECK_INT(guest_write(&guest, frame, sizeof(frame)), VMNET_FAILURE);
	CHECK_INT(read_packets(&guest, 1514, 1), VMNET_FAILURE);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CHECK_INT(guest_start(&guest, network), VMNET_FAILURE);
	CFRelease(network);
}

static void both_there(void)
{
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_TRUE(link_exists("vmenet0"));
	CHECK_TRUE(link_exists("vmenet1"));
}

static void none_there(void)
{
	/* vmnetd has heard of the end when it answers this. */
	CFRelease(network_make(VMNET_HOST_MODE, "10.1.1.1/24"));
	CHECK_TRUE(!link_exists("bridge100"));
	CHECK_TRUE(!link_exists("vmenet0"));
	CHECK_TRUE(!link_exists("vmenet1"));
}

static void owner_there(void)
{
	vmnet_return_t status = 0;

	CHECK_TRUE(
	    fixture_network(VMNET_HOST_MODE, "10.1.1.1/24", &status) == NULL);
	CHECK_INT(status, VMNET_FAILURE);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_TRUE(link_exists("vmenet0"));
	CHECK_TRUE(!link_exists("vmenet1"));
}

static void a_killed_owner_takes_the_network_along(void **state)
{
	pid_t first, second;

	(void)state;
	/* Goal: the network ends with its owner, even if others use it. */
	need_namespace();
	assert_int_equal(pipe(handover), 0);
	first = fixture_background(owner);
	second = fixture_background(member);
	assert_true(fixture_run(both_there));
	fixture_kill(first);
	assert_true(fixture_run(none_there));
	assert_true(fixture_end(second));
	close(handover[0]);
	close(handover[1]);
}

static void a_killed_member_takes_only_its_interface_along(void **state)
{
	pid_t first, second;

	(void)state;
	/* Goal: a killed member loses its interface; others are not
	 * affected. */
	need_namespace();
	assert_int_equal(pipe(handover), 0);
	first = fixture_background(owner);
	second = fixture_background(member);
	assert_true(fixture_run(both_there));
	fixture_kill(second);
	assert_true(fixture_run(owner_there));
	assert_true(fixture_end(first));
	assert_true(fixture_run(none_there));
	close(handover[0]);
	close(handover[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_killed_owner_takes_the_network_along, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_killed_member_takes_only_its_interface_along,
		    fixture_setup, fixture_teardown),
	};

	fixture_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
