// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The packet filter: NAT, port forwarding, and isolation between networks. Two
 * tables of ours, vmnet4 and vmnet6, are replaced as a whole by one transaction
 * whenever a network starts or stops; this takes some milliseconds, and is
 * simpler and more reliable than changing single rules.
 */

#include "vmnetd.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* State while one of the two tables is written. */
struct table {
	FILE *out;
	int family;
	const char *name; /* "ip" or "ip6" */
	const char *any;  /* any address: what a redirect of it looks like */
	uint32_t no_nat;  /* the flag that turns it off */
};

static bool running(const struct network *network)
{
	return network->bridge != -1 &&
	    (network->state == NETWORK_STARTING ||
		network->state == NETWORK_RUNNING) &&
	    !(network->config.flags & WIRE_NO_HOST);
}

static bool translated(const struct table *table, const struct network *network)
{
	return running(network) && network->config.mode == MODE_SHARED &&
	    network->config.external[0] != '\0' &&
	    !(network->config.flags & table->no_nat);
}

static void subnet_text(const struct table *table,
    const struct network *network, char *text, size_t size)
{
	const struct wire_network *config = &network->config;
	char address[INET6_ADDRSTRLEN];
	struct in_addr base;
	int length = 64;

	if (table->family == AF_INET6) {
		inet_ntop(AF_INET6, &config->prefix, address, sizeof(address));
	} else {
		base.s_addr = config->address.s_addr & config->mask.s_addr;
		length = __builtin_popcount(config->mask.s_addr);
		inet_ntop(AF_INET, &base, address, sizeof(address));
	}
	snprintf(text, size, "%s/%d", address, length);
}

static void write_rule(const struct table *table, const struct network *network,
    const struct wire_rule *rule, bool local)
{
	char address[INET6_ADDRSTRLEN];

	if (rule->family != table->family) {
		return;
	}
	inet_ntop(table->family, &rule->address, address, sizeof(address));
	if (!local) {
		fprintf(
		    table->out, "iifname \"%s\" ", network->config.external);
	}
	fprintf(table->out, "fib daddr type local %s dport %u dnat to ",
	    rule->protocol == IPPROTO_TCP ? "tcp" : "udp", rule->external_port);
	fprintf(table->out, table->family == AF_INET6 ? "[%s]:%u\n" : "%s:%u\n",
	    address, rule->internal_port);
}

static void write_rules(const struct table *table, bool local)
{
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		for (uint32_t i = 0;
		     translated(table, network) && i < network->rule_count;
		     i++) {
			write_rule(table, network, &network->rules[i], local);
		}
	}
	for (const struct interface *interface = interfaces; interface != NULL;
	     interface = interface->next) {
		for (uint32_t i = 0; translated(table, interface->network) &&
		     i < interface->rule_count;
		     i++) {
			write_rule(table, interface->network,
			    &interface->rules[i], local);
		}
	}
}

static void write_nat(const struct table *table)
{
	char subnet[64];

	fprintf(table->out,
	    "chain prerouting {\n"
	    "type nat hook prerouting priority dstnat\n");
	write_rules(table, false);
	fprintf(table->out,
	    "}\nchain output {\n"
	    "type nat hook output priority -100\n");
	if (options.loopback_forwarding) {
		write_rules(table, true);
	}
	fprintf(table->out,
	    "}\nchain postrouting {\n"
	    "type nat hook postrouting priority srcnat\n");
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		if (translated(table, network)) {
			subnet_text(table, network, subnet, sizeof(subnet));
			fprintf(table->out,
			    "%s saddr %s oifname \"%s\" masquerade\n",
			    table->name, subnet, network->config.external);
			/* Replies must reach a sender on the loopback. */
			fprintf(table->out,
			    "%s saddr %s oifname \"bridge%d\" masquerade\n",
			    table->name, table->any, network->bridge);
		}
	}
	fprintf(table->out, "}\n");
}

static void write_forward(const struct table *table)
{
	char subnet[64];

	fprintf(table->out,
	    "chain forward {\n"
	    "type filter hook forward priority filter\n");
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		int bridge = network->bridge;
		const char *external = network->config.external;

		if (!running(network)) {
			continue;
		}
		/* Bridged frames, if the kernel passes them to us. */
		fprintf(table->out,
		    "iifname \"bridge%d\" oifname \"bridge%d\" accept\n",
		    bridge, bridge);
		if (translated(table, network)) {
			subnet_text(table, network, subnet, sizeof(subnet));
			fprintf(table->out,
			    "iifname \"bridge%d\" oifname \"%s\" "
			    "%s saddr %s accept\n"
			    "iifname \"%s\" oifname \"bridge%d\" "
			    "ct state established,related accept\n"
			    "iifname \"%s\" oifname \"bridge%d\" "
			    "ct status dnat accept\n",
			    bridge, external, table->name, subnet, external,
			    bridge, external, bridge);
		}
		fprintf(table->out,
		    "iifname \"bridge%d\" drop\n"
		    "oifname \"bridge%d\" drop\n",
		    bridge, bridge);
	}
	fprintf(table->out, "}\n");
}

/* Guests cannot reach the host's address on another network either. */
static void write_input(const struct table *table)
{
	char subnet[64];

	fprintf(table->out,
	    "chain input {\n"
	    "type filter hook input priority filter\n");
	for (const struct network *network = networks; network != NULL;
	     network = network->next) {
		if (running(network)) {
			subnet_text(table, network, subnet, sizeof(subnet));
			fprintf(table->out,
			    "iifname \"bridge1*\" "
			    "iifname != \"bridge%d\" %s daddr %s drop\n",
			    network->bridge, table->name, subnet);
		}
	}
	fprintf(table->out, "}\n");
}

static void write_table(const struct table *table)
{
	/* Add it first, so that there is always one to delete. */
	fprintf(table->out,
	    "add table %s %s\ndelete table %s %s\ntable %s %s {\n", table->name,
	    table->family == AF_INET ? "vmnet4" : "vmnet6", table->name,
	    table->family == AF_INET ? "vmnet4" : "vmnet6", table->name,
	    table->family == AF_INET ? "vmnet4" : "vmnet6");
	write_nat(table);
	write_forward(table);
	write_input(table);
	fprintf(table->out, "}\n");
}

static bool touched;

static int run_nft(const char *text, size_t size)
{
	static const char *const argv[] = { "nft", "-f", "-", NULL };

	touched = true;
	return run_command(argv, text, size);
}

int nft_update(void)
{
	struct table ipv4 = { .family = AF_INET,
		.name = "ip",
		.any = "127.0.0.0/8",
		.no_nat = WIRE_NO_NAT44 };
	struct table ipv6 = { .family = AF_INET6,
		.name = "ip6",
		.any = "::1",
		.no_nat = WIRE_NO_NAT66 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result;

	if (out == NULL) {
		log_error("nft: out of memory");
		return -1;
	}
	ipv4.out = out;
	write_table(&ipv4);
	if (bridge_ipv6()) {
		ipv6.out = out;
		write_table(&ipv6);
	}
	fclose(out);
	result = run_nft(text, size);
	free(text);
	return result;
}

void nft_remove(void)
{
	static const char both[] = "add table ip vmnet4\ndelete table ip "
				   "vmnet4\nadd table ip6 vmnet6\n"
				   "delete table ip6 vmnet6\n";
	static const char one[] =
	    "add table ip vmnet4\ndelete table ip vmnet4\n";

	if (!touched) {
		return;
	}
	if (bridge_ipv6()) {
		run_nft(both, sizeof(both) - 1);
	} else {
		run_nft(one, sizeof(one) - 1);
	}
}
