// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The commands that show the state of the broker.
 */

#include "ctl.h"

#include <libproc.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "protocol.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column list_columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "MODE", .key = "mode" },
	{ .title = "STATE", .key = "state" },
	{ .title = "SUBNET", .key = "subnet", .other = "configured_subnet" },
	{ .title = "GATEWAY", .key = "gateway" },
	{ .title = "CLIENTS", .key = "holders" },
};

static const struct column info_fields[] = {
	{ .title = "name", .key = "name" },
	{ .title = "description", .key = "description" },
	{ .title = "mode", .key = "mode" },
	{ .title = "state", .key = "state" },
	{ .title = "problem", .key = "error_message" },
	{ .title = "clients", .key = "holders" },
	{ .title = "persistent", .key = "persistent" },
	{ .title = "subnet", .key = "subnet" },
	{ .title = "subnet source", .key = "subnet_source" },
	{ .title = "configured subnet", .key = "configured_subnet" },
	{ .title = "differs", .key = "differs" },
	{ .title = "gateway", .key = "gateway" },
	{ .title = "mask", .key = "mask" },
	{ .title = "dhcp range", .key = "dhcp_range" },
	{ .title = "ipv6 prefix", .key = "ipv6_prefix" },
	{ .title = "mtu", .key = "mtu" },
	{ .title = "generation", .key = "generation", .format = FORMAT_HEX },
};

static const struct column status_fields[] = {
	{ .title = "broker", .key = "broker" },
	{ .title = "vmnet-brokerctl", .key = "client_version" },
	{ .title = "running for", .key = "uptime", .format = FORMAT_DURATION },
	{ .title = "clients", .key = "peers" },
	{ .title = "networks", .key = "networks_text" },
	{ .title = "configuration", .key = "path" },
	{ .title = "not applied yet", .key = "pending" },
	{ .title = "acquires", .key = "acquires" },
	{ .title = "refusals", .key = "refusals", .format = FORMAT_COUNTS },
	{ .title = "creations", .key = "creations" },
	{ .title = "failures by vmnet status",
	    .key = "creation_failures",
	    .format = FORMAT_COUNTS },
	{ .title = "longest creation, ms", .key = "longest_creation" },
};

static const struct column clients_columns[] = {
	{ .title = "USER", .key = "user" },
	{ .title = "PID", .key = "pid" },
	{ .title = "PROGRAM", .key = "program" },
	{ .title = "SINCE", .key = "since", .format = FORMAT_TIME },
	{ .title = "NETWORKS", .key = "networks" },
	{ .title = "WAITING FOR", .key = "waiting" },
};

/*
 * Dictionaries and arrays.
 */

xpc_object_t ctl_rows(xpc_object_t dictionary, const char *key)
{
	xpc_object_t array = xpc_dictionary_get_array(dictionary, key);
	xpc_object_t rows = xpc_array_create(NULL, 0);
	size_t count = array == NULL ? 0 : xpc_array_get_count(array);

	for (size_t i = 0; i < count; i++) {
		xpc_object_t row = xpc_array_get_value(array, i);

		if (xpc_get_type(row) == XPC_TYPE_DICTIONARY) {
			xpc_array_append_value(rows, row);
		}
	}
	return rows;
}

void ctl_print_json(const char *key, xpc_object_t value)
{
	xpc_object_t document = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_value(document, key, value);
	json_print(document);
	xpc_release(document);
	xpc_release(value);
}

static const char *text_of(xpc_object_t dictionary, const char *key)
{
	const char *text = xpc_dictionary_get_string(dictionary, key);

	return text == NULL ? "-" : text;
}

static void merge(xpc_object_t to, xpc_object_t from)
{
	if (from == NULL) {
		return;
	}
	xpc_dictionary_apply(from, ^bool(const char *key, xpc_object_t value) {
		xpc_dictionary_set_value(to, key, value);
		return true;
	});
}

static xpc_object_t copy(xpc_object_t dictionary)
{
	xpc_object_t result = xpc_dictionary_create(NULL, NULL, 0);

	merge(result, dictionary);
	return result;
}

/*
 * list, info
 */

xpc_object_t ctl_networks(void)
{
	int code = CTL_OK;
	xpc_object_t reply = ctl_try("list", NULL, &code);
	xpc_object_t rows = NULL;

	if (code == CTL_NO_BROKER) {
		ctl_no_broker();
	}
	if (reply == NULL) {
		reply = ctl_try("status", NULL, &code);
		if (reply == NULL) {
			ctl_too_old("list");
		}
		complain("the running broker is older than this program: only "
			 "networks in use are listed");
	}
	rows = ctl_rows(reply, "networks");
	xpc_release(reply);
	return rows;
}

