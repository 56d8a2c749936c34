// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: a client with a built-in minimal IP stack.
 *
 * It acquires a network from vmnet-broker, attaches an interface to it, and
 * does with Ethernet frames what the kernel of a guest would do: it gets an
 * address by DHCP, finds its neighbours by ARP, resolves a name by DNS and
 * sends echo requests. So it shows that packets flow, without a VM; and two of
 * them, started by different users, show that they are on the same network.
 *
 * What to learn here; ping/guest.h lists the files:
 *
 * - vmnet gives an interface, not a socket: whole Ethernet frames go in and
 *   come out (interface.c). Everything above them is the guest's work
 *   (ethernet.c, ip.c, dhcp.c, dns.c, echo.c).
 * - Everything runs on one serial queue, so nothing needs a lock.
 * - vmnet reports that packets are available, not how many: read until none is
 *   left.
 * - An interface is stopped before the process exits, and the exit waits for
 *   the completion of the stop.
 * - Received data is not trusted: every length is checked before it is used.
 *
 * Build it on macOS 26, and sign it with the entitlement that vmnet requires:
 *
 *	cc -o ping ping.c ping/[a-z]*.c ../../client/vmnet-broker.c \
 *		-I../../client -framework vmnet -framework CoreFoundation
 *	codesign --force --sign - \
 *		--entitlements ../../broker/vmnet-broker.entitlements ping
 *
 * Ping the gateway, then an external host, then wait for pings from others:
 *
 *	$ ping -c 2 default
 *	ping: 52:54:00:1c:9e:07 192.168.115.2/24
 *	ping: gateway 192.168.115.1 dns 192.168.115.1
 *	PING 192.168.115.1: 56 data bytes
 *	64 bytes from 192.168.115.1: icmp_seq=1 time=0.412 ms
 *	64 bytes from 192.168.115.1: icmp_seq=2 time=0.305 ms
 *	2 packets sent, 2 received
 *
 *	$ ping -c 1 default world.example
 *	ping: 52:54:00:5b:20:e4 192.168.115.3/24
 *	ping: gateway 192.168.115.1 dns 192.168.115.1
 *	PING world.example (203.0.113.1): 56 data bytes
 *	64 bytes from 203.0.113.1: icmp_seq=1 time=0.530 ms
 *	1 packet sent, 1 received
 *
 *	$ ping -c 0 -H -m 52:54:00:00:00:0a default
 *	ping: 52:54:00:00:00:0a 192.168.115.4/24
 *	ping: gateway 192.168.115.1 dns 192.168.115.1
 *	holding 192.168.115.4 until interrupted
 *	^C
 *
 * The exit status is 0 if every echo request was answered, 1 if some were not,
 * and 2 if an error occurred before that.
 */

#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <dispatch/dispatch.h>

#include "macos.h"
#include "ping/guest.h"

struct options options = {
	.network = "", .count = 4, .interval = 1, .timeout = 1
};

void fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "ping: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	finish(STATUS_FAILED);
}

void ready(void)
{
	const uint8_t *mac = guest.mac;
	struct in_addr address = { 0 };

	printf("ping: %02x:%02x:%02x:%02x:%02x:%02x %s/%d\n", mac[0], mac[1],
	    mac[2], mac[3], mac[4], mac[5], ip_text(lease.address).s,
	    33 - ffs((int)lease.mask));
	printf("ping: gateway %s dns %s\n", ip_text(lease.gateway).s,
	    ip_text(lease.dns).s);
	arp_announce();

	if (options.count == 0) {
		ping_wait();
	} else if (options.target == NULL) {
		ping_start(guest.gateway);
	} else if (inet_pton(AF_INET, options.target, &address) == 1) {
		ping_start(ntohl(address.s_addr));
	} else {
		dns_start();
	}
}

/* A dispatch source only receives a signal whose default action is disabled. */
static void stop_on(int number)
{
	signal(number, SIG_IGN);
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
		(uintptr_t)number, 0, dispatch_get_main_queue());
	dispatch_source_set_event_handler(source, ^{
		ping_finish();
	});
	dispatch_activate(source);
}

static void check_macos(void)
{
	char version[32] = "";

	if (!macos_is_supported(version, sizeof(version))) {
		fail("%s: macOS 26.2 or later is needed, this is %s",
		    options.network, version);
	}
}

/* --- The arguments ------------------------------------------------------- */

static void usage(FILE *file)
{
	fprintf(file,
	    "usage: ping [-H] [-c COUNT] [-i SECONDS] [-W SECONDS] [-m MAC] "
	    "NETWORK [TARGET]\n"
	    "\n"
	    "Ping TARGET, an IPv4 address or a host name, on NETWORK\n"
	    "(default: the gateway of NETWORK).\n"
	    "\n"
	    "  -c COUNT    number of echo requests to send, 0 to 65535 "
	    "(default: 4)\n"
	    "  -H          keep the address afterwards, until interrupted\n"
	    "  -i SECONDS  interval between requests, 0.001 to 3600 (default: "
	    "1)\n"
	    "  -m MAC      use this MAC address (default: vmnet chooses)\n"
	    "  -W SECONDS  time to wait for a reply, 0.001 to 3600 (default: "
	    "1)\n"
	    "  -h, --help  print this text\n");
}

static void usage_error(void) __attribute__((noreturn));

static void usage_error(void)
{
	usage(stderr);
	exit(STATUS_FAILED);
}

static double parse_number(
    int option, const char *text, double least, double most)
{
	char *end = NULL;
	double number = strtod(text, &end);

	if (end == text || *end != '\0' ||
	    !(number >= least && number <= most)) {
		fprintf(stderr, "ping: -%c: must be %g to %g (got \"%s\")\n",
		    option, least, most, text);
		exit(STATUS_FAILED);
	}
	return number;
}

static void parse_mac(const char *text)
{
	if (!mac_parse(text, options.mac)) {
		fprintf(stderr,
		    "ping: -m: must be a unicast address, like "
		    "52:54:00:12:34:56 (got \"%s\")\n",
		    text);
		exit(STATUS_FAILED);
	}
	options.has_mac = true;
}

static void parse_option(int option)
{
	switch (option) {
	case 'c':
		options.count =
		    (unsigned)parse_number(option, optarg, 0, UINT16_MAX);
		break;
	case 'H':
		options.hold = true;
		break;
	case 'i':
		options.interval = parse_number(option, optarg, 0.001, 3600);
		break;
	case 'm':
		parse_mac(optarg);
		break;
	case 'W':
		options.timeout = parse_number(option, optarg, 0.001, 3600);
		break;
	case 'h':
		usage(stdout);
		exit(STATUS_OK);
	default:
		usage_error();
	}
}

static void parse_options(int argc, char *argv[])
{
	static const struct option names[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;

	for (;;) {
		option = getopt_long(argc, argv, "Hc:hi:m:W:", names, NULL);
		if (option == -1) {
			break;
		}
		parse_option(option);
	}
	if (argc - optind < 1 || argc - optind > 2) {
		usage_error();
	}
	options.network = argv[optind];
	options.target = argc - optind == 2 ? argv[optind + 1] : NULL;
}

int main(int argc, char *argv[])
{
	parse_options(argc, argv);

	/* Line-buffered, even if the output is not a terminal. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	check_macos();
	network_acquire();
	stop_on(SIGINT);
	stop_on(SIGTERM);
	interface_start();
	dispatch_main();
}
