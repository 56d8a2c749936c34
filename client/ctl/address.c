// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * leases and ip: the addresses of guests.
 */

#include "ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "leases.h"
#include "output.h"
#include "vmnet-broker.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Polling interval: only users who may write the file can be notified of
 * changes. */
#define INTERVAL ((struct timespec){ .tv_nsec = 200000000 })

static const struct column columns[] = {
	{ .title = "ADDRESS", .key = "address" },
	{ .title = "MAC", .key = "mac_address" },
	{ .title = "HOSTNAME", .key = "hostname" },
	{ .title = "EXPIRES", .key = "expires", .format = FORMAT_TIME },
	{ .title = "KIND", .key = "kind" },
};

struct subnet {
	uint32_t address;
	uint32_t mask; /* 0: all */
};

static void read_leases(struct leases *leases)
{
	const char *failed = NULL;

	if (leases_read(leases, LEASES_FILE, RESERVATIONS_FILE, &failed) != 0) {
		fail(CTL_FAILED, "%s: %s", failed, strerror(errno));
	}
}

static const char *address_text(uint32_t ip, char text[INET_ADDRSTRLEN])
{
	struct in_addr address = { .s_addr = htonl(ip) };

	return inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
}

static void set_if_any(xpc_object_t row, const char *key, const char *text)
{
	if (*text != '\0') {
		xpc_dictionary_set_string(row, key, text);
	}
}

static void append_row(
    xpc_object_t rows, const struct lease *lease, int64_t now)
{
	xpc_object_t row = xpc_dictionary_create(NULL, NULL, 0);
	char text[INET_ADDRSTRLEN];

	xpc_dictionary_set_string(
	    row, "address", address_text(lease->ip, text));
	set_if_any(row, "mac_address", lease->mac);
	set_if_any(row, "client_id", lease->client_id);
	set_if_any(row, "hostname", lease->name);
	if (lease->expires != 0) {
		xpc_dictionary_set_uint64(
		    row, "expires", (uint64_t)lease->expires);
	}
	xpc_dictionary_set_string(row, "kind", lease_kind(lease, now));
	xpc_array_append_value(rows, row);
	xpc_release(row);
}

static struct subnet subnet_of(xpc_object_t network, const char *name)
{
	const char *text = xpc_dictionary_get_string(network, "subnet");
	struct subnet subnet = { 0 };

	if (text == NULL) {
		text = xpc_dictionary_get_string(network, "configured_subnet");
	}
	if (text == NULL ||
	    !lease_subnet(text, &subnet.address, &subnet.mask)) {
		fail(CTL_FAILED,
		    "%s: this network is not in use and has no configured "
		    "subnet, so its leases cannot be identified; run "
		    "vmnet-brokerctl leases to see all leases",
		    name);
	}
	return subnet;
}

static struct subnet find_subnet(const char *name)
{
	xpc_object_t network = ctl_network(name);
	struct subnet subnet = subnet_of(network, name);

	xpc_release(network);
	return subnet;
}

int command_leases(const struct arguments *arguments)
{
	struct subnet subnet = { 0 };
	struct leases leases;
	xpc_object_t rows = xpc_array_create(NULL, 0);
	int64_t now = time(NULL);

	if (arguments->count == 1) {
		subnet = find_subnet(arguments->values[0]);
	}
	read_leases(&leases);
	for (size_t i = 0; i < leases.count; i++) {
		if ((leases.items[i].ip & subnet.mask) == subnet.address) {
			append_row(rows, &leases.items[i], now);
		}
	}
	if (leases.skipped > 0) {
		complain("%zu entries of %s and %s could not be read",
		    leases.skipped, LEASES_FILE, RESERVATIONS_FILE);
	}
	leases_destroy(&leases);
	if (arguments->json) {
		ctl_print_json("leases", rows);
		return CTL_OK;
	}
	table_print(rows, columns, COUNT(columns));
	xpc_release(rows);
	return CTL_OK;
}

/*
 * ip
 */

static double monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Holds the network, which must exist while we wait for a guest on it, and
 * returns its subnet. */
static struct subnet hold_subnet(const char *name, double seconds)
{
	vmnet_broker_hold_t hold = NULL;
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	xpc_object_t info = NULL;
	struct subnet subnet;
	char reason[512];

	ctl_check_name(name);
	ctl_need_broker();
	hold = vmnet_broker_hold_create(name, NULL, NULL, NULL);
	if (hold == NULL) {
		fail(CTL_FAILED, "%s: out of memory", name);
	}
	status = vmnet_broker_hold_wait(hold, seconds);
	if (status == VMNET_BROKER_XPC_FAILURE &&
	    vmnet_broker_hold_get_reason(hold, reason, sizeof(reason)) ==
		VMNET_BROKER_SUCCESS) {
		fail(CTL_TIMEOUT,
		    "%s: the broker did not grant the network within %g "
		    "seconds",
		    name, seconds);
	} else if (status != VMNET_BROKER_SUCCESS) {
		vmnet_broker_hold_get_reason(hold, reason, sizeof(reason));
		fail(status == VMNET_BROKER_XPC_FAILURE ? CTL_TIMEOUT
							: ctl_code(status),
		    "%s: %s", name, reason);
	}
	info = vmnet_broker_hold_copy_info(hold);
	if (info == NULL) {
		fail(CTL_FAILED,
		    "%s: the running broker is too old to report the subnet",
		    name);
	}
	subnet = subnet_of(info, name);
	xpc_release(info);
	return subnet; /* the hold ends with the process */
}

static bool print_address(const struct lease *lease, bool json, int64_t now)
{
	char text[INET_ADDRSTRLEN];
	xpc_object_t rows = NULL;

	if (!json) {
		puts(address_text(lease->ip, text));
		return true;
	}
	rows = xpc_array_create(NULL, 0);
	append_row(rows, lease, now);
	json_print(xpc_array_get_value(rows, 0));
	xpc_release(rows);
	return true;
}

static bool find_and_print(
    const struct subnet *subnet, const char *guest, bool json)
{
	struct leases leases;
	int64_t now = time(NULL);
	const struct lease *lease = NULL;

	read_leases(&leases);
	lease = leases_find(&leases, subnet->address, subnet->mask, guest, now);
	if (lease != NULL) {
		print_address(lease, json, now);
	}
	leases_destroy(&leases);
	return lease != NULL;
}

static _Noreturn void no_address(
    const char *name, const char *guest, bool waited)
{
	char mac[18];

	fail(waited ? CTL_TIMEOUT : CTL_FAILED,
	    "%s: %s has no address%s; run vmnet-brokerctl leases %s to see "
	    "which guests do (%s)",
	    name, guest, waited ? " yet" : "", name,
	    lease_mac(guest, mac)
		? "a guest that sends a DHCP client identifier can only be "
		  "found by host name"
		: "this is not a MAC address, so it was taken as a host name; "
		  "a name in networks.json is not one");
}

int command_ip(const struct arguments *arguments)
{
	const char *name = arguments->values[0];
	const char *guest = arguments->values[1];
	double end = monotonic() + arguments->wait;
	bool waits = arguments->wait > 0;
	struct subnet subnet =
	    waits ? hold_subnet(name, arguments->wait) : find_subnet(name);

	while (!find_and_print(&subnet, guest, arguments->json)) {
		if (!waits || monotonic() >= end) {
			no_address(name, guest, waits);
		}
		nanosleep(&INTERVAL, NULL);
	}
	return CTL_OK;
}
