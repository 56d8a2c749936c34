// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: run any VMM that takes a datagram socket on broker networks.
 *
 * QEMU, krunkit and vfkit can put a guest's network card on a UNIX datagram
 * socket: each datagram is one Ethernet frame. This program acquires networks
 * from the broker, starts a vmnet interface on each, gives the command one end
 * of a socket pair for each, and moves frames between the other end and vmnet
 * until the command ends.
 *
 * What to learn here:
 *
 * - The command learns of its sockets by words that are replaced in its
 *   arguments, {fd0} {mac0} {mtu0} for the first network, {fd1} … for the
 *   second, and by the environment: VMNET_FD0, VMNET_MAC0, VMNET_MTU0.
 * - vmnet gave the interface a MAC address: the guest must use it.
 * - Frames move in batches, one system call of vmnet's for many of them.
 * - Each network has a queue of its own, and nothing on it waits: a guest that
 *   does not keep up delays its own network, by 20 ms at the most; then frames
 *   are dropped, as a network card drops them. See port_send().
 * - The interfaces are stopped, and it is waited for, before the process ends.
 *
 * Build it on macOS 26, and sign it so that vmnet lets it in:
 *
 *	cc -o vmnet-run vmnet-run.c ../client/vmnet-broker.c -I../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - --entitlements virtualization.plist vmnet-run
 *
 * Run it:
 *
 *	$ vmnet-run --stats --network default -- qemu-system-aarch64 … \
 *		-netdev dgram,id=net0,local.type=fd,local.str={fd0} \
 *		-device virtio-net-pci,netdev=net0,mac={mac0}
 *	…
 *	vmnet-run: default: to guest 210 frames 19330 bytes, from guest 198
 *	frames 18264 bytes, dropped: 0 slow guest, 0 network, 0 size
 *
 *	$ vmnet-run --network default -- krunkit … \
 *		--device virtio-net,type=unixgram,fd={fd0},mac={mac0}
 *	$ vmnet-run --network default -- vfkit … \
 *		--device virtio-net,fd={fd0},mac={mac0}
 *
 * Its exit status is the command's, 128 and the signal's number when a signal
 * ended it, 2 for a mistake in the arguments, and 126 when it could not run.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CoreFoundation/CoreFoundation.h>
#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

/* What the broker lets one client hold. */
#define MAX_PORTS 8

/* Frames a batch. vmnet allows 256 a call; 64 already make its cost small. */
#define BATCH 64

/* An Ethernet header: nothing shorter is a frame. */
#define FRAME_MIN 14

/* The socket buffers hold a few hundred frames: what TCP sends in a burst. */
#define SOCKET_BUFFER (1024 * 1024)

/* A full socket is tried again after 1 ms, so often, then frames are lost. */
#define RETRY_INTERVAL (1 * NSEC_PER_MSEC)
#define RETRY_MAX 20

#define EXIT_USAGE 2
#define EXIT_CANNOT_RUN 126

extern char **environ;

/* Frames on their way in one direction: count of them, sent up to next. */
struct batch {
	struct vmpktdesc packets[BATCH];
	struct iovec iov[BATCH];
	uint8_t *buffer;
	int count;
	int next;
};

struct counter {
	uint64_t frames;
	uint64_t bytes;
};

/* One network of the guest. Its queue owns everything below it. */
struct port {
	const char *network_name;
	vmnet_network_ref network;
	interface_ref interface;
	char mac[18];
	uint64_t mtu;
	size_t max_packet_size;
	int fd;       /* ours */
	int guest_fd; /* the command's */

	dispatch_queue_t queue;
	dispatch_source_t source;
	struct batch to_guest;
	struct batch from_guest;
	int retries;     /* of the batch to the guest, 0 while it flows */
	bool guest_gone; /* closed its socket */

	struct counter sent;
	struct counter received;
	uint64_t dropped_slow_guest;
	uint64_t dropped_network;
	uint64_t dropped_size;
};

