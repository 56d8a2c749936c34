// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The route of a network whose external interface is not that of the default
 * route: its guests' packets follow the default route of that interface, which
 * is in the main table with a higher metric. On macOS it is the same, as each
 * network service has its own default route.
 *
 * Priority and table have the bridge's number. The routes to other bridges and
 * to the Mac's own links do not change.
 */

#include "vmnetd.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* $1: the bridge's number. $2: the interface. Then the families. A default route
 * that cannot be copied belongs to a link that is down. */
static const char add_script[] =
    "number=$1 interface=$2\n"
    "shift 2\n"
    "for family; do\n"
    "    ip $family rule add priority $number iif bridge$number \\\n"
    "        lookup main suppress_prefixlength 0\n"
    "    ip $family rule add priority $number iif bridge$number \\\n"
    "        lookup $number\n"
    "    ip $family route show default dev $interface |\n"
    "        while read -r route; do\n"
    "            ip $family route add $route dev $interface \\\n"
    "                table $number || :\n"
    "        done\n"
    "done\n";

/* If there is no route, there is no table. */
static const char remove_script[] =
    "number=$1\n"
    "shift 2\n"
    "for family; do\n"
    "    while ip $family rule del priority $number 2>/dev/null; do :; done\n"
    "    ip $family route flush table $number 2>/dev/null || :\n"
    "done\n";

static int run_script(const struct network *network, const char *script)
{
	char number[16];
	const char *const argv[] = { "sh", "-e", "-f", "-s", "--", number,
		network->config.external, "-4", bridge_ipv6() ? "-6" : NULL,
		NULL };

	snprintf(number, sizeof(number), "%d", network->bridge);
	return run_command(argv, script, strlen(script));
}

void route_default(char name[IF_NAMESIZE])
{
	char line[256];
	char device[IF_NAMESIZE];
	unsigned destination, mask, flags, metric, best = ~0u;
	FILE *routes = fopen("/proc/net/route", "re");

	name[0] = '\0';
	if (routes == NULL) {
		return;
	}
	while (fgets(line, sizeof(line), routes) != NULL) {
		if (sscanf(line, "%15s %x %*x %x %*d %*d %u %x", device,
			&destination, &flags, &metric, &mask) == 5 &&
		    destination == 0 && mask == 0 && metric < best) {
			best = metric;
			memcpy(name, device, sizeof(device));
		}
	}
	fclose(routes);
}

int route_add(struct network *network)
{
	char name[IF_NAMESIZE];

	route_default(name);
	if (network->config.external[0] == '\0' ||
	    strcmp(network->config.external, name) == 0) {
		return 0;
	}
	network->routed = true;
	return run_script(network, add_script);
}

void route_remove(struct network *network)
{
	if (network->routed) {
		run_script(network, remove_script);
		network->routed = false;
	}
}