/* Adds to the state that a newer definition is pending. */
static xpc_object_t network_row(xpc_object_t network)
{
	xpc_object_t row = copy(network);
	char state[64];

	if (xpc_dictionary_get_bool(network, "pending")) {
		snprintf(state, sizeof(state), "%s, pending",
		    text_of(network, "state"));
		xpc_dictionary_set_string(row, "state", state);
	}
	return row;
}

static void complain_broken(xpc_object_t network)
{
	const char *message =
	    xpc_dictionary_get_string(network, "error_message");

	if (message != NULL) {
		complain("%s: %s", text_of(network, "name"), message);
	}
}

int command_list(const struct arguments *arguments)
{
	xpc_object_t networks = ctl_networks();
	xpc_object_t rows = xpc_array_create(NULL, 0);
	size_t count = xpc_array_get_count(networks);

	if (arguments->json) {
		ctl_print_json("networks", networks);
		xpc_release(rows);
		return CTL_OK;
	}
	for (size_t i = 0; i < count; i++) {
		xpc_object_t row =
		    network_row(xpc_array_get_value(networks, i));

		xpc_array_append_value(rows, row);
		xpc_release(row);
	}
	table_print(rows, list_columns, COUNT(list_columns));
	for (size_t i = 0; i < count; i++) {
		complain_broken(xpc_array_get_value(networks, i));
	}
	xpc_release(rows);
	xpc_release(networks);
	return CTL_OK;
}

xpc_object_t ctl_network(const char *name)
{
	xpc_object_t networks = NULL;
	xpc_object_t found = NULL;

	ctl_check_name(name);
	networks = ctl_networks();
	for (size_t i = 0; i < xpc_array_get_count(networks); i++) {
		xpc_object_t network = xpc_array_get_value(networks, i);

		if (strcmp(text_of(network, "name"), name) == 0) {
			found = xpc_retain(network);
		}
	}
	xpc_release(networks);
	if (found == NULL) {
		fail(CTL_NO_NETWORK,
		    "%s: no such network; vmnet-brokerctl list shows all "
		    "networks, vmnet-brokerctl check shows configuration "
		    "errors",
		    name);
	}
	return found;
}

int command_info(const struct arguments *arguments)
{
	xpc_object_t network = ctl_network(arguments->values[0]);
	xpc_object_t row = NULL;

	if (arguments->json) {
		ctl_print_json("network", network);
		return CTL_OK;
	}
	row = network_row(network);
	fields_print(row, info_fields, COUNT(info_fields));
	xpc_release(row);
	xpc_release(network);
	return CTL_OK;
}

/*
 * status
 */

static void set_broker_text(xpc_object_t row, xpc_object_t reply)
{
	const char *version = xpc_dictionary_get_string(reply, "version");
	const char *state = "running";
	char text[256];

	if (xpc_dictionary_get_bool(reply, "draining")) {
		state = "draining";
	} else if (xpc_dictionary_get_bool(reply, "stopping")) {
		state = "shutting down";
	}
	if (version == NULL) {
		snprintf(
		    text, sizeof(text), "%s, older than this program", state);
	} else {
		snprintf(text, sizeof(text), "%s, version %s, process %lld",
		    state, version,
		    (long long)xpc_dictionary_get_int64(reply, "pid"));
	}
	xpc_dictionary_set_string(row, "broker", text);
}

/* "default held 2, host lingering 0" */
static char *networks_text(xpc_object_t reply)
{
	xpc_object_t networks = ctl_rows(reply, "networks");
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		fail(CTL_FAILED, "out of memory");
	}
	for (size_t i = 0; i < xpc_array_get_count(networks); i++) {
		xpc_object_t network = xpc_array_get_value(networks, i);

		fprintf(out, "%s%s %s %llu", i == 0 ? "" : ", ",
		    text_of(network, "name"), text_of(network, "state"),
		    (unsigned long long)xpc_dictionary_get_uint64(
			network, "holders"));
	}
	fclose(out);
	xpc_release(networks);
	return text;
}

static void print_status(xpc_object_t reply)
{
	xpc_object_t row = copy(reply);
	xpc_object_t configuration =
	    xpc_dictionary_get_dictionary(reply, "configuration");
	xpc_object_t problems = NULL;
	char *networks = networks_text(reply);

	merge(row, xpc_dictionary_get_dictionary(reply, "counters"));
	merge(row, configuration);
	set_broker_text(row, reply);
	xpc_dictionary_set_string(row, "networks_text", networks);
	fields_print(row, status_fields, COUNT(status_fields));
	problems = xpc_dictionary_get_array(row, "problems");
	for (size_t i = 0;
	     problems != NULL && i < xpc_array_get_count(problems); i++) {
		const char *problem = xpc_array_get_string(problems, i);

		fputs("problem: ", stdout);
		print_text(stdout, problem == NULL ? "?" : problem);
		putchar('\n');
	}
	if (xpc_dictionary_get_uint64(row, "problems_left_out") > 0) {
		printf("problem: %llu more; vmnet-brokerctl check prints all\n",
		    (unsigned long long)xpc_dictionary_get_uint64(
			row, "problems_left_out"));
	}
	xpc_release(row);
	free(networks);
}