static struct port ports[MAX_PORTS];
static int port_count;
static bool stats;
static pid_t child;

static void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "vmnet-run: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_CANNOT_RUN);
}

/* --- From the network to the guest -------------------------------------- */

static void port_read(struct port *port);

/*
 * Sends what is left of the batch; false when the guest has no room. When it
 * has none for too long the batch is dropped: the guest then misses frames,
 * as it would on any wire, and the network's own queue is not left to fill up
 * with ever older ones.
 */
static bool port_send(struct port *port)
{
	struct batch *batch = &port->to_guest;

	for (; batch->next < batch->count; batch->next++) {
		size_t size = batch->packets[batch->next].vm_pkt_size;
		const void *frame = batch->iov[batch->next].iov_base;
		ssize_t sent = send(port->fd, frame, size, 0);
		if (sent == (ssize_t)size) {
			port->sent.frames++;
			port->sent.bytes += size;
			port->retries = 0;
		} else if (sent < 0 && errno == EINTR) {
			batch->next--;
		} else if (sent < 0 && errno == EMSGSIZE) {
			port->dropped_size++;
		} else if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS) &&
			port->retries < RETRY_MAX) {
			port->retries++;
			return false;
		} else {
			port->dropped_slow_guest++;
		}
	}
	return true;
}

/* Continues with a batch that found the socket full. */
static void port_retry(struct port *port)
{
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, RETRY_INTERVAL),
		port->queue, ^{
			if (port_send(port)) {
				port_read(port);
			} else {
				port_retry(port);
			}
		});
}

static int batch_prepare(struct batch *batch, size_t max_packet_size)
{
	for (int i = 0; i < BATCH; i++) {
		batch->iov[i].iov_len = max_packet_size;
		batch->packets[i].vm_pkt_size = max_packet_size;
		batch->packets[i].vm_pkt_iovcnt = 1;
		batch->packets[i].vm_flags = 0;
	}
	batch->next = 0;
	return BATCH;
}

/* Moves frames until the network has none, or the guest has no room. */
static void port_read(struct port *port)
{
	struct batch *batch = &port->to_guest;

	if (batch->next < batch->count) {
		return; /* a retry is under way, and comes here when done */
	}
	for (;;) {
		batch->count = batch_prepare(batch, port->max_packet_size);
		vmnet_return_t status = vmnet_read(
			port->interface, batch->packets, &batch->count);
		if (status != VMNET_SUCCESS || batch->count <= 0) {
			batch->count = 0;
			return;
		}
		if (!port_send(port)) {
			port_retry(port);
			return;
		}
	}
}

/* --- From the guest to the network -------------------------------------- */

/* The guest's end is closed: this network is quiet from now on, the others
 * and the command go on. */
static void port_hang_up(struct port *port)
{
	port->guest_gone = true;
	vmnet_interface_set_event_callback(
		port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL);
	dispatch_source_cancel(port->source);
}

/* Receives a batch, at most BATCH frames. Frames over the network's size do
 * not get in: one byte of room more than allowed tells them. */
static void port_receive(struct port *port)
{
	struct batch *batch = &port->from_guest;

	batch->count = 0;
	while (batch->count < BATCH) {
		struct iovec *iov = &batch->iov[batch->count];
		ssize_t size = recv(
			port->fd, iov->iov_base, port->max_packet_size + 1, 0);
		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size < 0 && errno == EAGAIN) {
			return;
		}
		if (size <= 0) {
			port_hang_up(port);
			return;
		}
		if (size < FRAME_MIN || (size_t)size > port->max_packet_size) {
			port->dropped_size++;
			continue;
		}
		iov->iov_len = (size_t)size;
		batch->packets[batch->count].vm_pkt_size = (size_t)size;
		batch->packets[batch->count].vm_pkt_iovcnt = 1;
		batch->packets[batch->count].vm_flags = 0;
		batch->count++;
	}
}

