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
 *   arguments and in the values of its environment, {fd0} {mac0} {mtu0} for
 *   the first network, {fd1} … for the second, and by variables: VMNET_FD0,
 *   VMNET_MAC0, VMNET_MTU0.
 * - vmnet gave the interface a MAC address: the guest must use it.
 * - Frames move in batches, one system call of vmnet's for many of them.
 * - Each network has a queue of its own, and nothing on it blocks or tries
 *   again at once: a guest that does not keep up delays its own network, by
 *   26 ms at the most; then frames are dropped, as a network card drops them.
 *   See port_send().
 * - The interfaces are stopped, and it is waited for, before the process ends.
 *
 * Build it on macOS 26, and sign it so that vmnet lets it in:
 *
 *	cc -o vmnet-run vmnet-run.c ../client/vmnet-broker.c -I../client \
 *		-framework vmnet -framework CoreFoundation
 *	codesign --force --sign - \
 *		--entitlements ../broker/vmnet-broker.entitlements vmnet-run
 *
 * See what a command gets, and what it left behind:
 *
 *	$ vmnet-run --stats --network default -- echo mac={mac0},mtu={mtu0}
 *	mac=52:54:00:1c:9e:07,mtu=1500
 *	vmnet-run: default in: 0 frames, 0 bytes, 0 dropped, 0 unfit
 *	vmnet-run: default out: 0 frames, 0 bytes, 0 dropped, 0 unfit
 *
 * "in" is to the guest, "out" from it. Dropped is what the guest or vmnet had
 * no room for, unfit what is shorter than an Ethernet header or longer than
 * the network's MTU allows.
 *
 * And a VMM:
 *
 *	vmnet-run --network default --network host -- qemu-system-aarch64 … \
 *		-netdev dgram,id=net0,local.type=fd,local.str={fd0} \
 *		-device virtio-net-pci,netdev=net0,mac={mac0} \
 *		-netdev dgram,id=net1,local.type=fd,local.str={fd1} \
 *		-device virtio-net-pci,netdev=net1,mac={mac1}
 *	vmnet-run --network default -- krunkit … \
 *		--device virtio-net,type=unixgram,fd={fd0},mac={mac0}
 *	vmnet-run --network default -- vfkit … \
 *		--device virtio-net,fd={fd0},mac={mac0}
 *
 * SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are passed on to the
 * command. The exit status is the command's, 128 and the signal's number when
 * a signal ended it, 2 for a mistake in the arguments, and 126 when the command
 * could not run. When vmnet-run is killed the command goes on, offline.
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

/* Apple's advice for a guest's socket: receive four times what is sent. */
#define SEND_BUFFER (1024 * 1024)
#define RECEIVE_BUFFER (4 * SEND_BUFFER)

/* A full socket is tried again after the first pause, and after one twice as
 * long each time, 26 ms in all. It is not watched for room: on macOS a datagram
 * socket is always ready, and send() then says ENOBUFS. */
#define PAUSE_FIRST (50 * NSEC_PER_USEC)
#define PAUSE_LAST (256 * PAUSE_FIRST)

/* Batches in one go to the guest: then it is its own frames' turn. */
#define TURN 4

/* Batches that are taken from a guest that is gone. Whoever is left to send
 * more does not keep us. */
#define LAST_BATCHES 64

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
	uint64_t dropped;
	uint64_t unfit;
};

/*
 * One network of the guest. Its queue owns everything from pause on.
 *
 * To the guest, frames
 *
 *	flow	pause is 0.
 *	wait	The socket was full: the batch is tried again after the pause,
 *		and vmnet's events are held back, which would only tell, again
 *		and again, that there is more. They also are, with no pause,
 *		at the end of a turn.
 *	drop	pause is PAUSE_LAST: the guest is stuck. What finds the socket
 *		full is dropped at once, until the guest takes a frame.
 *
 * When the guest has closed its socket nothing moves any more.
 */
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
	dispatch_queue_t events;  /* vmnet's; its blocks run on the queue */
	dispatch_source_t source; /* frames of the guest's */

	uint64_t pause; /* ns, the last one */
	bool waiting;
	bool closed;
	struct batch to_guest;
	struct batch from_guest;
	struct counter in;
	struct counter out;
};

