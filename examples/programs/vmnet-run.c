// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: run any VMM that takes a datagram socket on broker networks.
 *
 * QEMU, krunkit and vfkit can put a guest's network interface on a UNIX
 * datagram socket: each datagram is one Ethernet frame. This program acquires
 * networks from the broker, starts a vmnet interface on each, gives the command
 * one end of a socket pair for each, and moves frames between the other end and
 * vmnet as long as any process has the command's ends open.
 *
 * What to learn here, and where:
 *
 * - The command learns its sockets from placeholders that are replaced in its
 *   arguments and in the values of its environment ({fd0} {mac0} {mtu0} for the
 *   first network, {fd1} … for the second) and by the variables VMNET_FD0,
 *   VMNET_MAC0 and VMNET_MTU0 … (vmnet-run/words.c).
 * - Frames move in batches, many of them with one call of vmnet. Each network
 *   has a queue of its own, and nothing on it blocks or retries at once: a
 *   guest that does not keep up delays only its own network, by at most 26 ms;
 *   then frames are dropped, as on a real network interface
 *   (vmnet-run/frames.c).
 * - A hold reports what happens to the network: it is lost when the broker
 *   dies, and a new one replaces it. Then the interface is replaced, and the
 *   guest keeps its socket (vmnet-run/port.c).
 * - The command may exit before its VMM, may be in the foreground of a
 *   terminal, and receives signals (vmnet-run/command.c).
 * - Before the process ends, the interfaces are stopped, and it waits for that.
 *
 * Build it on macOS 26, and sign it with the entitlement that vmnet requires:
 *
 *	cc -o vmnet-run vmnet-run.c vmnet-run/[a-z]*.c \
 *		../../client/vmnet-broker.c -I../../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - \
 *		--entitlements ../../broker/vmnet-broker.entitlements vmnet-run
 *
 * Show what a command gets, and the counters at the end:
 *
 *	$ vmnet-run --stats --network default -- echo mac={mac0},mtu={mtu0}
 *	vmnet-run: without --offload it slows down every VM on its networks
 *	mac=52:54:00:1c:9e:07,mtu=1500
 *	vmnet-run: default in: 0 frames, 0 bytes, 0 dropped, 0 unfit
 *	vmnet-run: default out: 0 frames, 0 bytes, 0 dropped, 0 unfit
 *
 * "in" means to the guest, "out" from the guest. Frames are dropped if the
 * guest or vmnet has no room for them, and unfit if they are shorter than an
 * Ethernet header or longer than the MTU of the network allows.
 *
 * And a VMM:
 *
 *	vmnet-run --network default --network host -- qemu-system-aarch64 … \
 *		-netdev dgram,id=net0,local.type=fd,local.str={fd0} \
 *		-device virtio-net-pci,netdev=net0,mac={mac0} \
 *		-netdev dgram,id=net1,local.type=fd,local.str={fd1} \
 *		-device virtio-net-pci,netdev=net1,mac={mac1}
 *	vmnet-run --network default,mac=52:54:00:12:34:56 -- vfkit … \
 *		--device virtio-net,fd={fd0},mac={mac0}
 *	vmnet-run --offload --network default -- krunkit … \
 *		--device virtio-net,type=unixgram,fd={fd0},mac={mac0},\
 *	offloading=true
 *
 * --network NAME,mac=ADDRESS: the guest's address, which is then {mac0}; any
 * unicast address that no other guest has. Without it {mac0} is the one that
 * vmnet chose for the interface.
 *
 * --fd N: the descriptor of the socket in the command, 3 to 63, for VMMs that
 * have no option for it; use it once for each --network, in the same order, or
 * not at all.
 *
 * --offload: frames have a virtio header, may be up to 64 KB long, and may lack
 * checksums, which the receiver completes. The VMM must support this; QEMU's
 * dgram does not. On macOS one interface without offload disables it for every
 * VM on that network, and they send at a fraction of the speed.
 *
 * SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are forwarded to the
 * process group of the command. When the command has ended and its group is
 * empty, the first four end vmnet-run.
 *
 * The exit status is that of the command, 128 plus the number of the signal
 * that ended it, 2 if the arguments are wrong, and 126 if the command could not
 * run. If vmnet-run is killed, the command keeps running without a network.
 */

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dispatch/dispatch.h>

#include "macos.h"
#include "vmnet-run/run.h"

#define EXIT_USAGE 2
#define EXIT_CANNOT_RUN 126

extern char **environ;

struct port ports[MAX_PORTS];
int port_count;
bool offload;
static bool stats;

static void print(const char *format, va_list args)
{
	char line[1024];

	/* A single write, so that lines from several queues are not mixed. */
	vsnprintf(line, sizeof(line), format, args);
	fprintf(stderr, "vmnet-run: %s\n", line);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, args);
	va_end(args);
	leave(EXIT_CANNOT_RUN);
}

void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL) {
		fail("out of memory");
	}
	return memory;
}

/* --- The arguments ------------------------------------------------------- */