/* Writes the batch. What vmnet does not take is lost, as on any wire. */
static void port_write(struct port *port)
{
	struct batch *batch = &port->from_guest;
	int written = batch->count;

	if (batch->count == 0) {
		return;
	}
	vmnet_return_t status =
		vmnet_write(port->interface, batch->packets, &written);
	if (status != VMNET_SUCCESS) {
		written = 0;
	}
	for (int i = 0; i < written; i++) {
		port->received.frames++;
		port->received.bytes += batch->packets[i].vm_pkt_size;
	}
	port->dropped_network += (uint64_t)(batch->count - written);
}

/* --- Starting a port ----------------------------------------------------- */

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL) {
		fail("out of memory");
	}
	return memory;
}

static vmnet_network_ref acquire(const char *name)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	xpc_object_t serialization =
		vmnet_broker_acquire_network(name, &status);
	if (serialization == NULL) {
		fail("network %s: %s", name, vmnet_broker_strerror(status));
	}
	vmnet_return_t vmnet_status = VMNET_SUCCESS;
	vmnet_network_ref network = vmnet_network_create_with_serialization(
		serialization, &vmnet_status);
	xpc_release(serialization);
	if (network == NULL) {
		fail("network %s: vmnet status %d", name, (int)vmnet_status);
	}
	return network;
}

/* Waits for vmnet's answer: nothing else is to be done before it is there. */
static void port_start_interface(struct port *port)
{
	dispatch_semaphore_t started = dispatch_semaphore_create(0);
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	__block vmnet_return_t result = VMNET_FAILURE;

	port->interface = vmnet_interface_start_with_network(port->network,
		description, port->queue,
		^(vmnet_return_t status, xpc_object_t parameters) {
			result = status;
			if (status == VMNET_SUCCESS) {
				port->mtu = xpc_dictionary_get_uint64(
					parameters, vmnet_mtu_key);
				port->max_packet_size =
					xpc_dictionary_get_uint64(parameters,
						vmnet_max_packet_size_key);
				const char *mac = xpc_dictionary_get_string(
					parameters, vmnet_mac_address_key);
				snprintf(port->mac, sizeof(port->mac), "%s",
					mac != NULL ? mac : "");
			}
			dispatch_semaphore_signal(started);
		});
	xpc_release(description);
	/* When it refuses at once nobody calls the block. */
	if (port->interface != NULL) {
		dispatch_semaphore_wait(started, DISPATCH_TIME_FOREVER);
	}
	dispatch_release(started);
	if (result != VMNET_SUCCESS || port->max_packet_size < FRAME_MIN) {
		fail("network %s: cannot start an interface: vmnet status %d",
			port->network_name, (int)result);
	}
}

static void batch_create(struct batch *batch, size_t max_packet_size)
{
	batch->buffer = allocate(BATCH, max_packet_size + 1);
	for (size_t i = 0; i < BATCH; i++) {
		batch->iov[i].iov_base =
			batch->buffer + i * (max_packet_size + 1);
		batch->packets[i].vm_pkt_iov = &batch->iov[i];
	}
}

/* Ours does not block and does not leak into the command; the command's does
 * both. Small buffers are a matter of speed: no reason to fail. */
static void port_create_sockets(struct port *port)
{
	int size = SOCKET_BUFFER;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) != 0) {
		fail("cannot create a socket pair: %s", strerror(errno));
	}
	for (int i = 0; i < 2; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	if (fcntl(fds[0], F_SETFD, FD_CLOEXEC) != 0 ||
		fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
		fail("cannot set up a socket: %s", strerror(errno));
	}
	port->fd = fds[0];
	port->guest_fd = fds[1];
}

static void port_start(struct port *port)
{
	port->queue = dispatch_queue_create(port->network_name, NULL);
	port->network = acquire(port->network_name);
	port_start_interface(port);
	port_create_sockets(port);
	batch_create(&port->to_guest, port->max_packet_size);
	batch_create(&port->from_guest, port->max_packet_size);
}

