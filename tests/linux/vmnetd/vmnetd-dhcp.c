// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * One dnsmasq for each running network: DHCP, DNS and router advertisements.
 * It stays our child in the foreground, so that it dies with us. The line
 * "started" in its log means that it has bound its sockets.
 */

#include "vmnetd.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 1100 /* all reservations and all options */

#define LEASE_SECONDS 3600 /* as seen on macOS 27 */

struct dhcp {
	struct watch watch; /* its log; first: the loop hands it back */
	struct network *network;
	pid_t pid;
	bool ready;
	size_t used;
	char line[512];
};

struct arguments {
	size_t count;
	bool failed;
	char *values[ARGUMENTS_MAX];
};

__attribute__((format(printf, 2, 3))) static void argument(
    struct arguments *arguments, const char *format, ...)
{
	char *value = NULL;
	va_list list;

	va_start(list, format);
	/* The last stays NULL. */
	if (arguments->count + 1 >= ARGUMENTS_MAX ||
	    vasprintf(&value, format, list) == -1) {
		arguments->failed = true;
	} else {
		arguments->values[arguments->count++] = value;
	}
	va_end(list);
}

static void arguments_destroy(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++) {
		free(arguments->values[i]);
	}
	free(arguments);
}

static bool serves_dns(const struct wire_network *config)
{
	return config->mode == MODE_SHARED && !(config->flags & WIRE_NO_DNS);
}

static void arguments_common(
    struct arguments *arguments, const struct network *network)
{
	argument(arguments, "dnsmasq");
	/* In the foreground, as our own user, with the log on stderr. */
	argument(arguments, "--no-daemon");
	argument(arguments, "--log-facility=-");
	argument(arguments, "--conf-file=/dev/null");
	argument(arguments, "--no-hosts");
	argument(arguments, "--interface=bridge%d", network->bridge);
	argument(arguments, "--except-interface=lo");
	argument(arguments, "--bind-interfaces");
	if (!serves_dns(&network->config)) {
		argument(arguments, "--port=0");
	}
}

/* "a,b": the host's own; "" when it has none. */
static void host_resolvers(char *list, size_t size)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[256], text[64];
	struct in_addr address;
	size_t used = 0;

	list[0] = '\0';
	if (file == NULL) {
		return;
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, " nameserver %63s", text) == 1 &&
		    inet_pton(AF_INET, text, &address) == 1 &&
		    used + strlen(text) + 1 < size) {
			used += (size_t)snprintf(list + used, size - used,
			    "%s%s", used == 0 ? "" : ",", text);
		}
	}
	fclose(file);
}

/*
 * In host mode there is no router. bootpd announces the host's own resolvers
 * there, whether or not the guest can reach them.
 */
static void arguments_dhcp_host(struct arguments *arguments)
{
	char list[128];

	host_resolvers(list, sizeof(list));
	argument(arguments, "--dhcp-option=option:router");
	argument(arguments, "--dhcp-option=option:dns-server%s%s",
	    list[0] == '\0' ? "" : ",", list);
}

static void arguments_dhcp(
    struct arguments *arguments, const struct network *network)
{
	const struct wire_network *config = &network->config;
	char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];
	char host[INET_ADDRSTRLEN], mask[INET_ADDRSTRLEN];
	struct in_addr from, to;
	char script[320];

	check_pool(network, &from, &to);
	inet_ntop(AF_INET, &from, first, sizeof(first));
	inet_ntop(AF_INET, &to, last, sizeof(last));
	inet_ntop(AF_INET, &config->address, host, sizeof(host));
	inet_ntop(AF_INET, &config->mask, mask, sizeof(mask));
	argument(arguments, "--dhcp-range=%s,%s,%s,%d", first, last, mask,
	    LEASE_SECONDS);
	argument(arguments, "--dhcp-leasefile=%s/leases-%s", options.directory,
	    host);
	argument(arguments, "--dhcp-authoritative");
	argument(arguments, "--dhcp-sequential-ip");
	/* The address is unused, and the client is waiting. */
	argument(arguments, "--no-ping");
	if (config->mode == MODE_SHARED) {
		argument(arguments, "--dhcp-option=option:router,%s", host);
		/* Announced even if no resolver answers there. */
		argument(arguments, "--dhcp-option=option:dns-server,%s", host);
	} else {
		arguments_dhcp_host(arguments);
	}
	if (bootpd_script(script, sizeof(script))) {
		argument(arguments, "--dhcp-script=%s", script);
	}
	if (options.verbose) {
		argument(arguments, "--log-dhcp");
	}
}

static void arguments_reservations(
    struct arguments *arguments, const struct network *network)
{
	char address[INET_ADDRSTRLEN];

	for (uint32_t i = 0; i < network->reservation_count; i++) {
		const struct wire_reservation *item = &network->reservations[i];

		inet_ntop(AF_INET, &item->address, address, sizeof(address));
		argument(arguments,
		    "--dhcp-host=%02x:%02x:%02x:%02x:%02x:%02x,%s",
		    item->mac[0], item->mac[1], item->mac[2], item->mac[3],
		    item->mac[4], item->mac[5], address);
	}
}

