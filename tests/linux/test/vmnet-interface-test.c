// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-bench.c tests/linux/test/vmnet-guest.c
// frameworks: vmnet CoreFoundation

/*
 * The stand-in's vmnet where it meets the kernel: interfaces and frames of both
 * APIs, in a network namespace of this test's own. Needs root, or user
 * namespaces and a tun device that everybody may open.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <net/if.h>
#include <cmocka.h>

#include <standin.h>

#include "vmnet-bench.h"
#include "vmnet-guest.h"
#include "vmnet-stop.h"

#define THREADS 4
#define ROUNDS 5

static const char *const lapse[] = { "--quirk", "lapse-reservations", NULL };
static const char *unable; /* Why this machine cannot run these tests. */

static int start(void **state)
{
	(void)state;
	if (unable == NULL) {
		bench_start(NULL);
	}
	return 0;
}

static int start_lapse(void **state)
{
	(void)state;
	if (unable == NULL) {
		bench_start(lapse);
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (unable == NULL) {
		bench_stop();
	}
	return 0;
}

static void run(void (*scenario)(void))
{
	if (unable != NULL) {
		skip();
	}
	assert_true(bench_run(scenario));
}

static bool link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

static vmnet_network_ref network_make(vmnet_mode_t mode, const char *subnet)
{
	vmnet_network_ref network = bench_network(mode, subnet, NULL);

	CHECK_TRUE(network != NULL);
	return network;
}

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
	    bench_network(VMNET_HOST_MODE, "10.1.1.1/24", &status) == NULL);
	CHECK_INT(status, VMNET_FAILURE);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network_make(VMNET_HOST_MODE, "10.1.1.1/24"));
}

static void test_life(void **state)
{
	(void)state;
	/* Goal: the first interface makes the bridge, the last takes it. */
	run(life);
	run(retained);
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

static void test_refused(void **state)
{
	(void)state;
	/* Goal: what cannot start says so in its completion. */
	run(refused);
	run(injected);
}

static void test_stopped_too_early(void **state)
{
	(void)state;
	/* Goal: what has not started cannot be stopped. */
	run(stopped_too_early);
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

/* One packet with a buffer of size bytes. */
static vmnet_return_t read_one(struct guest *guest, size_t size, int count)
{
	uint8_t buffer[1514];
	struct iovec iov = { buffer, size };
	struct vmpktdesc packets[257];
	int i;

	for (i = 0; i < 257; i++) {
		packets[i] = (struct vmpktdesc){ size, &iov, 1, 0 };
	}
	return vmnet_read(guest->interface, packets, &count);
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
	CHECK_INT(read_one(&guest, 1514, 256), VMNET_SUCCESS);
	CHECK_INT(read_one(&guest, 1514, 257), VMNET_TOO_MANY_PACKETS);
	CHECK_INT(read_one(&guest, 1514, -1), VMNET_INVALID_ARGUMENT);
	CHECK_INT(read_one(&guest, 1513, 1), VMNET_INVALID_ARGUMENT);
	CHECK_INT(write_one(&guest, 1514, 0), VMNET_SUCCESS);
	CHECK_INT(write_one(&guest, 1515, 0), VMNET_PACKET_TOO_BIG);
	CHECK_INT(write_one(&guest, 13, 0), VMNET_INVALID_ARGUMENT);
	CHECK_INT(write_one(&guest, 100, 1), VMNET_INVALID_ARGUMENT);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
	CFRelease(network);
}

static void test_arguments(void **state)
{
	(void)state;
	/* Goal: mistakes are told, and stale references do no harm. */
	run(stale);
	run(arguments);
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

static void test_frames(void **state)
{
	(void)state;
	/* Goal: frames pass within a network, and nowhere else. */
	run(frames);
	run(dhcp);
	run(strangers);
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

static void test_events(void **state)
{
	(void)state;
	/* Goal: frames that can be read are told of, until nobody listens. */
	run(events);
}

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
	bench_hold();
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

/* On the owner's network, until it is told that this one is gone. */
static void member(void)
{
	vmnet_network_ref network = foreign_network();
	struct guest guest;
	uint8_t frame[64] = { 0 };

	CHECK_INT(guest_start(&guest, network), VMNET_SUCCESS);
	bench_hold();
	CHECK_INT(guest_write(&guest, frame, sizeof(frame)), VMNET_FAILURE);
	CHECK_INT(read_one(&guest, 1514, 1), VMNET_FAILURE);
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
	    bench_network(VMNET_HOST_MODE, "10.1.1.1/24", &status) == NULL);
	CHECK_INT(status, VMNET_FAILURE);
	CHECK_TRUE(link_exists("bridge100"));
	CHECK_TRUE(link_exists("vmenet0"));
	CHECK_TRUE(!link_exists("vmenet1"));
}

static void test_owner_killed(void **state)
{
	pid_t first, second;

	(void)state;
	/* Goal: it takes the network along, also from under others. */
	if (unable != NULL) {
		skip();
	}
	assert_int_equal(pipe(handover), 0);
	first = bench_background(owner);
	second = bench_background(member);
	assert_true(bench_run(both_there));
	bench_kill(first);
	assert_true(bench_run(none_there));
	assert_true(bench_end(second));
	close(handover[0]);
	close(handover[1]);
}

static void test_member_killed(void **state)
{
	pid_t first, second;

	(void)state;
	/* Goal: it takes its own interface along, and nothing else. */
	if (unable != NULL) {
		skip();
	}
	assert_int_equal(pipe(handover), 0);
	first = bench_background(owner);
	second = bench_background(member);
	assert_true(bench_run(both_there));
	bench_kill(second);
	assert_true(bench_run(owner_there));
	assert_true(bench_end(first));
	assert_true(bench_run(none_there));
	close(handover[0]);
	close(handover[1]);
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

static void test_reservations_stay(void **state)
{
	(void)state;
	/* Goal: without the quirk a network keeps its reservations. */
	run(reserved);
}

static void test_reservations_lapse(void **state)
{
	(void)state;
	/* Goal: with it they go with the last interface. */
	setenv("LAPSED", "1", 1);
	run(reserved);
	unsetenv("LAPSED");
}

static void *churn(void *argument)
{
	struct guest guest;
	int i;

	for (i = 0; i < ROUNDS; i++) {
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
	int i;

	for (i = 0; i < THREADS; i++) {
		pthread_create(&running[i], NULL, churn, network);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(running[i], NULL);
	}
	CHECK_TRUE(!link_exists("bridge100"));
	CHECK_INT(standin_objects_alive("vmnet-interface"), 0);
	CHECK_INT(CFGetRetainCount(network), 1);
	CFRelease(network);
}

static void test_threads(void **state)
{
	(void)state;
	/* Goal: interfaces start and stop from any thread at once. */
	run(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, start, stop),
		cmocka_unit_test_setup_teardown(test_refused, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_stopped_too_early, start, stop),
		cmocka_unit_test_setup_teardown(test_arguments, start, stop),
		cmocka_unit_test_setup_teardown(test_frames, start, stop),
		cmocka_unit_test_setup_teardown(test_events, start, stop),
		cmocka_unit_test_setup_teardown(test_owner_killed, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_member_killed, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_reservations_stay, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_reservations_lapse, start_lapse, stop),
		cmocka_unit_test_setup_teardown(test_threads, start, stop),
	};

	unable = bench_namespace();
	if (unable != NULL) {
		printf("# skip: %s\n", unable);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
