// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * Which subnet a network gets, and which it must not.
 */

#include <net/route.h>

#include "broker-service-fixture.h"

/* Goal: a subnet that the Mac is on is refused, and by which interface; one
 * that only a bridge of vmnet has, from 100 up, is not. */
static void a_subnet_of_an_interface_of_the_mac_is_refused(void **unused)
{
	struct client client;
	xpc_object_t reply = NULL;
	const char *message = NULL;

	(void)unused;
	connect_client(&client);
	reply = ask(&client, request_create("acquire", "near"));
	message = xpc_dictionary_get_string(reply, "error_message");
	assert_string_equal(message,
	    "the subnet 192.168.100.0/24 overlaps the Mac's own interface en0 "
	    "(192.168.100.20/24): choose another subnet in networks.json");
	assert_null(xpc_dictionary_get_value(reply, "vmnet_status"));
	xpc_release(reply);
	assert_int_equal(fake_vmnet_created(), 0);
	for (int i = 1; i <= OTHER_BRIDGES; i++) {
		bridge_used = i;
		assert_acquire(&client, "far", FAILURE_CREATE);
	}
	assert_int_equal(fake_vmnet_created(), 0);
	bridge_used = 0;
	assert_acquire(&client, "far", 0);
	assert_int_equal(fake_vmnet.asked, 0xc0a86500);
	close_client(&client);
}

static void assert_refused(
    struct client *client, const char *name, const char *expected)
{
	xpc_object_t reply = ask(client, request_create("acquire", name));

	assert_string_equal(
	    xpc_dictionary_get_string(reply, "error_message"), expected);
	assert_int_equal(xpc_dictionary_get_int64(reply, "vmnet_status"), 1001);
	xpc_release(reply);
}

/* Goal: a subnet that vmnet refuses is another network's, whose bridge is named
 * if it has one. */
static void a_subnet_of_another_vmnet_network_is_refused(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	fake_vmnet.in_use = 0xc0a86500;
	assert_refused(&client, "far",
	    "vmnet_network_create: VMNET_FAILURE (1001): the subnet is used by "
	    "another network, that of the interface bridge100 "
	    "(192.168.101.1/24): choose another subnet, or stop what uses that "
	    "network");
	on_queue(^{
		host_set_address("192.168.103.20");
	});
	fake_vmnet.in_use = 0xc0a86400;
	assert_refused(&client, "near",
	    "vmnet_network_create: VMNET_FAILURE (1001): the subnet is used by "
	    "another network, or was left behind by a process that was killed: "
	    "choose another subnet, or restart the Mac");
	close_client(&client);
}

/* Goal: a subnet that a route leads to is refused, and the message names the
 * route; default routes and those of vmnet's bridges are ignored. */
static void a_subnet_of_a_route_of_the_mac_is_refused(void **unused)
{
	struct client client;

	(void)unused;
	host_add_route(9, 0, 0);             /* default */
	host_add_route(9, 0, 1);             /* half of everything, by a VPN */
	host_add_route(9, 0x80000000, 1);    /* the other half */
	host_add_route(100, 0xc0a86500, 24); /* of the bridge */
	host_add_route(9, 0xc0a86505, 33);   /* a neighbour, to be left out */
	host_set_route(RTF_UP | RTF_LLINFO, false);
	connect_client(&client);
	assert_acquire(&client, "far", 0);
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);

	host_add_route(9, 0xc0a86000, 20);
	connect_client(&client);
	assert_acquire(&client, "far", FAILURE_CREATE);
	wait_log("the subnet 192.168.101.0/24 overlaps the Mac's own route to "
		 "192.168.96.0/20 through utun3: choose another subnet in "
		 "networks.json");
	/* A single host is in the way as well. */
	host_forget_routes();
	host_add_route(9, 0xc0a86505, 33);
	assert_acquire(&client, "far", FAILURE_CREATE);
	wait_log("192.168.101.5/32 through utun3");
	/* What is no message ends the list. */
	host_forget_routes();
	host_add_route(9, 0xc0a86505, 33);
	host_set_route(RTF_UP, true);
	assert_acquire(&client, "far", 0);
	close_client(&client);
}

