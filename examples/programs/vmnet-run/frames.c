// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: frames between a vmnet interface and the socket of the guest.
 *
 * Everything here runs on the queue of the port, and nothing blocks it or
 * retries at once. While there is no interface, because a lost network has not
 * come back, frames of the guest are dropped and counted.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run.h"

/* The size of an Ethernet header, and so of the shortest frame. */
#define FRAME_MIN 14

/* The minimum size of the header that --offload adds: struct virtio_net_hdr
 * without the number of buffers. */
#define VIRTIO_MIN 10

/* Apple's advice for a guest's socket: a receive buffer four times as large as
 * the send buffer. */
#define SEND_BUFFER (1024 * 1024)
#define RECEIVE_BUFFER (4 * SEND_BUFFER)

/* A full socket is retried after the first pause, and then after pauses that
 * double each time, 26 ms in total. We do not wait for write events: on macOS a
 * datagram socket is always writable, and send() then fails with ENOBUFS. */
#define PAUSE_FIRST (50 * NSEC_PER_USEC)
#define PAUSE_LAST (256 * PAUSE_FIRST)

/* Maximum number of batches in one direction before the other one has its
 * turn. */
#define TURN 4

/* Maximum number of batches taken from a guest that is gone, so that a
 * remaining process that keeps sending does not delay the exit. */
#define LAST_BATCHES 64

/* --- From the guest to the network -------------------------------------- */

static size_t frame_min(void)
{
	return offload ? FRAME_MIN + VIRTIO_MIN : FRAME_MIN;
}

/* With offload only vmnet knows whether its limit includes the header. */
static size_t frame_max(const struct port *port)
{
	return offload ? FRAME_ROOM - 1 : port->max_packet_size;
}

/*
 * Receives a batch; false when the socket is dead. Frames that are too large
 * for the network are dropped: one extra byte of room detects them. An empty
 * datagram is a frame that is too short, not an end of file, which datagram
 * sockets do not have.
 */