static struct port ports[MAX_PORTS];
static int port_count;
static bool stats;
static pid_t child;

/* Stops all interfaces, and exits. On the main queue, or before it runs. */
static void leave(int status) __attribute__((noreturn));

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
	leave(EXIT_CANNOT_RUN);
}

/* --- From the guest to the network -------------------------------------- */

/*
 * Receives a batch; false when the socket is of no more use. Frames over the
 * network's size do not get in: one byte of room more than allowed tells them.
 * An empty datagram is a frame too short, not an end: datagram sockets have
 * none.
 */
static bool port_receive(struct port *port, int *taken)
{
	struct batch *batch = &port->from_guest;

	batch->count = 0;
	for (*taken = 0; *taken < BATCH; (*taken)++) {
		struct iovec *iov = &batch->iov[batch->count];
		ssize_t size =
		    recv(port->fd, iov->iov_base, port->max_packet_size + 1, 0);
		if (size < 0) {
			return errno == EAGAIN || errno == EINTR;
		}
		if (size < FRAME_MIN || (size_t)size > port->max_packet_size) {
			port->out.unfit++;
			continue;
		}
		iov->iov_len = (size_t)size;
		batch->packets[batch->count].vm_pkt_size = (size_t)size;
		batch->packets[batch->count].vm_pkt_iovcnt = 1;
		batch->packets[batch->count].vm_flags = 0;
		batch->count++;
	}
	return true;
}

/* Writes the batch. What vmnet does not take is lost, as on any wire. */
static void port_write(struct port *port)
{
	struct batch *batch = &port->from_guest;
	int next = 0;

	while (next < batch->count) {
		int written = batch->count - next;
		vmnet_return_t status = vmnet_write(
		    port->interface, batch->packets + next, &written);
		if (status != VMNET_SUCCESS || written <= 0) {
			break;
		}
		for (int i = next; i < next + written; i++) {
			port->out.frames++;
			port->out.bytes += batch->packets[i].vm_pkt_size;
		}
		next += written;
	}
	port->out.dropped += (uint64_t)(batch->count - next);
}

/*
 * The guest has closed its socket, or has ended: what it sent before still goes
 * out, then this network is quiet. The others and the command go on.
 */
static void port_close(struct port *port)
{
	struct batch *batch = &port->to_guest;
	int taken = BATCH;

	if (port->closed) {
		return;
	}
	port->closed = true;
	dispatch_suspend(port->events);
	dispatch_source_cancel(port->source);
	port->in.dropped += (uint64_t)(batch->count - batch->next);
	batch->next = batch->count;
	for (int i = 0; i < LAST_BATCHES && taken > 0; i++) {
		(void)port_receive(port, &taken);
		port_write(port);
	}
}

/* One batch: the source comes again when there is more. */
static void port_forward(struct port *port)
{
	int taken = 0;
	bool open = port_receive(port, &taken);

	port_write(port);
	if (!open) {
		port_close(port);
	}
}

/* --- From the network to the guest -------------------------------------- */

/* Linux says the first two, macOS may say any. */
static bool is_gone(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN ||
	    error == ECONNRESET || error == EDESTADDRREQ || error == EPIPE;
}

/* Sends what is left of the batch; false when that has to wait. */
static bool port_send(struct port *port)
{
	struct batch *batch = &port->to_guest;

	for (; batch->next < batch->count; batch->next++) {
		size_t size = batch->packets[batch->next].vm_pkt_size;
		const void *frame = batch->iov[batch->next].iov_base;
		if (send(port->fd, frame, size, 0) >= 0) {
			port->in.frames++;
			port->in.bytes += size;
			port->pause = 0;
		} else if (is_gone(errno)) {
			port_close(port);
			return true;
		} else if (errno == EMSGSIZE) {
			port->in.unfit++;
		} else if ((errno == EAGAIN || errno == ENOBUFS) &&
		    port->pause < PAUSE_LAST) {
			return false;
		} else {
			port->in.dropped++;
		}
	}
	return true;
}