static void assert_source(struct client *client, const char *name,
    const char *source, const char *subnet)
{
	xpc_object_t reply = ask(client, request_create("acquire", name));

	assert_info(reply, VMNET_BROKER_INFO_SUBNET_SOURCE, source);
	assert_info(reply, VMNET_BROKER_INFO_SUBNET, subnet);
	xpc_release(reply);
}

/* Goal: promise 5: a name has its own subnet, the next one while vmnet or the
 * Mac has that, and its own again as soon as it is free. */
static void a_name_has_its_own_subnet_and_the_next_while_that_is_in_use(
    void **unused)
{
	struct client client;

	(void)unused;
	acquire_and_release("default");
	assert_int_equal(fake_vmnet.asked, 0xc0a87300);
	fake_vmnet.in_use = 0xc0a87300;
	connect_client(&client);
	assert_source(&client, "default", "alternative", "192.168.116.0/24");
	wait_log("network default: the subnet 192.168.115.0/24 is used by the "
		 "Mac or by another vmnet network");
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
	fake_vmnet.in_use = 0;
	on_queue(^{
		host_set_address("192.168.115.7");
	});
	connect_client(&client);
	assert_source(&client, "default", "alternative", "192.168.116.0/24");
	assert_source(&client, "far", "configured", "192.168.101.0/24");
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
	on_queue(^{
		host_set_address("192.168.100.20");
	});
	connect_client(&client);
	assert_source(&client, "default", "assigned", "192.168.115.0/24");
	close_client(&client);
}

/* Goal: a subnet that is preferred is had if it can be, and else the network
 * has one of those of its name. */
static void a_preferred_subnet_is_given_up_when_it_is_in_use(void **unused)
{
	struct config_network before = *config_find(&fixture.config, "far");
	struct config_network network = before;
	struct client client;

	(void)unused;
	network.subnet_policy = CONFIG_PREFER;
	set_network("far", network);
	connect_client(&client);
	assert_source(&client, "far", "configured", "192.168.101.0/24");
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
	fake_vmnet.in_use = 0xc0a86500;
	connect_client(&client);
	assert_source(&client, "far", "alternative", "192.168.104.0/24");
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
	set_network("far", before);
}

/* Goal: on a Mac whose LAN has all candidates the system chooses; its choice is
 * refused if the Mac is on that, too. */
static void the_system_chooses_when_all_subnets_are_in_use(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	fake_vmnet.refuse_all = true;
	assert_source(&client, "default", "system", "192.168.64.0/24");
	on_queue(^{
		host_set_address("192.168.65.1");
	});
	assert_acquire(&client, "shared", FAILURE_CREATE);
	wait_log("macOS chose the subnet 192.168.65.0/24, which overlaps the "
		 "Mac's own interface en0 (192.168.65.1/24): choose a subnet "
		 "in networks.json");
	close_client(&client);
}

/* Goal: S18: an invalid subnet is a failure, and does not end the broker. */
static void a_subnet_that_is_invalid_is_a_failure(void **unused)
{
	struct client client;

	(void)unused;
	fake_vmnet.mask = 0xff00ff00;
	connect_client(&client);
	assert_acquire(&client, "default", FAILURE_CREATE);
	assert_int_equal(fake_vmnet_networks(), 0);
	fake_vmnet.mask = 0xffff0000;
	assert_acquire(&client, "default", 0);
	close_client(&client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_subnet_of_an_interface_of_the_mac_is_refused),
		TEST(a_subnet_of_another_vmnet_network_is_refused),
		TEST(a_subnet_of_a_route_of_the_mac_is_refused),
		TEST(
		    a_name_has_its_own_subnet_and_the_next_while_that_is_in_use),
		TEST(a_preferred_subnet_is_given_up_when_it_is_in_use),
		TEST(the_system_chooses_when_all_subnets_are_in_use),
		TEST(a_subnet_that_is_invalid_is_a_failure),
	};

	return RUN(tests);
}
