// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client broker-reload-fixture run-until-failure

/*
 * The info of a network, in the reply to acquire: what a client can use of it,
 * and what is not as configured.
 */

#include <stdatomic.h>
#include <stdio.h>

#include <standin.h>

#include "broker-fixture.h"
#include "broker-reload-fixture.h"
#include "broker-vmnet.h"
#include "failure.h"
#include "protocol.h"
#include "run-until-failure.h"

/* What the fake vmnet makes, whatever is configured. */
#define PREFIX "fd12:3456:789a:1::/64"

static xpc_object_t request_of(const char *name, const char *mac)
{
	xpc_object_t request = fixture_request("acquire", name);

	if (mac != NULL) {
		xpc_dictionary_set_string(
		    request, VMNET_BROKER_KEY_MAC_ADDRESS, mac);
	}
	return request;
}

/* Releases request. */
static xpc_object_t answer_to(struct client *client, xpc_object_t request)
{
	xpc_object_t reply = xpc_connection_send_message_with_reply_sync(
	    client->connection, request);

	xpc_release(request);
	return reply;
}

static xpc_object_t get_info(
    struct client *client, const char *name, const char *mac)
{
	xpc_object_t reply = answer_to(client, request_of(name, mac));
	xpc_object_t info =
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_INFO);

	assert_non_null(info);
	xpc_retain(info);
	xpc_release(reply);
	return info;
}

/* value NULL: there is no such key. */
static void assert_info(struct client *client, const char *name,
    const char *mac, const char *key, const char *value)
{
	xpc_object_t info = get_info(client, name, mac);

	if (value != NULL) {
		assert_value(info, key, value);
	} else {
		assert_null(xpc_dictionary_get_value(info, key));
		xpc_release(info);
	}
}

/* Goal: all of it that a client can use, each key with its type. */
static void the_info_has_all_that_a_client_can_use(void **unused)
{
	struct client *client = client_connect(USER);
	xpc_object_t info = NULL;

	(void)unused;
	configure("{\"lab\": {\"mode\": \"host\", \"description\": \"the lab\","
		  " \"subnet\": \"192.168.105.0/24\", \"mtu\": 1400}}");
	info = get_info(client, "lab", NULL);
	assert_true(
	    xpc_dictionary_get_uint64(info, VMNET_BROKER_INFO_GENERATION) > 0);
	xpc_dictionary_set_value(info, VMNET_BROKER_INFO_GENERATION, NULL);
	assert_reply(info,
	    "{description=\"the lab\" "
	    "dhcp_range=\"192.168.105.2-192.168.105.254\" "
	    "gateway=\"192.168.105.1\" ipv6_prefix=\"" PREFIX "\" "
	    "mask=\"255.255.255.0\" mode=\"host\" mtu=1400 name=\"lab\" "
	    "subnet=\"192.168.105.0/24\" subnet_source=\"configured\"}");
	client_destroy(client);
}

/* Goal: the DHCP range depends on the size of the subnet; without DHCP the
 * reply has no range. */
static void the_dhcp_range_follows_the_size_of_the_subnet(void **unused)
{
	struct client *client = client_connect(USER);

	(void)unused;
	configure(
	    "{\"big\": {\"mode\": \"shared\", \"subnet\": \"10.7.0.0/16\"},"
	    " \"small\": {\"mode\": \"shared\","
	    " \"subnet\": \"10.9.0.8/29\"},"
	    " \"still\": {\"mode\": \"shared\", \"dhcp\": false}}");
	assert_info(client, "still", NULL, VMNET_BROKER_INFO_DHCP_RANGE, NULL);
	fake_vmnet.mask = 0xffff0000;
	assert_info(client, "big", NULL, VMNET_BROKER_INFO_DHCP_RANGE,
	    "\"10.7.0.2-10.7.255.254\"");
	fake_vmnet.mask = 0xfffffff8;
	assert_info(client, "small", NULL, VMNET_BROKER_INFO_DHCP_RANGE,
	    "\"10.9.0.10-10.9.0.14\"");
	client_destroy(client);
}

/* Goal: a subnet that is taken, a prefix that macOS did not take, and a file
 * that has changed are named; list has the same. */
