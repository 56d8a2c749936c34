// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: shared declarations.
 *
 *	../vmnet-run.c	options, and the order of events
 *	port.c		one network: its hold and its interface
 *	frames.c	the frames between that interface and the guest
 *	words.c		{fd0}, {mac0}, …: how the command gets its sockets
 *	command.c	the command: signals, terminal, end
 */

#ifndef VMNET_RUN_H
#define VMNET_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <dispatch/dispatch.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#include "vmnet-broker.h"

/* The limit of the broker for one client. */
#define MAX_PORTS 8

/* Frames per batch. vmnet allows 256 per call; with 64 the cost of a call is
 * already small. */
#define BATCH 64

/* Room for the longest frame: 64 KB after a header. Not a power of two, so that
 * the frames of a batch do not compete for the same cache lines. Pages are only
 * used as far as frames reach. */
#define FRAME_ROOM (64 * 1024 + 128)

/* Allowed values of --fd. The sockets have higher numbers until the command
 * starts, so that they do not conflict. */
#define FD_MIN 3
#define FD_MAX 63

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
 * One network of the guest. Its queue owns everything from lost on, once the
 * first interface has started.
 *
 * The interface
 *
 *	none	Frames of the guest are dropped and counted.
 *	busy	It is being started or stopped; port_settle() continues when
 *		vmnet has answered.
 *	runs	On the network with the number generation.
 *
 * To the guest, frames
 *
 *	flow	pause is 0.
 *	wait	The socket was full: the batch is retried after the pause. Until
 *		then vmnet's events are suspended, because they would only
 *		repeat that there are more frames. They are also suspended,
 *		without a pause, at the end of a turn.
 *	drop	pause is PAUSE_LAST: the guest is stuck. While its socket is
 *		full, frames are dropped immediately.
 *
 * When the guest has closed its socket, no frames move any more.
 */
struct port {
	const char *network_name;
	char mac[18]; /* the guest's: what was asked for, or vmnet's choice */
	uint64_t mtu;
	int fd;        /* ours */
	int guest_fd;  /* the command's */
	int wanted_fd; /* the number that it gets in the command, or 0 */

	vmnet_broker_hold_t hold;
	dispatch_queue_t queue;
	dispatch_queue_t events;      /* vmnet's; its blocks run on the queue */
	dispatch_semaphore_t ready;   /* started, or cannot be */
	dispatch_semaphore_t stopped; /* no interface, and no other will be */

	bool lost;        /* the network was lost and not yet replaced */
	uint64_t lost_at; /* ns */
	uint64_t grants;  /* how often the hold was granted */
	uint64_t generation;
	vmnet_network_ref network;
	interface_ref interface;
	bool busy;
	bool started;    /* the first interface was started */
	bool leaving;    /* no interface will be started again */
	char error[128]; /* why it has no interface */
	size_t max_packet_size;

	uint64_t pause; /* ns: the most recent one */
	bool waiting;
	bool closed;
	struct batch to_guest;
	struct batch from_guest;
	struct counter in;
	struct counter out;
};

extern struct port ports[MAX_PORTS];
extern int port_count;

/* Frames have a virtio header, which we do not read, may be up to 64 KB long,
 * and may lack checksums, as the header says. */
extern bool offload;

/* Prints a line, after "vmnet-run: ". On any queue. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and exits with EXIT_CANNOT_RUN. On the main queue, or before it
 * runs. */
void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* The same, and exits with 2: wrong arguments. Before any network is
 * requested. */
void usage_error(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* Stops all interfaces. On the main queue, or before it runs. */
void stop_all(void);

/* The same, and exits. */
void leave(int status) __attribute__((noreturn));

/* Allocates zeroed memory. Calls fail() if there is none. */
void *allocate(size_t count, size_t size);

/* --- port.c --- */

/* Requests the network. */
void port_create(struct port *port);

/* Waits until frames move, if only into the buffer of the socket; fails if
 * that is impossible. */
void port_start(struct port *port);

/* Stops the interface, as far as it was started, and waits for that. */
void port_stop(struct port *port);

/* --- frames.c: on the port's queue --- */

/* Creates the socket pair and the batches. */
void port_create_sockets(struct port *port);

/* Starts to forward the guest's frames, to the interface that there is when
 * they arrive. Not on the port's queue. */
void port_forward(struct port *port);

/* Starts to move frames from and to the interface. Returns vmnet's status. */
vmnet_return_t port_connect(struct port *port);

/* Stops moving frames; the socket stays open. */
void port_disconnect(struct port *port);

/* The other end of the socket is closed, or must no longer be used: frames
 * that were sent before still go out, then this port does nothing. The other
 * ports and the command go on. */
void port_close(struct port *port);

/* Closes the port if the other end of its socket is closed. */
void port_probe(struct port *port);

/* --- command.c: on the main queue, or before it runs --- */

/* Signals; before there is another thread. */
void command_prepare(void);

/* Runs the command. When it has ended and its ends of the sockets are closed,
 * leaves with its status. */
void command_start(char *argv[]);

/* To be called when a port was closed. */
void command_port_closed(void);

/* --- words.c --- */

/* Fails with usage_error() if a word is of a network that does not exist. */
void words_check(char *arguments[]);

/* Replaces every word by its value, in copies. */
void words_expand(char *arguments[]);

/* Sets VMNET_FD0, VMNET_MAC0, VMNET_MTU0, …. */
void words_export(void);

#endif