static void arguments_ra(
    struct arguments *arguments, const struct network *network)
{
	char prefix[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &network->config.prefix, prefix, sizeof(prefix));
	argument(arguments, "--enable-ra");
	argument(
	    arguments, "--dhcp-range=%s,ra-only,64,%d", prefix, LEASE_SECONDS);
	if (network->config.mode != MODE_SHARED ||
	    (network->config.flags & WIRE_NO_NAT66)) {
		/* A prefix, but no router. */
		argument(
		    arguments, "--ra-param=bridge%d,60,0", network->bridge);
	}
}

/* NULL if out of memory; no arguments if no service is needed. */
static struct arguments *arguments_create(const struct network *network)
{
	struct arguments *arguments = calloc(1, sizeof(*arguments));
	const struct wire_network *config = &network->config;
	struct in_addr first, last;
	bool dhcp = !(config->flags & WIRE_NO_DHCP) &&
	    check_pool(network, &first, &last);
	bool ra = !(config->flags & WIRE_NO_RA) && bridge_ipv6() &&
	    config->mtu >= 1280;

	if (arguments == NULL || config->flags & WIRE_NO_HOST ||
	    (!dhcp && !ra && !serves_dns(config))) {
		return arguments;
	}
	arguments_common(arguments, network);
	if (dhcp) {
		arguments_dhcp(arguments, network);
		arguments_reservations(arguments, network);
	}
	if (ra) {
		arguments_ra(arguments, network);
	}
	if (arguments->failed) {
		arguments_destroy(arguments);
		return NULL;
	}
	return arguments;
}

static void line_done(struct dhcp *dhcp)
{
	dhcp->line[dhcp->used] = '\0';
	dhcp->used = 0;
	log_info("bridge%d: %s", dhcp->network->bridge, dhcp->line);
	if (!dhcp->ready && strstr(dhcp->line, "started, ") != NULL) {
		dhcp->ready = true;
		network_dhcp_ready(dhcp->network);
	}
}

static void output_close(struct dhcp *dhcp)
{
	if (dhcp->watch.fd != -1) {
		loop_remove(&dhcp->watch);
		close(dhcp->watch.fd);
		dhcp->watch.fd = -1;
	}
}

static void output_ready(struct watch *watch)
{
	struct dhcp *dhcp = (struct dhcp *)watch;
	char text[1024];
	ssize_t length = read(watch->fd, text, sizeof(text));

	if (length == 0) {
		/* The exit of the process is reported separately. */
		output_close(dhcp);
		return;
	}
	for (ssize_t i = 0; i < length; i++) {
		if (text[i] == '\n' || dhcp->used + 1 == sizeof(dhcp->line)) {
			line_done(dhcp);
		} else {
			dhcp->line[dhcp->used++] = text[i];
		}
	}
}

static void dhcp_destroy(struct dhcp *dhcp)
{
	output_close(dhcp);
	dhcp->network->dhcp = NULL;
	bootpd_write_reservations();
	free(dhcp);
}

int dhcp_start(struct network *network)
{
	struct arguments *arguments = arguments_create(network);
	struct dhcp *dhcp = calloc(1, sizeof(*dhcp));
	int result = -1;

	if (arguments == NULL || dhcp == NULL) {
		log_error("bridge%d: dnsmasq: out of memory", network->bridge);
		goto out;
	}
	if (arguments->count == 0) {
		result = 1;
		goto out;
	}
	dhcp->network = network;
	dhcp->watch.ready = output_ready;
	dhcp->pid =
	    run_start((const char *const *)arguments->values, &dhcp->watch.fd);
	if (dhcp->pid == -1) {
		log_error("bridge%d: dnsmasq: %m", network->bridge);
		goto out;
	}
	loop_add(&dhcp->watch);
	network->dhcp = dhcp;
	dhcp = NULL;
	bootpd_write_reservations();
	result = 0;
out:
	if (arguments != NULL) {
		arguments_destroy(arguments);
	}
	free(dhcp);
	return result;
}

void dhcp_stop(struct network *network)
{
	if (network->dhcp != NULL) {
		run_end(network->dhcp->pid);
		dhcp_destroy(network->dhcp);
	}
}

void dhcp_reaped(pid_t pid, int status)
{
	struct network *network = networks;

	while (network != NULL &&
	    (network->dhcp == NULL || network->dhcp->pid != pid)) {
		network = network->next;
	}
	if (network == NULL) {
		return;
	}
	/* Its last message is the reason. */
	output_ready(&network->dhcp->watch);
	log_error("bridge%d: dnsmasq ended (status %x): %s", network->bridge,
	    (unsigned)status, network->dhcp->line);
	dhcp_destroy(network->dhcp);
	network_dhcp_failed(network);
}
