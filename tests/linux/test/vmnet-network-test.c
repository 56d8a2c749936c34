// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-bench.c
// frameworks: vmnet CoreFoundation

/*
 * The stand-in's vmnet as far as it needs no root: configurations, networks and
 * serializations, by the rules of macOS. Interfaces are in
 * vmnet-interface-test.c.
 */

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#include <standin.h>

#include "vmnet-bench.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define THREADS 8
#define ROUNDS 50

static const char *const orphans[] = { "--quirk", "orphan-subnets", NULL };

static int start(void **state)
{
	(void)state;
	bench_start(NULL);
	return 0;
}

static int start_orphans(void **state)
{
	(void)state;
	bench_start(orphans);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	bench_stop();
	return 0;
}

/* Creates it, checks the status and the subnet; the caller's to release. */
static vmnet_network_ref expect(
    vmnet_mode_t mode, const char *subnet, const char *want)
{
	vmnet_return_t status = 0;
	vmnet_network_ref network = bench_network(mode, subnet, &status);

	CHECK_INT(status, VMNET_SUCCESS);
	CHECK_TRUE(network != NULL);
	CHECK_STRING(bench_subnet(network), want);
	return network;
}

static void expect_refused(
    vmnet_mode_t mode, const char *subnet, vmnet_return_t want)
{
	vmnet_return_t status = 0;
	vmnet_network_ref network = bench_network(mode, subnet, &status);

	CHECK_INT(status, want);
	CHECK_TRUE(network == NULL);
}

static void defaults(void)
{
	vmnet_network_ref a =
	    expect(VMNET_SHARED_MODE, NULL, "192.168.64.1/24");
	vmnet_network_ref b =
	    expect(VMNET_SHARED_MODE, NULL, "192.168.65.1/24");
	vmnet_network_ref c = expect(VMNET_HOST_MODE, NULL, "192.168.128.1/24");
	struct in6_addr prefix;
	uint8_t length = 0;

	vmnet_network_get_ipv6_prefix(a, &prefix, &length);
	CHECK_INT(length, 64);
	CHECK_INT(prefix.s6_addr[0], 0xfd);
	CHECK_INT(prefix.s6_addr[15], 0);
	CFRelease(a);
	a = expect(VMNET_SHARED_MODE, NULL, "192.168.64.1/24");
	CFRelease(a);
	CFRelease(b);
	CFRelease(c);
	CHECK_INT(standin_objects_alive("vmnet-network"), 0);
	CHECK_INT(standin_objects_alive("vmnet-configuration"), 0);
}

static void test_defaults(void **state)
{
	(void)state;
	/* Goal: the lowest free subnet of the mode; a release frees at once. */
	assert_true(bench_run_user(defaults));
}

static void defaults_root(void)
{
	CFRelease(expect(VMNET_SHARED_MODE, NULL, "192.168.2.1/24"));
	vmnet_network_ref a = expect(VMNET_HOST_MODE, NULL, "192.168.2.1/24");

	CFRelease(expect(VMNET_SHARED_MODE, NULL, "192.168.3.1/24"));
	CFRelease(a);
}

static void test_defaults_root(void **state)
{
	(void)state;
	/* Goal: root gets other subnets than users. */
	if (getuid() != 0) {
		skip();
	}
	assert_true(bench_run(defaults_root));
}

static void subnets(void)
{
	static const char *const good[] = { "10.0.0.1/8", "172.16.0.1/12",
		"192.168.0.1/16", "192.168.200.1/28", "192.168.200.1/30",
		"192.168.200.9/24", "192.168.200.0/24" };
	static const char *const bad[] = { "8.8.8.1/24", "192.168.200.1/31",
		"192.168.200.1/32", "192.168.200.255/24", "172.32.0.1/24",
		"192.168.0.1/8", "0.0.0.0/0", "127.0.0.1/24" };
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		CFRelease(expect(VMNET_HOST_MODE, good[i], good[i]));
	}
	for (i = 0; i < COUNT(bad); i++) {
		expect_refused(VMNET_SHARED_MODE, bad[i], VMNET_FAILURE);
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
	/* Nobody has to want the status. */
	CHECK_TRUE(vmnet_network_create(config, NULL) == NULL);
	CFRelease(config);
}