static void differences_from_the_file_are_named(void **unused)
{
	static const char changed[] =
	    "[\"networks.json has changed since the network was created; "
	    "the change applies when it is created again\"]";
	struct client *client = client_connect(USER);
	xpc_object_t info = NULL;
	char expected[512];

	(void)unused;
	configure("{\"lab\": {\"mode\": \"shared\","
		  " \"subnet\": \"192.168.105.0/24\","
		  " \"subnet_policy\": \"prefer\"},"
		  " \"six\": {\"mode\": \"shared\","
		  " \"ipv6_prefix\": \"fd00:1:2:3::/64\"}}");
	fake_vmnet.in_use = 0xc0a86900;
	info = get_info(client, "lab", NULL);
	snprintf(expected, sizeof(expected),
	    "[\"subnet 192.168.105.0/24 is in use; using %s\"]",
	    xpc_dictionary_get_string(info, VMNET_BROKER_INFO_SUBNET));
	assert_value(info, VMNET_BROKER_INFO_DIFFERS, expected);
	assert_value(
	    get_listed(client, "lab"), VMNET_BROKER_INFO_DIFFERS, expected);
	assert_info(client, "six", NULL, VMNET_BROKER_INFO_DIFFERS,
	    "[\"ipv6_prefix fd00:1:2:3::/64 is configured; macOS "
	    "created " PREFIX "\"]");
	assert_info(client, "host", NULL, VMNET_BROKER_INFO_DIFFERS, NULL);
	configure("{\"host\": {\"mode\": \"host\", \"mtu\": 1400}}");
	assert_info(client, "host", NULL, VMNET_BROKER_INFO_DIFFERS, changed);
	client_destroy(client);
}

#define LAB                                                                    \
	"{\"lab\": {\"mode\": \"shared\", \"subnet\": \"192.168.105.0/24\","   \
	" \"dhcp_reservations\": ["                                            \
	"{\"mac_address\": \"52:54:00:12:34:56\","                             \
	" \"ip_address\": \"192.168.105.7\"},"                                 \
	"{\"mac_address\": \"52:54:00:ab:cd:ef\","                             \
	" \"ip_address\": \"192.168.105.9\"}]}}"

/* Goal: the reply has the address that is reserved for the MAC address in the
 * request, in upper or lower case, whether or not the client had to wait. */
static void the_address_reserved_for_a_mac_address_is_in_the_info(void **unused)
{
	struct client *client = client_connect(USER);

	(void)unused;
	configure(LAB);
	assert_info(client, "lab", "52:54:00:AB:cd:eF",
	    VMNET_BROKER_INFO_RESERVATION, "\"192.168.105.9\"");
	assert_info(client, "lab", "52:54:00:12:34:56",
	    VMNET_BROKER_INFO_RESERVATION, "\"192.168.105.7\"");
	assert_info(client, "lab", "52:54:00:12:34:57",
	    VMNET_BROKER_INFO_RESERVATION, NULL);
	assert_info(client, "lab", NULL, VMNET_BROKER_INFO_RESERVATION, NULL);
	assert_info(client, "host", "52:54:00:12:34:56",
	    VMNET_BROKER_INFO_RESERVATION, NULL);
	client_destroy(client);
}

/* Goal: the same for a client that waits until the groups of its user are
 * known: Debian's "daemon" is user 1 and in the group "daemon". */
static void a_reservation_is_sent_after_the_groups_are_looked_up(void **unused)
{
	struct client *client = client_connect(1);

	(void)unused;
	configure("{\"lab\": {\"mode\": \"shared\","
		  " \"subnet\": \"192.168.105.0/24\","
		  " \"allow\": {\"groups\": [\"daemon\"]},"
		  " \"dhcp_reservations\": ["
		  "{\"mac_address\": \"52:54:00:12:34:56\","
		  " \"ip_address\": \"192.168.105.7\"}]}}");
	assert_info(client, "lab", "52:54:00:12:34:56",
	    VMNET_BROKER_INFO_RESERVATION, "\"192.168.105.7\"");
	client_destroy(client);
}