/* Reads a batch; false when there is nothing. */
static bool port_read(struct port *port)
{
	struct batch *batch = &port->to_guest;

	for (int i = 0; i < BATCH; i++) {
		batch->iov[i].iov_len = port->max_packet_size;
		batch->packets[i].vm_pkt_size = port->max_packet_size;
		batch->packets[i].vm_pkt_iovcnt = 1;
		batch->packets[i].vm_flags = 0;
	}
	batch->next = 0;
	batch->count = BATCH;
	vmnet_return_t status =
	    vmnet_read(port->interface, batch->packets, &batch->count);
	if (status != VMNET_SUCCESS || batch->count <= 0) {
		batch->count = 0;
	}
	return batch->count > 0;
}

static void port_wait(struct port *port, uint64_t pause);

/* Moves frames until the network has none, or the guest has no room, or it is
 * somebody else's turn. */
static void port_move(struct port *port)
{
	for (int i = 0; i < TURN; i++) {
		if (!port_send(port)) {
			port->pause =
			    port->pause == 0 ? PAUSE_FIRST : port->pause * 2;
			port_wait(port, port->pause);
			return;
		}
		if (port->closed || !port_read(port)) {
			return;
		}
	}
	port_wait(port, 0);
}

/* Events that are under way already come all the same, and see waiting. */
static void port_wait(struct port *port, uint64_t pause)
{
	port->waiting = true;
	dispatch_suspend(port->events);
	dispatch_after(
	    dispatch_time(DISPATCH_TIME_NOW, (int64_t)pause), port->queue, ^{
		    dispatch_resume(port->events);
		    port->waiting = false;
		    port_move(port);
	    });
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
		fail("network %s: %s", name, vmnet_broker_last_reason());
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

/* Keeps what the guest and we have to know of the interface. */
static void port_learn(struct port *port, xpc_object_t parameters)
{
	const char *mac =
	    xpc_dictionary_get_string(parameters, vmnet_mac_address_key);

	port->mtu = xpc_dictionary_get_uint64(parameters, vmnet_mtu_key);
	port->max_packet_size = (size_t)xpc_dictionary_get_uint64(
	    parameters, vmnet_max_packet_size_key);
	snprintf(port->mac, sizeof(port->mac), "%s", mac != NULL ? mac : "");
}

/* Waits for vmnet's answer: nothing else is to be done before it is there. */
static void port_start_interface(struct port *port)
{
	dispatch_semaphore_t started = dispatch_semaphore_create(0);
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);
	__block vmnet_return_t result = VMNET_FAILURE;

	port->interface =
	    vmnet_interface_start_with_network(port->network, description,
		port->queue, ^(vmnet_return_t status, xpc_object_t parameters) {
			result = status;
			if (status == VMNET_SUCCESS) {
				port_learn(port, parameters);
			}
			dispatch_semaphore_signal(started);
		});
	xpc_release(description);
	/* When it refuses at once nobody calls the block. */
	if (port->interface != NULL) {
		dispatch_semaphore_wait(started, DISPATCH_TIME_FOREVER);
	}
	dispatch_release(started);
	if (result != VMNET_SUCCESS) {
		port->interface = NULL; /* there is nothing to stop */
		fail("network %s: cannot start an interface: vmnet status %d",
		    port->network_name, (int)result);
	}
	if (port->mac[0] == '\0' || port->max_packet_size < FRAME_MIN) {
		fail("network %s: an interface without an address or a size",
		    port->network_name);
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
	int send_size = SEND_BUFFER;
	int receive_size = RECEIVE_BUFFER;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) != 0) {
		fail("cannot create a socket pair: %s", strerror(errno));
	}
	for (int i = 0; i < 2; i++) {
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &send_size,
		    sizeof(send_size));
		setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &receive_size,
		    sizeof(receive_size));
	}
	if (fcntl(fds[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
		fail("cannot set up a socket: %s", strerror(errno));
	}
	port->fd = fds[0];
	port->guest_fd = fds[1];
}

/* From here on frames flow, if only into the socket's buffer. */
static void port_open(struct port *port)
{
	port->events = dispatch_queue_create(port->network_name, NULL);
	dispatch_set_target_queue(port->events, port->queue);
	port->source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_READ, (uintptr_t)port->fd, 0, port->queue);
	dispatch_source_set_event_handler(port->source, ^{
		port_forward(port);
	});
	dispatch_activate(port->source);

	vmnet_return_t status = vmnet_interface_set_event_callback(
	    port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, port->events,
	    ^(interface_event_t mask, xpc_object_t event) {
		    (void)mask;
		    (void)event;
		    if (!port->waiting) {
			    port_move(port);
		    }
	    });
	if (status != VMNET_SUCCESS) {
		fail("network %s: no events: vmnet status %d",
		    port->network_name, (int)status);
	}
}

