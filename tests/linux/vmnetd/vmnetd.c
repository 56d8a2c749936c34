// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Usage: vmnetd [--socket PATH] [--quirk NAME]... [--no-loopback-forwarding]
 *               [--verbose]
 *
 * The privileged half of vmnet.framework, for one sandbox: runs as root of the
 * network namespace that plays the Mac. Prints "ready" when clients may
 * connect. SIGTERM removes everything that it made.
 *
 *   --quirk orphan-subnets      the subnet of a killed owner stays taken
 *   --quirk orphan-exits        also of one that exited without a release
 *   --quirk lapse-reservations  the last interface takes the network's
 *                               reservations and port rules along
 *   --no-loopback-forwarding    forwarded ports do not answer on the host's
 *                               own addresses, as before macOS 27
 */

#include "vmnetd.h"

#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct options options = { .loopback_forwarding = true };

static char socket_default[256];

static void usage(void)
{
	fprintf(stderr,
	    "usage: vmnetd [--socket PATH] [--quirk orphan-subnets]\n"
	    "              [--quirk orphan-exits] [--quirk "
	    "lapse-reservations]\n"
	    "              [--no-loopback-forwarding] [--bootpd-files]\n"
	    "              [--verbose]\n");
	exit(2);
}

static void option_quirk(const char *name)
{
	if (strcmp(name, "orphan-subnets") == 0) {
		options.orphan_subnets = true;
	} else if (strcmp(name, "orphan-exits") == 0) {
		options.orphan_subnets = options.orphan_exits = true;
	} else if (strcmp(name, "lapse-reservations") == 0) {
		options.lapse_reservations = true;
	} else {
		log_error("no such quirk: %s", name);
		usage();
	}
}

static void options_parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "quirk", required_argument, NULL, 'q' },
		{ "bootpd-files", no_argument, NULL, 'b' },
		{ "no-loopback-forwarding", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	const char *directory = getenv("STANDIN_DIR");
	int option;

	snprintf(socket_default, sizeof(socket_default), "%s/%s",
	    directory == NULL ? "/run/standin" : directory, WIRE_SOCKET);
	options.socket = socket_default;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.socket = optarg;
			break;
		case 'q':
			option_quirk(optarg);
			break;
		case 'b':
			options.bootpd_files = true;
			break;
		case 'l':
			options.loopback_forwarding = false;
			break;
		case 'v':
			options.verbose = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc) {
		usage();
	}
}

/* Leases survive a stop of their network, as on macOS, but not that of
 * vmnetd. */
static void directory_create(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", options.socket);
	snprintf(options.directory, sizeof(options.directory),
	    "%s/vmnetd.XXXXXX", dirname(path));
	if (mkdtemp(options.directory) == NULL) {
		log_error("%s: %m", options.directory);
		exit(1);
	}
}

static void directory_remove(void)
{
	const char *const argv[] = { "rm", "-rf", "--", options.directory,
		NULL };

	run_command(argv, "", 0);
}

static bool stopped;

static void stop(void)
{
	stopped = true;
}

static bool goes_on(void)
{
	return !stopped;
}

/* A sandbox may have thousands of clients, each with a connection. */
static void limits_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	log_start("vmnetd", !options.verbose);
	limits_raise();
	signal(SIGPIPE, SIG_IGN);
	loop_signals(dhcp_reaped, stop);
	/* Before the socket: a client may start at once. */
	directory_create();
	if (client_listen(options.socket) == -1) {
		log_error("%s: %m", options.socket);
		directory_remove();
		return 1;
	}
	puts("ready");
	fflush(stdout);
	loop_run(goes_on);
	client_close_all();
	network_close_all();
	nft_remove();
	bridge_restore();
	unlink(options.socket);
	directory_remove();
	return 0;
}