static bool port_receive(struct port *port, int *taken)
{
	struct batch *batch = &port->from_guest;

	batch->count = 0;
	for (*taken = 0; *taken < BATCH; (*taken)++) {
		struct iovec *iov = &batch->iov[batch->count];
		ssize_t size =
		    recv(port->fd, iov->iov_base, frame_max(port) + 1, 0);
		if (size < 0) {
			return errno == EAGAIN || errno == EINTR;
		}
		if ((size_t)size < frame_min() ||
		    (size_t)size > frame_max(port)) {
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

/* Writes the batch. Frames that vmnet does not accept are lost, as on a real
 * network; without an interface all frames are lost. */
static void port_write(struct port *port)
{
	struct batch *batch = &port->from_guest;
	int next = 0;

	while (port->interface != NULL && next < batch->count) {
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

/* Receives what the guest has sent, up to a limit. */
static void port_drain(struct port *port)
{
	int taken = BATCH;

	for (int i = 0; i < LAST_BATCHES && taken > 0; i++) {
		(void)port_receive(port, &taken);
		port_write(port);
	}
}

void port_close(struct port *port)
{
	struct batch *batch = &port->to_guest;

	if (port->closed) {
		return;
	}
	port->closed = true;
	dispatch_suspend(port->events);
	port->in.dropped += (uint64_t)(batch->count - batch->next);
	batch->next = batch->count;
	port_drain(port);
	dispatch_async(dispatch_get_main_queue(), ^{
		command_port_closed();
	});
}

/*
 * Forwards what the guest has sent, until it is the turn of frames to the
 * guest. A batch that is not full was the last one.
 */
static void port_from_guest(struct port *port)
{
	int taken = BATCH;

	for (int i = 0; i < TURN && taken == BATCH && !port->closed; i++) {
		bool open = port_receive(port, &taken);
		port_write(port);
		if (!open) {
			port_close(port);
		}
	}
}

/*
 * A thread waits for frames of the guest, because a thread that waits in the
 * kernel starts sooner than the handler of a dispatch source. It moves them on
 * the queue, which runs the block on this thread.
 */
static void *wait_for_guest(void *context)
{
	struct port *port = context;
	struct pollfd readable = { .fd = port->fd, .events = POLLIN };
	__block bool closed = false;

	while (!closed) {
		(void)poll(&readable, 1, -1);
		dispatch_sync(port->queue, ^{
			port_from_guest(port);
			closed = port->closed;
		});
	}
	return NULL;
}

void port_forward(struct port *port)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, wait_for_guest, port);

	if (error != 0) {
		fail("cannot start a thread: %s", strerror(error));
	}
	pthread_detach(thread);
}

/* --- From the network to the guest -------------------------------------- */

/* Linux returns the first two, macOS may return any of these. */
static bool is_gone(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN ||
	    error == ECONNRESET || error == EDESTADDRREQ || error == EPIPE;
}

/* Sends the rest of the batch; false if it has to wait. */
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

/* Reads a batch; false when there is nothing, or no interface. */
static bool port_read(struct port *port)
{
	struct batch *batch = &port->to_guest;

	if (port->interface == NULL) {
		return false;
	}
	for (int i = 0; i < BATCH; i++) {
		batch->iov[i].iov_len = frame_max(port);
		batch->packets[i].vm_pkt_size = frame_max(port);
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

/*
 * Moves a batch; false if there are no frames, or the guest has no room. A
 * batch that is not full does not mean that there are none left: vmnet also
 * limits the bytes of a call.
 */
static bool port_move(struct port *port)
{
	struct batch *batch = &port->to_guest;

	if (batch->next == batch->count && !port_read(port)) {
		return false;
	}
	if (!port_send(port)) {
		port->pause = port->pause == 0 ? PAUSE_FIRST : port->pause * 2;
		port_wait(port, port->pause);
		return false;
	}
	return !port->closed;
}

/* Moves frames to the guest until there are none, or until it is the turn of the
 * guest's own frames. */
static void port_to_guest(struct port *port)
{
	if (port->closed || port->waiting) {
		return;
	}
	for (int i = 0; i < TURN; i++) {
		if (!port_move(port)) {
			return;
		}
	}
	port_wait(port, 0);
}

/* Events that are already queued still arrive, and check port->waiting. */
static void port_wait(struct port *port, uint64_t pause)
{
	port->waiting = true;
	dispatch_suspend(port->events);
	dispatch_after(
	    dispatch_time(DISPATCH_TIME_NOW, (int64_t)pause), port->queue, ^{
		    dispatch_resume(port->events);
		    port->waiting = false;
		    port_to_guest(port);
	    });
}

/* Sends an Ethernet frame to an address that does not exist, of the type for
 * experiments: guests ignore it. (Some VMMs treat an empty datagram as the end
 * of the file.) A full socket is still open. A refused send may discard what
 * our end has received, so that is read first. */
void port_probe(struct port *port)
{
	static const uint8_t bytes[12 + 60] = {
		[12] = 0x02, [18] = 0x02, [24] = 0x88, [25] = 0xb5
	};
	const uint8_t *frame = offload ? bytes : bytes + 12;
	size_t size = offload ? sizeof(bytes) : sizeof(bytes) - 12;

	if (port->closed) {
		return;
	}
	port_drain(port);
	if (send(port->fd, frame, size, 0) < 0 && is_gone(errno)) {
		port_close(port);
	}
}

/* --- Set-up -------------------------------------------------------------- */

static void batch_create(struct batch *batch)
{
	batch->buffer = allocate(BATCH, FRAME_ROOM);
	for (size_t i = 0; i < BATCH; i++) {
		batch->iov[i].iov_base = batch->buffer + i * FRAME_ROOM;
		batch->packets[i].vm_pkt_iov = &batch->iov[i];
	}
}

/* Our end does not block and is closed in the command; the command's end is the
 * opposite. Smaller buffers than requested cost only speed. */
void port_create_sockets(struct port *port)
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
	if (port->wanted_fd != 0) {
		port->guest_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, FD_MAX + 1);
		close(fds[1]);
	}
	if (port->guest_fd < 0) {
		fail("cannot set up a socket: %s", strerror(errno));
	}
	batch_create(&port->to_guest);
	batch_create(&port->from_guest);
}

vmnet_return_t port_connect(struct port *port)
{
	vmnet_return_t status = vmnet_interface_set_event_callback(
	    port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, port->events,
	    ^(interface_event_t mask, xpc_object_t event) {
		    (void)mask;
		    (void)event;
		    port_to_guest(port);
	    });
	/* Frames that arrived before the callback was set. */
	if (status == VMNET_SUCCESS) {
		port_to_guest(port);
	}
	return status;
}

void port_disconnect(struct port *port)
{
	vmnet_interface_set_event_callback(
	    port->interface, VMNET_INTERFACE_PACKETS_AVAILABLE, NULL, NULL);
}