static void test_subnets(void **state)
{
	(void)state;
	/* Goal: RFC 1918, contiguous, /30 at most; setters accept all. */
	assert_true(bench_run(subnets));
	assert_true(bench_run(mask_with_holes));
}

static void overlap(void)
{
	const char *one = "192.168.77.1/24";
	vmnet_network_ref network = expect(VMNET_SHARED_MODE, one, one);

	expect_refused(VMNET_SHARED_MODE, one, VMNET_FAILURE);
	expect_refused(VMNET_HOST_MODE, "192.168.0.1/16", VMNET_FAILURE);
	expect_refused(VMNET_HOST_MODE, "192.168.77.129/25", VMNET_FAILURE);
	CFRelease(
	    expect(VMNET_HOST_MODE, "192.168.78.1/24", "192.168.78.1/24"));
	CFRetain(network);
	CFRelease(network);
	expect_refused(VMNET_SHARED_MODE, one, VMNET_FAILURE);
	CHECK_INT(CFGetRetainCount(network), 1);
	CFRelease(network);
	CFRelease(expect(VMNET_SHARED_MODE, one, one));
}

static void test_overlap(void **state)
{
	(void)state;
	/* Goal: a subnet is taken from create to the last release. */
	assert_true(bench_run(overlap));
}

static void limit_automatic(void)
{
	vmnet_network_ref networks[128];
	char want[32];
	int i;

	for (i = 0; i < 64; i++) {
		snprintf(want, sizeof(want), "192.168.%d.1/24", 64 + i);
		networks[2 * i] = expect(VMNET_SHARED_MODE, NULL, want);
		snprintf(want, sizeof(want), "192.168.%d.1/24", 128 + i);
		networks[2 * i + 1] = expect(VMNET_HOST_MODE, NULL, want);
	}
	expect_refused(VMNET_SHARED_MODE, NULL, VMNET_FAILURE);
	expect_refused(VMNET_HOST_MODE, NULL, VMNET_FAILURE);
	for (i = 0; i < 128; i++) {
		CFRelease(networks[i]);
	}
}

static void limit_total(void)
{
	vmnet_network_ref networks[255];
	char subnet[32];
	int i;

	for (i = 0; i < 255; i++) {
		snprintf(subnet, sizeof(subnet), "10.0.%d.1/24", i);
		networks[i] = expect(VMNET_HOST_MODE, subnet, subnet);
	}
	expect_refused(VMNET_HOST_MODE, "10.1.0.1/24", VMNET_FAILURE);
	expect_refused(VMNET_SHARED_MODE, NULL, VMNET_FAILURE);
	for (i = 0; i < 255; i++) {
		CFRelease(networks[i]);
	}
}

static void test_limits(void **state)
{
	(void)state;
	/* Goal: 64 chosen subnets a mode, 255 networks in all. */
	assert_true(bench_run_user(limit_automatic));
	assert_true(bench_run(limit_total));
}

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

static vmnet_network_configuration_ref shared(void)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_SHARED_MODE, NULL);

	CHECK_TRUE(config != NULL);
	return config;
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
	config = shared();
	vmnet_network_configuration_disable_nat66(config);
	CHECK_INT(created(config), VMNET_SUCCESS);
	config = shared();
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
	vmnet_network_configuration_ref config = shared();
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
	config = shared();
	CHECK_INT(
	    vmnet_network_configuration_set_mtu(config, 3), VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_FAILURE);
	config = shared();
	CHECK_INT(
	    vmnet_network_configuration_set_external_interface(config, "en99"),
	    VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_FAILURE);
	config = shared();
	CHECK_INT(
	    vmnet_network_configuration_set_ipv6_prefix(config, &prefix, 65),
	    VMNET_SUCCESS);
	CHECK_INT(created(config), VMNET_FAILURE);
}