/* From here on frames flow. The command runs: what comes first is for it. */
static void port_open(struct port *port)
{
	close(port->guest_fd);
	port->source = dispatch_source_create(
		DISPATCH_SOURCE_TYPE_READ, (uintptr_t)port->fd, 0, port->queue);
	dispatch_source_set_event_handler(port->source, ^{
		port_receive(port);
		port_write(port);
	});
	dispatch_activate(port->source);

	vmnet_return_t status = vmnet_interface_set_event_callback(
		port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, port->queue,
		^(interface_event_t mask, xpc_object_t event) {
			(void)mask;
			(void)event;
			if (!port->guest_gone) {
				port_read(port);
			}
		});
	if (status != VMNET_SUCCESS) {
		fail("network %s: vmnet status %d", port->network_name,
			(int)status);
	}
}

static void port_stop(struct port *port)
{
	dispatch_semaphore_t stopped = dispatch_semaphore_create(0);

	vmnet_interface_set_event_callback(
		port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL);
	vmnet_return_t status = vmnet_stop_interface(
		port->interface, port->queue, ^(vmnet_return_t result) {
			(void)result;
			dispatch_semaphore_signal(stopped);
		});
	if (status == VMNET_SUCCESS) {
		dispatch_semaphore_wait(stopped, DISPATCH_TIME_FOREVER);
	}
	dispatch_release(stopped);
	CFRelease(port->network);
}

static void port_print_stats(const struct port *port)
{
	fprintf(stderr,
		"vmnet-run: %s: to guest %" PRIu64 " frames %" PRIu64
		" bytes, from guest %" PRIu64 " frames %" PRIu64
		" bytes, dropped: %" PRIu64 " slow guest, %" PRIu64
		" network, %" PRIu64 " size\n",
		port->network_name, port->sent.frames, port->sent.bytes,
		port->received.frames, port->received.bytes,
		port->dropped_slow_guest, port->dropped_network,
		port->dropped_size);
}

/* --- The command --------------------------------------------------------- */

/* The value of "fd0", "mac1", … in value, or false. */
static bool lookup(const char *name, size_t length, char *value, size_t size)
{
	for (int i = 0; i < port_count; i++) {
		const struct port *port = &ports[i];
		char key[16];

		snprintf(key, sizeof(key), "fd%d", i);
		if (strlen(key) == length && memcmp(key, name, length) == 0) {
			snprintf(value, size, "%d", port->guest_fd);
			return true;
		}
		snprintf(key, sizeof(key), "mac%d", i);
		if (strlen(key) == length && memcmp(key, name, length) == 0) {
			snprintf(value, size, "%s", port->mac);
			return true;
		}
		snprintf(key, sizeof(key), "mtu%d", i);
		if (strlen(key) == length && memcmp(key, name, length) == 0) {
			snprintf(value, size, "%" PRIu64, port->mtu);
			return true;
		}
	}
	return false;
}

/* A copy of the argument with every {word} we know replaced. */
static char *expand(const char *argument)
{
	/* Every value is shorter than this, every {word} at least 5 long. */
	char value[32];
	size_t size = strlen(argument) / 5 * sizeof(value) + strlen(argument);
	char *out = allocate(size + 1, 1);
	char *end = out;

	while (*argument != '\0') {
		const char *close = strchr(argument, '}');
		if (*argument == '{' && close != NULL &&
			lookup(argument + 1, (size_t)(close - argument - 1),
				value, sizeof(value))) {
			end = stpcpy(end, value);
			argument = close + 1;
		} else {
			*end++ = *argument++;
		}
	}
	return out;
}

static void export_ports(void)
{
	static const char *const words[] = {"fd", "mac", "mtu"};
	static const char *const names[] = {"FD", "MAC", "MTU"};
	char value[32];
	char name[32];
	char word[16];

	for (int i = 0; i < port_count; i++) {
		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
			snprintf(word, sizeof(word), "%s%d", words[j], i);
			snprintf(name, sizeof(name), "VMNET_%s%d", names[j], i);
			if (lookup(word, strlen(word), value, sizeof(value)) &&
				setenv(name, value, 1) != 0) {
				fail("out of memory");
			}
		}
	}
}

