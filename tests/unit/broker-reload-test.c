// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-fixture broker-client broker-reload-fixture run-until-failure

/*
 * networks.json is read again while networks are in use: which networks are
 * added, changed and removed, and when.
 */

#include <stdio.h>
#include <string.h>

#include "broker-fixture.h"
#include "broker-reload-fixture.h"
#include "broker-vmnet.h"
#include "protocol.h"
#include "run-until-failure.h"

/* Goal: unused networks are added, changed and removed. */
static void unused_networks_are_added_changed_and_removed_at_once(void **state)
{
	struct client *client = NULL;

	(void)state;
	reload(
	    "{\"lab\": {\"mode\": \"host\"}, \"web\": {\"mode\": \"shared\"}}",
	    "lab web||||");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}, "
	       "\"web\": {\"mode\": \"shared\"}}",
	    "|lab|||");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}}", "|||web|");
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	assert_acquire(client, "web",
	    "5 no such network: networks are defined in networks.json; shared "
	    "and host always exist");
	assert_made("mtu 1400");
	client_destroy(client);
}

/* Two lists, with all that they need. */
#define GUEST                                                                  \
	"\"dhcp_reservations\": [{\"mac_address\": \"52:54:00:12:34:56\", "    \
	"\"ip_address\": \"10.1.2.3\"}]"
#define RULE                                                                   \
	"\"port_forwarding_rules\": [{\"protocol\": \"tcp\", "                 \
	"\"external_port\": 8080, \"internal_address\": \"10.1.2.3\", "        \
	"\"internal_port\": 80}]"

static void reload_lab(const char *entry, const char *expected)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"lab\": {%s}}", entry);
	reload(text, expected);
}

/* Goal: the change of any one option of a network is noticed.
 * docs-config-test.sh checks that each option is here. */
static void the_change_of_any_option_is_noticed(void **state)
{
	static const char usual[] =
	    "\"mode\": \"shared\", \"subnet\": \"10.1.2.0/24\"";
	static const char *const others[] = {
		"\"mode\": \"host\", \"subnet\": \"10.1.2.0/24\"",
		"\"mode\": \"shared\", \"subnet\": \"10.1.3.0/24\"",
		"\"mode\": \"shared\"",
	};
	static const char *const more[] = {
		"\"description\": \"a text\"",
		"\"ipv6_prefix\": \"fd12::/64\"",
		"\"external_interface\": \"en0\"",
		"\"nat44\": false",
		"\"nat66\": false",
		"\"dhcp\": false",
		"\"dns_proxy\": false",
		"\"router_advertisement\": false",
		"\"mtu\": 1400",
		"\"linger\": 60",
		"\"allow\": {\"users\": [0]}",
		"\"anchor\": false",
		"\"subnet_policy\": \"prefer\"",
		GUEST,
		RULE,
		"\"persistent\": true",
	};
	char entry[400];

	(void)state;
	reload_lab(usual, "lab||||");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		reload_lab(others[i], "|lab|||");
		reload_lab(usual, "|lab|||");
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(entry, sizeof(entry), "%s, %s", usual, more[i]);
		reload_lab(entry, "|lab|||");
		reload_lab(entry, "||||");
		reload_lab(usual, "|lab|||");
	}
}

/* Goal: the change of a held network is pending until its last holder leaves;
 * the next client gets the network as the file describes it. */
static void a_held_network_stays_until_its_last_holder_leaves(void **state)
{
	struct client *first = NULL;
	struct client *second = NULL;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\", \"subnet\": \"10.1.2.0/24\"}}",
	    "lab||||");
	first = client_connect(USER);
	assert_acquire(first, "lab", "");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "||lab||");
	second = client_connect(USER);
	assert_acquire(second, "lab", "");
	assert_int_equal(fake_vmnet_created(), 1);
	/* Back to what it was, named by its gateway: nothing is pending. */
	reload("{\"lab\": {\"mode\": \"host\", \"subnet\": \"10.1.2.1/24\"}}",
	    "||||");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}}", "||lab||");
	client_destroy(first);
	client_destroy(second);
	first = client_connect(USER);
	assert_acquire(first, "lab", "");
	assert_int_equal(fake_vmnet_created(), 2);
	assert_made("mtu 1400");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1400}}", "||||");
	client_destroy(first);
}

/* Goal: a lingering network does not delay its change. */
static void a_lingering_network_does_not_delay_its_change(void **state)
{
	struct client *client = NULL;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\"}}", "lab||||");
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	client_destroy(client);
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "|lab|||");
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	assert_made("mtu 1300");
	client_destroy(client);
	/* What does not concern vmnet leaves it as it is. */
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300, \"linger\": 60}}",
	    "|lab|||");
	fixture_advance(59 * SECOND);
	assert_int_equal(fake_vmnet_networks(), 1);
	fixture_advance(2 * SECOND);
	while (fake_vmnet_networks() > 0) {
		fixture_run();
	}
}

/* Goal: a removed network stays for its holders, and for no other client. */
static void a_removed_network_stays_for_its_holders_only(void **state)
{
	struct client *holder = NULL;
	struct client *late = NULL;

	(void)state;
	reload("{\"lab\": {\"mode\": \"host\"}}", "lab||||");
	holder = client_connect(USER);
	late = client_connect(USER);
	assert_acquire(holder, "lab", "");
	reload("{}", "||lab|lab|");
	reload("{}", "||lab||");
	assert_acquire(holder, "lab", "");
	assert_acquire(late, "lab",
	    "5 no such network: networks are defined in networks.json; shared "
	    "and host always exist");
	assert_int_equal(fake_vmnet_networks(), 1);
	client_destroy(holder);
	while (fake_vmnet_networks() > 0) { /* it does not linger */
		fixture_run();
	}
	reload("{\"lab\": {\"mode\": \"host\"}}", "lab||||");
	assert_acquire(late, "lab", "");
	client_destroy(late);
}

/* Goal: a persistent network is there without a holder, for good. */
static void a_persistent_network_exists_without_a_holder(void **state)
{
	struct client *client = NULL;

	(void)state;
	reload(
	    "{\"lab\": {\"mode\": \"host\", \"persistent\": true}}", "lab||||");
	while (fake_vmnet_networks() < 1) {
		fixture_run();
	}
	fixture_advance(100 * SECOND);
	client = client_connect(USER);
	assert_acquire(client, "lab", "");
	client_destroy(client);
	fixture_advance(10 * SECOND);
	assert_int_equal(fake_vmnet_created(), 1);
	assert_int_equal(fake_vmnet_networks(), 1);
	/* A change makes it anew at once. */
	reload("{\"lab\": {\"mode\": \"host\", \"persistent\": true, "
	       "\"mtu\": 1300}}",
	    "|lab|||");
	while (fake_vmnet_created() < 2) {
		fixture_run();
	}
	assert_made("mtu 1300");
	reload("{\"lab\": {\"mode\": \"host\", \"mtu\": 1300}}", "|lab|||");
	fixture_advance(6 * SECOND);
	while (fake_vmnet_networks() > 0) {
		fixture_run();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_RELOADED(
		    unused_networks_are_added_changed_and_removed_at_once),
		TEST_RELOADED(
		    a_held_network_stays_until_its_last_holder_leaves),
		TEST_RELOADED(a_lingering_network_does_not_delay_its_change),
		TEST_RELOADED(a_removed_network_stays_for_its_holders_only),
		TEST_RELOADED(the_change_of_any_option_is_noticed),
		TEST_RELOADED(a_persistent_network_exists_without_a_holder),
	};

	return RUN_UNTIL_FAILURE(tests, open_config, close_config);
}
