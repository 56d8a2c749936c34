// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-interface-fixture.c
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest*.c
// frameworks: vmnet CoreFoundation

/*
 * The life of an interface of the stand-in's vmnet: start, stop, refusals,
 * threads.
 */

#include "vmnet-interface-fixture.h"

#include <pthread.h>

#include "vmnet-stop.h"

#define THREADS 4
#define ROUNDS 5

static void parameters_check(xpc_object_t parameters)
{
	unsigned mac[6];
	const char *text =
	    xpc_dictionary_get_string(parameters, vmnet_mac_address_key);

	CHECK_INT(xpc_dictionary_get_uint64(parameters, vmnet_mtu_key), 1500);
	CHECK_INT(
	    xpc_dictionary_get_uint64(parameters, vmnet_max_packet_size_key),
	    1514);
	CHECK_INT(
	    xpc_dictionary_get_uint64(parameters, vmnet_read_max_packets_key),
	    256);
	CHECK_INT(
	    xpc_dictionary_get_uint64(parameters, vmnet_write_max_packets_key),
	    256);
	CHECK_TRUE(xpc_dictionary_get_uuid(
		       parameters, vmnet_interface_id_key) != NULL);
	CHECK_TRUE(text != NULL);
	CHECK_INT(sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &mac[0], &mac[1],
		      &mac[2], &mac[3], &mac[4], &mac[5]),
	    6);
	CHECK_INT(mac[0] & 3, 2);
}

static void life(void)
{
	vmnet_network_ref network =
	    network_make(VMNET_SHARED_MODE, "10.1.1.1/24");
	struct guest guest;

	CHECK_TRUE(!link_exists("bridge100"));
	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	parameters_check(guest.parameters);
	/* No addresses: those are the network's to tell. */
	CHECK_TRUE(xpc_dictionary_get_value(
		       guest.parameters, vmnet_start_address_key) == NULL);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_TRUE(link_exists("vmenet0"));
	CHECK_INT(standin_objects_alive("vmnet-interface"), 1);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CHECK_TRUE(!link_exists("bridge100"));
	CHECK_TRUE(!link_exists("vmenet0"));
	/* And once more: the network has only been idle. */
	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
	CHECK_INT(standin_objects_alive("vmnet-network"), 0);
}

static void retained(void)
{
	vmnet_network_ref network =
	    network_make(VMNET_SHARED_MODE, "10.1.1.1/24");
	struct guest guest;
	vmnet_return_t status = 0;

	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	CHECK_INT(CFGetRetainCount(network), 2);
	CFRelease(network);
	/* The interface holds it, and the subnet, until it has stopped. */
	CHECK_TRUE(
	    fixture_network(VMNET_HOST_MODE, "10.1.1.1/24", &status) == NULL);
	CHECK_INT(status, VMNET_FAILURE);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network_make(VMNET_HOST_MODE, "10.1.1.1/24"));
}

static void the_first_interface_makes_the_bridge_and_the_last_takes_it(
    void **state)
{
	(void)state;
	/* Goal: the first interface creates the bridge, the last removes it. */
	run_scenario(life);
	run_scenario(retained);
}

static void refused(void)
{
	vmnet_network_ref network =
	    network_make(VMNET_SHARED_MODE, "10.1.1.0/24");
	xpc_object_t serialization;
	xpc_object_t none = xpc_null_create();
	dispatch_queue_t queue = dispatch_queue_create("test", NULL);
	vmnet_start_interface_completion_handler_t not_called =
	    ^(vmnet_return_t status, xpc_object_t parameters) {
		    CHECK_INT(status, parameters != NULL);
	    };
	struct guest guest;

	/* The gateway at the subnet's own address shows only here. */
	CHECK_INT(guest_start(&guest, network), VMNET_FAILURE);
	CHECK_TRUE(!link_exists("bridge100"));
	CHECK_INT(standin_objects_alive("vmnet-interface"), 0);
	CHECK_INT(CFGetRetainCount(network), 1);
	CHECK_TRUE(vmnet_interface_start_with_network(
		       network, none, queue, not_called) == NULL);
	xpc_release(none);
	dispatch_release(queue);
	serialization = vmnet_network_copy_serialization(network, NULL);
	CFRelease(network);
	network = vmnet_network_create_with_serialization(serialization, NULL);
	xpc_release(serialization);
	/* A network that is not there any more. */
	CHECK_INT(guest_start(&guest, network), VMNET_FAILURE);
	CFRelease(network);
}