static const int signals[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
#define SIGNAL_COUNT ((int)(sizeof(signals) / sizeof(signals[0])))

/* A Ctrl-C at the terminal has reached the command already. */
static bool came_from_terminal(int number)
{
	return (number == SIGINT || number == SIGQUIT) && isatty(0) &&
		tcgetpgrp(0) == getpgrp();
}

static void forward_signals(void)
{
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		int number = signals[i];
		signal(number, SIG_IGN);
		dispatch_source_t source = dispatch_source_create(
			DISPATCH_SOURCE_TYPE_SIGNAL, (uintptr_t)number, 0,
			dispatch_get_main_queue());
		dispatch_source_set_event_handler(source, ^{
			if (!came_from_terminal(number)) {
				kill(child, number);
			}
		});
		dispatch_activate(source);
	}
}

/* The command gets the signals as we got them, not as we ignore them. */
static void spawn(char *argv[])
{
	posix_spawnattr_t attributes;
	sigset_t defaults;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		sigaddset(&defaults, signals[i]);
	}
	int error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		posix_spawnattr_setsigdefault(&attributes, &defaults);
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
		error = posix_spawnp(
			&child, argv[0], NULL, &attributes, argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	if (error != 0) {
		fail("%s: %s", argv[0], strerror(error));
	}
}

/* Reaps the command, here and not before: until then its process id is its
 * own, and a signal that is passed on reaches nobody else. */
static void finish(void)
{
	int status = 0;

	if (waitpid(child, &status, 0) < 0) {
		fail("waitpid: %s", strerror(errno));
	}
	for (int i = 0; i < port_count; i++) {
		struct port *port = &ports[i];
		dispatch_source_cancel(port->source);
		port_stop(port);
		if (stats) {
			port_print_stats(port);
		}
	}
	exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				 : WEXITSTATUS(status));
}

static void wait_for_command(void)
{
	dispatch_async(
		dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_DEFAULT, 0),
		^{
			siginfo_t info;
			while (waitid(P_PID, (id_t)child, &info,
				       WEXITED | WNOWAIT) != 0 &&
				errno == EINTR) {
				continue;
			}
			dispatch_async(dispatch_get_main_queue(), ^{
				finish();
			});
		});
}

static void usage(void)
{
	fprintf(stderr,
		"usage: vmnet-run [--stats] --network NAME "
		"[--network NAME ...] -- COMMAND [ARGUMENT ...]\n");
	exit(EXIT_USAGE);
}

static void parse(int argc, char *argv[])
{
	static const struct option options[] = {
		{"network", required_argument, NULL, 'n'},
		{"stats", no_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int option = 0;

	/* "+": what stands behind the command is the command's. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 's') {
			stats = true;
		} else if (option == 'n' && port_count < MAX_PORTS) {
			ports[port_count++].network_name = optarg;
		} else {
			if (option == 'n') {
				fprintf(stderr,
					"vmnet-run: at most %d networks\n",
					MAX_PORTS);
			}
			usage();
		}
	}
	if (port_count == 0 || optind == argc) {
		usage();
	}
}

int main(int argc, char *argv[])
{
	parse(argc, argv);
	signal(SIGPIPE, SIG_IGN);

	for (int i = 0; i < port_count; i++) {
		port_start(&ports[i]);
	}
	export_ports();
	for (char **argument = argv + optind; *argument != NULL; argument++) {
		*argument = expand(*argument);
	}
	/* A signal that comes from here on waits for dispatch_main(). */
	forward_signals();
	spawn(argv + optind);
	for (int i = 0; i < port_count; i++) {
		port_open(&ports[i]);
	}
	wait_for_command();
	dispatch_main();
}