static void send_later(struct client *client, xpc_object_t request,
    xpc_object_t *reply, atomic_int *pending)
{
	(*pending)++;
	xpc_connection_send_message_with_reply(
	    client->connection, request, NULL, ^(xpc_object_t answer) {
		    *reply = xpc_retain(answer);
		    (*pending)--;
	    });
	xpc_release(request);
}

/* Goal: several requests that wait for one network: each gets its own address,
 * as it was reserved when the network was made. */
static void several_waiting_requests_get_their_own_addresses(void **unused)
{
	static const char *const macs[] = { "52:54:00:12:34:56", NULL,
		"52:54:00:ab:cd:ef" };
	static const char *const addresses[] = { "192.168.105.7", NULL,
		"192.168.105.9" };
	static xpc_object_t replies[3];
	static atomic_int pending;
	struct client *client = client_connect(USER);
	struct client *other = client_connect(OTHER_USER);

	(void)unused;
	configure(LAB);
	standin_hang("vmnet_network_create:1");
	for (size_t i = 0; i < 3; i++) {
		send_later(
		    client, request_of("lab", macs[i]), &replies[i], &pending);
	}
	wait_state(other, "lab", "creating");
	configure("{\"lab\": {\"mode\": \"shared\","
		  " \"subnet\": \"192.168.105.0/24\"}}");
	standin_unhang();
	while (pending > 0) {
		fixture_run();
	}
	for (size_t i = 0; i < 3; i++) {
		const char *address = xpc_dictionary_get_string(
		    xpc_dictionary_get_value(replies[i], VMNET_BROKER_KEY_INFO),
		    VMNET_BROKER_INFO_RESERVATION);

		if (addresses[i] == NULL) {
			assert_null(address);
		} else {
			assert_non_null(address);
			assert_string_equal(address, addresses[i]);
		}
		xpc_release(replies[i]);
	}
	client_destroy(other);
	client_destroy(client);
}

/* Goal: what is no MAC address of one interface is refused, and so is a value
 * of another type; the client holds nothing then. */
static void an_invalid_or_group_mac_address_is_refused(void **unused)
{
	static const char *const bad[] = { "", "52:54:00:12:34",
		"52:54:00:12:34:5g", "52-54-00-12-34-56", "525400123456",
		"52:54:00:12:34:56 ",
		"5:54:00:12:34:56:", ":::::::::::::::::", "01:00:5e:00:00:01",
		"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff",
		"\x15\x12:54:00:12:34:56", "\xff\xff:54:00:12:34:56" };
	struct client *client = client_connect(USER);
	xpc_object_t request = NULL;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_refused(answer_to(client, request_of("host", bad[i])),
		    FAILURE_INVALID_REQUEST,
		    "is not the MAC address of a network interface, such as "
		    "52:54:00:12:34:56");
	}
	assert_refused(answer_to(client, request_of("host", "a\"\n")),
	    FAILURE_INVALID_REQUEST, "mac_address: \"a\\x22\\x0a\" is not");
	request = request_of("host", NULL);
	xpc_dictionary_set_uint64(
	    request, VMNET_BROKER_KEY_MAC_ADDRESS, 0x525400123456);
	assert_refused(answer_to(client, request), FAILURE_INVALID_REQUEST,
	    "mac_address must be a string");
	request = request_of("host", NULL);
	xpc_dictionary_set_data(
	    request, VMNET_BROKER_KEY_MAC_ADDRESS, "RT\0\0224V", 6);
	assert_refused(answer_to(client, request), FAILURE_INVALID_REQUEST,
	    "mac_address must be a string");
	assert_value(
	    get_listed(client, "host"), VMNET_BROKER_STATUS_HOLDERS, "0");
	client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_RELOADED(the_info_has_all_that_a_client_can_use),
		TEST_RELOADED(the_dhcp_range_follows_the_size_of_the_subnet),
		TEST_RELOADED(differences_from_the_file_are_named),
		TEST_RELOADED(
		    the_address_reserved_for_a_mac_address_is_in_the_info),
		TEST_RELOADED(
		    a_reservation_is_sent_after_the_groups_are_looked_up),
		TEST_RELOADED(several_waiting_requests_get_their_own_addresses),
		TEST_RELOADED(an_invalid_or_group_mac_address_is_refused),
	};

	return RUN_UNTIL_FAILURE(tests, open_config, close_config);
}