static void complain_stale(xpc_object_t reply)
{
	const char *version = xpc_dictionary_get_string(reply, "version");

	if (version != NULL && strcmp(version, VMNET_BROKER_VERSION) != 0) {
		complain("the running broker is version %s, and this program "
			 "is %s: if both were upgraded, run sudo "
			 "vmnet-brokerctl drain to switch to the new broker",
		    version, VMNET_BROKER_VERSION);
	}
}

int command_status(const struct arguments *arguments)
{
	int code = CTL_OK;
	xpc_object_t reply = ctl_try("status", NULL, &code);
	bool running = reply != NULL;

	if (code == CTL_FAILED) {
		ctl_too_old("status");
	}
	if (!running) {
		reply = xpc_dictionary_create(NULL, NULL, 0);
	}
	xpc_dictionary_set_bool(reply, "running", running);
	xpc_dictionary_set_string(
	    reply, "client_version", VMNET_BROKER_VERSION);
	if (arguments->json) {
		json_print(reply);
	} else if (running) {
		print_status(reply);
	}
	if (!running) {
		ctl_no_broker();
	}
	complain_stale(reply);
	xpc_release(reply);
	return CTL_OK;
}

/*
 * clients
 */

static xpc_object_t client_row(xpc_object_t client)
{
	xpc_object_t row = copy(client);
	uid_t uid = (uid_t)xpc_dictionary_get_uint64(client, "uid");
	int pid = (int)xpc_dictionary_get_int64(client, "pid");
	const struct passwd *user = getpwuid(uid);
	char text[PROC_PIDPATHINFO_MAXSIZE] = "";

	if (user != NULL) {
		xpc_dictionary_set_string(row, "user", user->pw_name);
	} else {
		snprintf(text, sizeof(text), "%u", (unsigned)uid);
		xpc_dictionary_set_string(row, "user", text);
	}
	if (pid > 0 && proc_name(pid, text, sizeof(text)) > 0) {
		xpc_dictionary_set_string(row, "program", text);
	}
	return row;
}

static void print_clients(xpc_object_t reply, xpc_object_t rows)
{
	uint64_t hidden = xpc_dictionary_get_uint64(reply, "hidden");
	char *holders = format_value(
	    xpc_dictionary_get_value(reply, "holders"), FORMAT_COUNTS);

	table_print(rows, clients_columns, COUNT(clients_columns));
	printf("clients in total: %llu; by network: %s\n",
	    (unsigned long long)xpc_dictionary_get_uint64(reply, "total"),
	    holders);
	free(holders);
	if (hidden > 0) {
		complain("clients of other users, shown to root only: %llu",
		    (unsigned long long)hidden);
	}
}

int command_clients(const struct arguments *arguments)
{
	xpc_object_t reply = ctl_ask("clients", NULL);
	xpc_object_t clients = ctl_rows(reply, "clients");
	xpc_object_t rows = xpc_array_create(NULL, 0);

	for (size_t i = 0; i < xpc_array_get_count(clients); i++) {
		xpc_object_t row = client_row(xpc_array_get_value(clients, i));

		xpc_array_append_value(rows, row);
		xpc_release(row);
	}
	if (arguments->json) {
		xpc_dictionary_set_value(reply, "clients", rows);
		json_print(reply);
	} else {
		print_clients(reply, rows);
	}
	xpc_release(rows);
	xpc_release(clients);
	xpc_release(reply);
	return CTL_OK;
}

/*
 * version
 */

int command_version(const struct arguments *arguments)
{
	int code = CTL_OK;
	xpc_object_t reply = ctl_try("hello", NULL, &code);
	xpc_object_t row =
	    reply == NULL ? xpc_dictionary_create(NULL, NULL, 0) : copy(reply);

	xpc_dictionary_set_bool(row, "running", code != CTL_NO_BROKER);
	xpc_dictionary_set_string(row, "client_version", VMNET_BROKER_VERSION);
	if (arguments->json) {
		json_print(row);
	} else {
		printf("vmnet-brokerctl %s\n", VMNET_BROKER_VERSION);
		printf("vmnet-broker %s\n",
		    reply != NULL               ? text_of(reply, "version")
			: code == CTL_NO_BROKER ? "cannot be reached"
						: "older than this program");
	}
	xpc_release(row);
	if (reply != NULL) {
		xpc_release(reply);
	}
	return CTL_OK;
}