static void injected(void)
{
	vmnet_network_ref network = network_make(VMNET_HOST_MODE, NULL);
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	dispatch_queue_t queue = dispatch_queue_create("test", NULL);
	vmnet_start_interface_completion_handler_t not_called =
	    ^(vmnet_return_t status, xpc_object_t parameters) {
		    CHECK_INT(status, parameters != NULL);
	    };
	struct guest guest;

	standin_fail("vmnet_interface_start_with_network:1=1009");
	CHECK_INT(guest_start(&guest, network), VMNET_SHARING_SERVICE_BUSY);
	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	standin_fail("vmnet_interface_start_with_network:1=0");
	CHECK_TRUE(vmnet_interface_start_with_network(
		       network, description, queue, not_called) == NULL);
	standin_fail("vmnet_stop_interface:1=1001");
	CHECK_INT(guest_stop(&guest), VMNET_FAILURE);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	standin_fail(NULL);
	CFRelease(network);
	xpc_release(description);
	dispatch_release(queue);
}

static void stopped_too_early(void)
{
	vmnet_network_ref network = network_make(VMNET_HOST_MODE, NULL);
	struct stop_answers answers;

	standin_fail("vmnet_interface_start_with_network:1=1001");
	answers = stop_too_early(network);
	standin_fail(NULL);
	CHECK_INT(answers.starting, VMNET_SETUP_INCOMPLETE);
	CHECK_INT(answers.failed, VMNET_INVALID_ARGUMENT);
	CHECK_INT(CFGetRetainCount(network), 1);
	CFRelease(network);
}

static void a_failed_start_is_reported_in_its_completion(void **state)
{
	(void)state;
	/* Goal: the completion of a failed start has the reason. */
	run_scenario(refused);
	run_scenario(injected);
}

static void an_interface_that_has_not_started_is_not_stopped(void **state)
{
	(void)state;
	/* Goal: an interface that has not started cannot be stopped. */
	run_scenario(stopped_too_early);
}

static void stale(void)
{
	vmnet_network_ref network = network_make(VMNET_HOST_MODE, NULL);
	struct guest guest;
	struct vmpktdesc packet = { 0 };
	int count = 0;

	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&guest), VMNET_INVALID_ARGUMENT);
	CHECK_INT(vmnet_read(guest.interface, &packet, &count),
	    VMNET_INVALID_ARGUMENT);
	CHECK_INT(vmnet_write(guest.interface, &packet, &count),
	    VMNET_INVALID_ARGUMENT);
	CHECK_INT(vmnet_interface_set_event_callback(guest.interface,
		      VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL),
	    VMNET_INVALID_ARGUMENT);
	CFRelease(network);
}

static vmnet_return_t write_one(
    struct guest *guest, size_t size, uint32_t flags)
{
	static uint8_t buffer[2000];
	struct iovec iov = { buffer, size };
	struct vmpktdesc packet = { size, &iov, 1, flags };
	int count = 1;

	return vmnet_write(guest->interface, &packet, &count);
}

static void arguments(void)
{
	vmnet_network_ref network = network_make(VMNET_HOST_MODE, NULL);
	struct guest guest;

	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	CHECK_INT(read_packets(&guest, 1514, 256), VMNET_SUCCESS);
	CHECK_INT(read_packets(&guest, 1514, 257), VMNET_TOO_MANY_PACKETS);
	CHECK_INT(read_packets(&guest, 1514, -1), VMNET_INVALID_ARGUMENT);
	CHECK_INT(read_packets(&guest, 1513, 1), VMNET_INVALID_ARGUMENT);
	CHECK_INT(write_one(&guest, 1514, 0), VMNET_SUCCESS);
	CHECK_INT(write_one(&guest, 1515, 0), VMNET_PACKET_TOO_BIG);
	CHECK_INT(write_one(&guest, 13, 0), VMNET_INVALID_ARGUMENT);
	CHECK_INT(write_one(&guest, 100, 1), VMNET_INVALID_ARGUMENT);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
}

static void bad_arguments_and_stale_references_do_no_harm(void **state)
{
	(void)state;
	/* Goal: errors are reported, and stale references do no harm. */
	run_scenario(stale);
	run_scenario(arguments);
}

static void *churn(void *argument)
{
	struct guest guest;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_INT(guest_start(&guest, argument), VMNET_SUCCESS);
		guest_send_probe(&guest, "churn");
		CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	}
	return NULL;
}

static void threads(void)
{
	vmnet_network_ref network = network_make(VMNET_HOST_MODE, NULL);
	pthread_t running[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pthread_create(&running[i], NULL, churn, network);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(running[i], NULL);
	}
	CHECK_TRUE(!link_exists("bridge100"));
	CHECK_INT(standin_objects_alive("vmnet-interface"), 0);
	CHECK_INT(CFGetRetainCount(network), 1);
	CFRelease(network);
}

static void interfaces_start_and_stop_from_any_thread(void **state)
{
	(void)state;
	/* Goal: interfaces start and stop from any thread at once. */
	run_scenario(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_first_interface_makes_the_bridge_and_the_last_takes_it,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_failed_start_is_reported_in_its_completion, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    an_interface_that_has_not_started_is_not_stopped,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    bad_arguments_and_stale_references_do_no_harm,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    interfaces_start_and_stop_from_any_thread, fixture_setup,
		    fixture_teardown),
	};

	fixture_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