static void prefix_overlap(void)
{
	vmnet_network_configuration_ref config = shared();
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

static void test_values(void **state)
{
	(void)state;
	/* Goal: each value of a configuration is judged at create. */
	assert_true(bench_run(modes));
	assert_true(bench_run(values));
	assert_true(bench_run(prefix_overlap));
}

static vmnet_return_t reserve(ether_addr_t mac, const char *address)
{
	vmnet_network_configuration_ref config = shared();
	struct in_addr ip = { inet_addr(address) };

	CHECK_INT(
	    vmnet_network_configuration_add_dhcp_reservation(config, &mac, &ip),
	    VMNET_SUCCESS);
	return created(config);
}

static vmnet_return_t forward(uint8_t protocol, uint16_t in, uint16_t out)
{
	vmnet_network_configuration_ref config = shared();
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
	vmnet_network_configuration_ref config = shared();

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

static void test_items(void **state)
{
	(void)state;
	/* Goal: reservations and port rules that make no sense are refused. */
	assert_true(bench_run(items));
}

/* A network with a reservation and a rule, on a subnet of its own. */
static vmnet_network_ref full_network(void)
{
	vmnet_network_configuration_ref config = shared();
	ether_addr_t mac = { { 0x52, 0x54, 0, 0, 0, 1 } };
	struct in_addr host = { inet_addr("10.9.8.1") };
	struct in_addr mask = { inet_addr("255.255.255.0") };
	struct in_addr guest = { inet_addr("10.9.8.5") };
	vmnet_network_ref network;

	vmnet_network_configuration_set_ipv4_subnet(config, &host, &mask);
	vmnet_network_configuration_add_dhcp_reservation(config, &mac, &guest);
	vmnet_network_configuration_add_port_forwarding_rule(
	    config, IPPROTO_TCP, AF_INET, 80, 8080, &guest);
	network = vmnet_network_create(config, NULL);
	CHECK_TRUE(network != NULL);
	CFRelease(config);
	return network;
}

static void serialize(void)
{
	vmnet_network_ref network = full_network();
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
	CHECK_STRING(bench_subnet(twin), "10.9.8.1/24");
	again = vmnet_network_copy_serialization(twin, NULL);
	CHECK_TRUE(xpc_equal(object, again));
	/* The twin is no owner. */
	CFRelease(twin);
	expect_refused(VMNET_SHARED_MODE, "10.9.8.1/24", VMNET_FAILURE);
	CFRelease(network);
	/* Nor does it know whether the network is still there. */
	twin = vmnet_network_create_with_serialization(again, &status);
	CHECK_STRING(bench_subnet(twin), "10.9.8.1/24");
	CFRelease(expect(VMNET_SHARED_MODE, "10.9.8.1/24", "10.9.8.1/24"));
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
	size_t i;

	expect_malformed(NULL);
	expect_malformed(xpc_string_create("network"));
	expect_malformed(xpc_dictionary_create(NULL, NULL, 0));
	for (i = 0; i < COUNT(sizes); i++) {
		object = xpc_dictionary_create(NULL, NULL, 0);
		xpc_dictionary_set_data(
		    object, "networkSerialization", bytes, sizes[i]);
		expect_malformed(object);
	}
	object = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_string(object, "networkSerialization", "bytes");
	expect_malformed(object);
}

static void test_serialization(void **state)
{
	(void)state;
	/* Goal: it carries everything, owns nothing, and is checked. */
	assert_true(bench_run(serialize));
	assert_true(bench_run(malformed));
}

/* Never released: the process ends. */
static vmnet_network_ref held;

static void owner(void)
{
	held = expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24");
	bench_hold();
}

static void taken(void)
{
	expect_refused(VMNET_SHARED_MODE, "10.1.1.1/24", VMNET_FAILURE);
	CFRelease(expect(VMNET_SHARED_MODE, "10.1.2.1/24", "10.1.2.1/24"));
}

static void available(void)
{
	CFRelease(expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24"));
}

static void test_killed(void **state)
{
	pid_t pid = bench_background(owner);

	(void)state;
	/* Goal: networks end with their owner. */
	assert_true(bench_run(taken));
	bench_kill(pid);
	assert_true(bench_run(available));
}

static void clean(void)
{
	held = expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24");
}

static void test_orphans(void **state)
{
	pid_t pid;

	(void)state;
	/* Goal: a clean exit frees the subnet, a kill leaves it taken. */
	assert_true(bench_run(clean));
	assert_true(bench_run(available));
	pid = bench_background(owner);
	bench_kill(pid);
	assert_true(bench_run(taken));
	assert_true(bench_run(taken));
}

static void unreachable(void)
{
	setenv("STANDIN_DIR", "/nonexistent", 1);
	expect_refused(VMNET_SHARED_MODE, NULL, VMNET_MEM_FAILURE);
}

static void restarted(void)
{
	vmnet_network_ref network = full_network();

	bench_hold();
	/* What we owned is gone, what we ask for works. */
	CFRelease(network);
	CFRelease(full_network());
}

static void test_unreachable(void **state)
{
	(void)state;
	/* Goal: no service is VMNET_MEM_FAILURE, as on macOS. */
	assert_true(bench_run(unreachable));
}

static void test_restart(void **state)
{
	pid_t pid = bench_background(restarted);

	(void)state;
	/* Goal: the library finds a vmnetd that was started again. */
	bench_restart();
	assert_true(bench_end(pid));
}

static void faults(void)
{
	vmnet_network_ref network;

	standin_fail("vmnet_network_create:2=1009");
	network = expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24");
	expect_refused(
	    VMNET_SHARED_MODE, "10.1.2.1/24", VMNET_SHARING_SERVICE_BUSY);
	CFRelease(expect(VMNET_SHARED_MODE, "10.1.2.1/24", "10.1.2.1/24"));
	standin_fail("vmnet_network_copy_serialization=1002");
	vmnet_return_t status = 0;

	CHECK_TRUE(vmnet_network_copy_serialization(network, &status) == NULL);
	CHECK_INT(status, VMNET_MEM_FAILURE);
	standin_fail(NULL);
	CFRelease(network);
}

static void *create_in_thread(void *argument)
{
	vmnet_network_ref *network = argument;

	*network = bench_network(VMNET_SHARED_MODE, "10.1.1.1/24", NULL);
	return NULL;
}

static void hang(void)
{
	vmnet_network_ref network = NULL;
	pthread_t thread;

	standin_hang("vmnet_network_create:1");
	pthread_create(&thread, NULL, create_in_thread, &network);
	while (standin_fail_count("vmnet_network_create") == 0) {
		sched_yield();
	}
	/* Others go on meanwhile. */
	CFRelease(expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24"));
	standin_unhang();
	pthread_join(thread, NULL);
	CHECK_TRUE(network != NULL);
	CFRelease(network);
}

static void test_faults(void **state)
{
	(void)state;
	/* Goal: a test can make a call fail with any status, or hang. */
	assert_true(bench_run(faults));
	assert_true(bench_run(hang));
}

static void *churn(void *argument)
{
	char subnet[32];
	int i;

	snprintf(subnet, sizeof(subnet), "10.2.%d.1/24", *(int *)argument);
	for (i = 0; i < ROUNDS; i++) {
		vmnet_network_ref network =
		    bench_network(VMNET_HOST_MODE, subnet, NULL);

		CHECK_TRUE(network != NULL);
		CFRelease(network);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t running[THREADS];
	int numbers[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&running[i], NULL, churn, &numbers[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(running[i], NULL);
	}
	CHECK_INT(standin_objects_alive("vmnet-network"), 0);
}

static void test_threads(void **state)
{
	(void)state;
	/* Goal: any thread may create and release, at the same time. */
	assert_true(bench_run(threads));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_defaults_root, start, stop),
		cmocka_unit_test_setup_teardown(test_subnets, start, stop),
		cmocka_unit_test_setup_teardown(test_overlap, start, stop),
		cmocka_unit_test_setup_teardown(test_limits, start, stop),
		cmocka_unit_test_setup_teardown(test_values, start, stop),
		cmocka_unit_test_setup_teardown(test_items, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_serialization, start, stop),
		cmocka_unit_test_setup_teardown(test_killed, start, stop),
		cmocka_unit_test_setup_teardown(
		    test_orphans, start_orphans, stop),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test_setup_teardown(test_restart, start, stop),
		cmocka_unit_test_setup_teardown(test_faults, start, stop),
		cmocka_unit_test_setup_teardown(test_threads, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
