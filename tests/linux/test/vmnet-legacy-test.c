// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-fixture.c tests/linux/test/vmnet-guest.c
// frameworks: vmnet CoreFoundation

/*
 * The API of vmnet before macOS 26: vmnet_start_interface and port forwarding
 * of single interfaces, which clients without a broker use.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <net/if.h>
#include <sched.h>
#include <cmocka.h>

#include <standin.h>

#include "vmnet-fixture.h"
#include "vmnet-guest.h"

static const char *unable; /* why this machine cannot run these tests */

static int start(void **state)
{
	(void)state;
	if (unable == NULL) {
		fixture_start(NULL);
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (unable == NULL) {
		fixture_stop();
	}
	return 0;
}

static void run(void (*scenario)(void))
{
	if (unable != NULL) {
		skip();
	}
	assert_true(fixture_run_user(scenario));
}

static xpc_object_t describe(operating_modes_t mode)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_uint64(description, vmnet_operation_mode_key, mode);
	return description;
}

static xpc_object_t describe_range(operating_modes_t mode, const char *start,
    const char *end, const char *mask)
{
	xpc_object_t description = describe(mode);

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

	CHECK_INT(
	    guest_start_legacy(&a, describe(VMNET_SHARED_MODE)), VMNET_SUCCESS);
	CHECK_INT(
	    guest_start_legacy(&b, describe(VMNET_SHARED_MODE)), VMNET_SUCCESS);
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

	CHECK_INT(
	    guest_start_legacy(&a, describe(VMNET_HOST_MODE)), VMNET_SUCCESS);
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

static void test_shared(void **state)
{
	(void)state;
	/* Goal: all interfaces that ask for nothing are on one network. */
	run(shared);
}

static void test_host(void **state)
{
	(void)state;
	/* Goal: DHCP without a router, with the host's own resolver. */
	run(host);
}

static void test_range(void **state)
{
	(void)state;
	/* Goal: the first address is the host's, the rest is for DHCP. */
	run(range);
	run(range_of_one);
}

static void expect_refused(xpc_object_t description, vmnet_return_t want)
{
	struct guest guest;

	CHECK_INT(guest_start_legacy(&guest, description), want);
}

static void refused(void)
{
	xpc_object_t description = describe(VMNET_SHARED_MODE);

	xpc_dictionary_set_string(
	    description, vmnet_start_address_key, "10.5.5.1");
	expect_refused(description, VMNET_INVALID_ARGUMENT);
	expect_refused(describe(VMNET_BRIDGED_MODE), VMNET_FAILURE);
	expect_refused(describe(0), VMNET_INVALID_ARGUMENT);
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

static void test_refused(void **state)
{
	(void)state;
	/* Goal: bridged mode and half a range are answered with a failure. */
	run(refused);
}

static void identifier(void)
{
	uuid_t id = { 1, 2, 3, 4 };
	uint8_t mac[6];
	struct guest guest;
	xpc_object_t description;

	for (int i = 0; i < 3; i++) {
		id[5] = i == 2;
		description = describe(VMNET_SHARED_MODE);
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
	description = describe(VMNET_SHARED_MODE);
	xpc_dictionary_set_bool(
	    description, vmnet_allocate_mac_address_key, false);
	CHECK_INT(guest_start_legacy(&guest, description), VMNET_SUCCESS);
	CHECK_TRUE(xpc_dictionary_get_value(
		       guest.parameters, vmnet_mac_address_key) == NULL);
	CHECK_INT(guest_stop(&guest), VMNET_SUCCESS);
}

static void test_identifier(void **state)
{
	(void)state;
	/* Goal: the same interface id is the same MAC. */
	run(identifier);
}

static xpc_object_t describe_group(uint8_t first)
{
	xpc_object_t description = describe(VMNET_HOST_MODE);
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
		descriptions[i] = describe(VMNET_HOST_MODE);
		xpc_dictionary_set_bool(
		    descriptions[i], vmnet_enable_isolation_key, true);
	}
	CHECK_INT(guest_start_legacy(&a, descriptions[0]), VMNET_SUCCESS);
	CHECK_INT(guest_start_legacy(&b, descriptions[1]), VMNET_SUCCESS);
	CHECK_INT(
	    guest_start_legacy(&c, describe(VMNET_HOST_MODE)), VMNET_SUCCESS);
	guest_send_probe(&a, "isolated");
	guest_send_probe(&c, "open");
	guest_expect_probe(&b, "open");
	CHECK_INT(guest_stop(&a), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&b), VMNET_SUCCESS);
	CHECK_INT(guest_stop(&c), VMNET_SUCCESS);
}

static void test_isolation(void **state)
{
	(void)state;
	/* Goal: groups do not meet, nor do isolated interfaces. */
	run(groups);
	run(isolated);
}

static dispatch_semaphore_t done;
static vmnet_return_t last_status;

static vmnet_return_t add_rule(struct guest *guest, uint16_t external)
{
	struct in_addr to = { inet_addr("192.168.64.2") };
	vmnet_return_t status = vmnet_interface_add_ip_port_forwarding_rule(
	    guest->interface, IPPROTO_TCP, external, AF_INET, &to, 80,
	    ^(vmnet_return_t result) {
		    last_status = result;
		    dispatch_semaphore_signal(done);
	    });

	if (status == VMNET_SUCCESS) {
		dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
		status = last_status;
	}
	return status;
}

static vmnet_return_t remove_rule(struct guest *guest, uint16_t external)
{
	vmnet_return_t status = vmnet_interface_remove_port_forwarding_rule(
	    guest->interface, IPPROTO_TCP, external, ^(vmnet_return_t result) {
		    last_status = result;
		    dispatch_semaphore_signal(done);
	    });

	if (status == VMNET_SUCCESS) {
		dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
		status = last_status;
	}
	return status;
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
	CHECK_INT(guest_start_legacy(&guest, describe(VMNET_SHARED_MODE)),
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

static void test_rules(void **state)
{
	(void)state;
	/* Goal: port rules come and go, but not on a network's interfaces. */
	run(rules);
	run(rules_of_networks);
}

static void bridgeable(void)
{
	xpc_object_t list = vmnet_copy_shared_interface_list();

	CHECK_INT(xpc_array_get_count(list), 1);
	CHECK_STRING(xpc_array_get_string(list, 0), "en0");
	xpc_release(list);
}

static void test_bridgeable(void **state)
{
	(void)state;
	/* Goal: the list of what could be bridged has the uplink. */
	run(bridgeable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, start, stop),
		cmocka_unit_test_setup_teardown(test_host, start, stop),
		cmocka_unit_test_setup_teardown(test_range, start, stop),
		cmocka_unit_test_setup_teardown(test_refused, start, stop),
		cmocka_unit_test_setup_teardown(test_identifier, start, stop),
		cmocka_unit_test_setup_teardown(test_isolation, start, stop),
		cmocka_unit_test_setup_teardown(test_rules, start, stop),
		cmocka_unit_test_setup_teardown(test_bridgeable, start, stop),
	};

	unable = fixture_namespace();
	if (unable != NULL) {
		printf("# skip: %s\n", unable);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