/* All that can fail is done before the command runs. */
static void port_start(struct port *port)
{
	port->queue = dispatch_queue_create(port->network_name, NULL);
	port->network = acquire(port->network_name);
	port_start_interface(port);
	port_create_sockets(port);
	batch_create(&port->to_guest, port->max_packet_size);
	batch_create(&port->from_guest, port->max_packet_size);
	port_open(port);
}

static void port_stop_interface(struct port *port)
{
	dispatch_semaphore_t stopped = dispatch_semaphore_create(0);
	vmnet_return_t status = vmnet_stop_interface(
	    port->interface, port->queue, ^(vmnet_return_t result) {
		    (void)result;
		    dispatch_semaphore_signal(stopped);
	    });

	if (status == VMNET_SUCCESS) {
		dispatch_semaphore_wait(stopped, DISPATCH_TIME_FOREVER);
	}
	dispatch_release(stopped);
}

/* As far as it was started. */
static void port_stop(struct port *port)
{
	if (port->source != NULL) {
		dispatch_sync(port->queue, ^{
			port_close(port);
		});
		vmnet_interface_set_event_callback(port->interface,
		    VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL);
		dispatch_resume(port->events);
	}
	if (port->interface != NULL) {
		port_stop_interface(port);
	}
	if (port->network != NULL) {
		CFRelease(port->network);
	}
}

static void counter_print(
    const char *name, const char *way, const struct counter *counter)
{
	fprintf(stderr,
	    "vmnet-run: %s %s: %" PRIu64 " frames, %" PRIu64 " bytes, %" PRIu64
	    " dropped, %" PRIu64 " unfit\n",
	    name, way, counter->frames, counter->bytes, counter->dropped,
	    counter->unfit);
}

static void leave(int status)
{
	for (int i = 0; i < port_count; i++) {
		struct port *port = &ports[i];
		port_stop(port);
		if (stats && port->source != NULL) {
			counter_print(port->network_name, "in", &port->in);
			counter_print(port->network_name, "out", &port->out);
		}
	}
	exit(status);
}

/* --- The command --------------------------------------------------------- */

enum word { WORD_FD, WORD_MAC, WORD_MTU, WORD_COUNT };

static void word_value(
    enum word word, const struct port *port, char *value, size_t size)
{
	switch (word) {
	case WORD_FD:
		snprintf(value, size, "%d", port->guest_fd);
		break;
	case WORD_MAC:
		snprintf(value, size, "%s", port->mac);
		break;
	default:
		snprintf(value, size, "%" PRIu64, port->mtu);
	}
}