static void usage(FILE *file)
{
	fprintf(file,
	    "usage: vmnet-run [--offload] [--stats] "
	    "--network NAME[,mac=ADDRESS] [--fd N]\n"
	    "                 [--network NAME ...] -- COMMAND [ARGUMENT "
	    "...]\n"
	    "\n"
	    "Run COMMAND, a VMM, with a datagram socket for each network. "
	    "{fd0}, {mac0} and\n"
	    "{mtu0} in its arguments and environment are replaced, {fd1} … "
	    "for the second.\n"
	    "\n"
	    "  --network NAME[,mac=ADDRESS]\n"
	    "              a network, up to 8; the guest's MAC address "
	    "(default: vmnet chooses)\n"
	    "  --fd N      descriptor of the socket, 3 to 63; once for each "
	    "network\n"
	    "              (default: any, see {fd0})\n"
	    "  --offload   frames with a virtio header, for VMMs that "
	    "support it (default: off)\n"
	    "  --stats     print counters at the end (default: off)\n"
	    "  -h, --help  print this text\n");
}

static void wrong_usage(void) __attribute__((noreturn));

static void wrong_usage(void)
{
	usage(stderr);
	exit(EXIT_USAGE);
}

void usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(format, args);
	va_end(args);
	exit(EXIT_USAGE);
}

/* Six bytes of two digits, and neither multicast nor zero. */
static bool is_unicast(const char *text)
{
	unsigned long any = 0;

	for (int i = 0; i < 6; i++, text += 3) {
		if (!isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]) ||
		    text[2] != (i < 5 ? ':' : '\0')) {
			return false;
		}
		unsigned long byte = strtoul(text, NULL, 16);
		if (i == 0 && (byte & 1) != 0) {
			return false;
		}
		any |= byte;
	}
	return any != 0;
}

/* NAME or NAME,mac=ADDRESS */
static void add_port(char *text)
{
	char *mac = strstr(text, ",mac=");

	if (port_count == MAX_PORTS) {
		usage_error("--network: at most %d networks", MAX_PORTS);
	}
	struct port *port = &ports[port_count++];
	port->network_name = text;
	if (mac == NULL) {
		return;
	}
	*mac = '\0';
	mac += strlen(",mac=");
	if (!is_unicast(mac)) {
		usage_error("--network %s: mac must be a unicast address, like "
			    "52:54:00:12:34:56 (got \"%s\")",
		    text, mac);
	}
	snprintf(port->mac, sizeof(port->mac), "%s", mac);
}

/* The numbers, in the order of the networks. */
static void add_fd(const char *text, int count)
{
	char *end = NULL;
	long fd = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || fd < FD_MIN || fd > FD_MAX) {
		usage_error("--fd: must be %d to %d (got \"%s\")", FD_MIN,
		    FD_MAX, text);
	}
	if (count == MAX_PORTS) {
		usage_error("--fd: at most %d networks", MAX_PORTS);
	}
	for (int i = 0; i < count; i++) {
		if (ports[i].wanted_fd == fd) {
			usage_error("--fd: %ld is given twice", fd);
		}
	}
	ports[count].wanted_fd = (int)fd;
}

static void parse(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "fd", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "network", required_argument, NULL, 'n' },
		{ "offload", no_argument, NULL, 'o' },
		{ "stats", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;
	int fds = 0;

	/* "+": arguments after the command belong to the command. */
	while (option != -1) {
		option = getopt_long(argc, argv, "+h", options, NULL);
		if (option == 's') {
			stats = true;
		} else if (option == 'o') {
			offload = true;
		} else if (option == 'n') {
			add_port(optarg);
		} else if (option == 'f') {
			add_fd(optarg, fds++);
		} else if (option == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		} else if (option != -1) {
			wrong_usage();
		}
	}
	if (port_count == 0 || optind == argc) {
		wrong_usage();
	}
	if (fds != 0 && fds != port_count) {
		usage_error(
		    "--fd: must be given once for each --network, or not at "
		    "all (got %d for %d)",
		    fds, port_count);
	}
}

/* --- The end ------------------------------------------------------------- */

static void counter_print(
    const char *name, const char *way, const struct counter *counter)
{
	say("%s %s: %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64
	    " dropped, %" PRIu64 " unfit",
	    name, way, counter->frames, counter->bytes, counter->dropped,
	    counter->unfit);
}

void stop_all(void)
{
	for (int i = 0; i < port_count; i++) {
		struct port *port = &ports[i];
		port_stop(port);
		if (stats && port->started) {
			counter_print(port->network_name, "in", &port->in);
			counter_print(port->network_name, "out", &port->out);
		}
	}
}

void leave(int status)
{
	stop_all();
	exit(status);
}

/* --- The system ---------------------------------------------------------- */

static void check_macos(void)
{
	char version[32] = "";

	if (!macos_is_supported(version, sizeof(version))) {
		say("macOS 26.2 or later is needed, this is %s", version);
		exit(EXIT_CANNOT_RUN);
	}
}

int main(int argc, char *argv[])
{
	parse(argc, argv);
	words_check(argv + optind);
	words_check(environ);
	check_macos();
	if (!offload) {
		say("without --offload it slows down every VM on its networks");
	}
	command_prepare();
	/* All are requested at once. */
	for (int i = 0; i < port_count; i++) {
		port_create(&ports[i]);
	}
	for (int i = 0; i < port_count; i++) {
		port_start(&ports[i]);
	}
	words_export();
	words_expand(argv + optind);
	words_expand(environ);
	command_start(argv + optind);
	dispatch_main();
}