/* The value of "fd0", "mac1", …, or false when it is no word of ours. */
static bool lookup(const char *name, size_t length, char *value, size_t size)
{
	static const char *const words[WORD_COUNT] = { "fd", "mac", "mtu" };
	char known[16];

	for (int i = 0; i < port_count * WORD_COUNT; i++) {
		enum word word = (enum word)(i % WORD_COUNT);
		int port = i / WORD_COUNT;
		snprintf(known, sizeof(known), "%s%d", words[word], port);
		if (strlen(known) == length &&
		    memcmp(known, name, length) == 0) {
			word_value(word, &ports[port], value, size);
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
		    lookup(argument + 1, (size_t)(close - argument - 1), value,
			sizeof(value))) {
			end = stpcpy(end, value);
			argument = close + 1;
		} else {
			*end++ = *argument++;
		}
	}
	return out;
}

static void expand_all(char *words[])
{
	for (char **word = words; *word != NULL; word++) {
		*word = expand(*word);
	}
}

static void export_ports(void)
{
	static const char *const names[WORD_COUNT] = { "FD", "MAC", "MTU" };
	char value[32];
	char name[32];

	for (int i = 0; i < port_count * WORD_COUNT; i++) {
		enum word word = (enum word)(i % WORD_COUNT);
		int port = i / WORD_COUNT;
		snprintf(name, sizeof(name), "VMNET_%s%d", names[word], port);
		word_value(word, &ports[port], value, sizeof(value));
		if (setenv(name, value, 1) != 0) {
			fail("out of memory");
		}
	}
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
	SIGUSR2 };
#define SIGNAL_COUNT ((int)(sizeof(signals) / sizeof(signals[0])))

/* What we ignore and the command must not, unless we were told to as well, by
 * nohup for example. */
static sigset_t ignored;

static bool ignore(int number)
{
	if (signal(number, SIG_IGN) == SIG_IGN) {
		return false;
	}
	sigaddset(&ignored, number);
	return true;
}

/* A Ctrl-C at the terminal has reached the command already. */
static bool came_from_terminal(int number)
{
	return (number == SIGINT || number == SIGQUIT) && isatty(0) &&
	    tcgetpgrp(0) == getpgrp();
}

/* A signal that comes before the command runs waits for dispatch_main(). */
static void forward_signals(void)
{
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		int number = signals[i];
		if (!ignore(number)) {
			continue;
		}
		dispatch_source_t source =
		    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
			(uintptr_t)number, 0, dispatch_get_main_queue());
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

	int error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		posix_spawnattr_setsigdefault(&attributes, &ignored);
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
		error = posix_spawnp(
		    &child, argv[0], NULL, &attributes, argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	if (error != 0) {
		fail("%s: %s", argv[0], strerror(error));
	}
	for (int i = 0; i < port_count; i++) {
		close(ports[i].guest_fd);
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
	leave(
	    WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void wait_for_command(void)
{
	dispatch_async(
	    dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_DEFAULT, 0), ^{
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

static void add_port(const char *network_name)
{
	if (port_count == MAX_PORTS) {
		fprintf(stderr, "vmnet-run: at most %d networks\n", MAX_PORTS);
		usage();
	}
	ports[port_count].network_name = network_name;
	port_count++;
}

static void parse(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "network", required_argument, NULL, 'n' },
		{ "stats", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int option = 0;

	/* "+": what stands behind the command is the command's. */
	while (option != -1) {
		option = getopt_long(argc, argv, "+", options, NULL);
		if (option == 's') {
			stats = true;
		} else if (option == 'n') {
			add_port(optarg);
		} else if (option != -1) {
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
	sigemptyset(&ignored);
	(void)ignore(SIGPIPE);
	/* Whoever started us may not care for children; we do. */
	signal(SIGCHLD, SIG_DFL);

	for (int i = 0; i < port_count; i++) {
		port_start(&ports[i]);
	}
	export_ports();
	expand_all(argv + optind);
	expand_all(environ);
	forward_signals();
	spawn(argv + optind);
	wait_for_command();
	dispatch_main();
}
