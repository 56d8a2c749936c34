// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The structure of a connection, and the interfaces between the files that
 * implement connections.
 *
 * States, of all kinds of connection:
 *
 *     inactive created, not activated: queues messages, receives nothing
 *     active      has a channel (a socket), or will get one with its first
 *                 message; a service connection loses and regains it
 *     invalid     no channel, for ever: cancelled, or the other side is gone
 *                 for good. One INVALID event is queued, or was delivered
 *
 * Suspension (a count) is apart from that: nothing is sent or delivered.
 *
 * Threads: `lock` guards everything that is not marked otherwise. Handlers,
 * finalizers and disposal of connections never run under it. Only the manager
 * thread reads from sockets; any thread writes, with the lock, and never
 * blocks: what the socket does not accept stays in `out`.
 *
 * References: the program's; one of the runtime's on a peer, until its INVALID
 * has been delivered; one of every hop (queued drain, pending reply, received
 * message); none of the channel's, which only holds the memory.
 */

#ifndef XPC_CONNECTION_H
#define XPC_CONNECTION_H

#include <pthread.h>
#include <sys/socket.h>

#include "message.h"
#include "object.h"
#include "wire.h"
#include "../os/system.h"

#pragma GCC visibility push(hidden)

/*
 * A connection reads no further while this much waits for its handler; then
 * the socket fills, and the sender queues. (But replies are behind what waits:
 * while a reply is pending it reads on.)
 */
#define XEVENTS_MAX 4
#define XEVENTS_BYTES_MAX (64u << 10)

enum xconnection_kind {
	XSERVICE,   /* to a named service */
	XENDPOINT,  /* to an anonymous listener */
	XPEER,      /* accepted by a listener */
	XLISTENER,  /* of a named service */
	XANONYMOUS, /* listener without a name */
};

struct xevent {
	struct xevent *next;
	struct xobject *object; /* a reference */
	enum xwire_kind kind;   /* 0: not from the wire */
	uint64_t id;
	uint32_t generation; /* of the channel it came by */
	size_t size;
};

struct xpending;
struct xchannel;

struct _xpc_connection_s {
	struct xobject object;
	/* The memory: one of all references, one of each channel. */
	atomic_int holds;
	uint8_t kind;
	bool privileged;
	bool inactive;
	bool invalid;
	bool cancelled;
	bool draining;     /* an event is being delivered, or about to be */
	bool in_handler;   /* nothing is sent meanwhile */
	bool in_barrier;   /* nothing is sent meanwhile */
	bool writing;      /* waits for the socket; holds a reference */
	bool announced;    /* a peer: its listener has got it */
	bool runtimes;     /* a peer: the runtime holds a reference */
	bool terminating;  /* a peer: gets no more messages */
	bool required;     /* has a requirement on the peer's signature */
	bool lookup_fails; /* made for an XPC service of a bundle */
	unsigned int suspended;
	uint32_t generation; /* of the channel */
	pthread_mutex_t lock;
	dispatch_queue_t target;
	xpc_handler_t handler;
	void *context;
	xpc_finalizer_t finalizer;
	char *name;
	const char *reason; /* of invalidity; static, or reason_text */
	char *reason_text;
	struct ucred peer;
	struct xchannel *channel;
	xpc_connection_t listener; /* a peer's, until it is announced */
	uint64_t listener_id;      /* a peer's; a listener's own */
	int endpoint;              /* what an anonymous listener hands out */
	xpc_endpoint_t knock_at;   /* until it has been connected to; a
				      reference */
	uint64_t last_id;
	struct xpending *pending, **pending_tail;
	struct xevent *events, **events_tail;
	size_t event_count, event_bytes;
	struct xframe *out, **out_tail;
	struct _xpc_connection_s *next, *previous; /* of all connections */
};

/* connection.c */
xpc_connection_t xconnection_create(
    enum xconnection_kind kind, dispatch_queue_t targetq);
/* Drops a reference to the memory. */
void xconnection_unhold(xpc_connection_t self);
/* A snapshot of all connections of that kind, with references. */
xpc_connection_t *xconnection_all(enum xconnection_kind kind, size_t *count);
/*
 * Locked. Makes it invalid: pending replies get INVALID, barriers run, what is
 * to be sent is dropped, and so are queued events if discard. They are put on
 * the list, to be freed after the lock is given back.
 */
void xconnection_invalidate(xpc_connection_t self, const char *reason,
    bool discard, struct xevent **garbage);
/*
 * Locked. Ignores a client that connected and disconnected without sending
 * anything: true if the caller must now release the runtime's reference.
 */
bool xpeer_forget(xpc_connection_t self);
/* Locked. Returns whether received messages may be passed to the handler. */
bool xconnection_is_live(xpc_connection_t self);
/* Returns whether this is a forked child, in which nothing works. */
bool xconnection_is_forked(void);

/* event.c */
void xevent_push(xpc_connection_t self, struct xobject *object,
    enum xwire_kind kind, uint64_t id, size_t size);
/* Locked. Delivers queued events if allowed. */
void xevent_drain(xpc_connection_t self);
/* Not locked. Discards events that will not be delivered: connections among
 * them are cancelled. */
void xevent_discard(struct xevent *list);
/* Returns whether the handler of self is running on this thread. */
bool xevent_is_running(xpc_connection_t self);

/* send.c; locked, but for the first. */
/* Aborts unless message can be sent on self. */
void xsend_check(
    xpc_connection_t self, xpc_object_t message, const char *caller);
void xsend_frame(xpc_connection_t self, struct xframe *frame);
void xsend_flush(xpc_connection_t self);
/* Runs the barriers in out and drops the rest. */
void xsend_unwind(xpc_connection_t self);

/* reply.c; all locked. */
void xpending_complete(
    xpc_connection_t self, uint64_t id, struct xobject *object);
/* The other side will not reply to this request. */
void xpending_drop(xpc_connection_t self, uint64_t id);
void xpending_fail(xpc_connection_t self, xpc_object_t error);

/* channel.c */
struct xchannel {
	int fd;
	uint32_t events; /* what the watch waits for */
	struct system_watch *watch;
	xpc_connection_t connection;      /* holds its memory */
	struct xchannel *next, *previous; /* of all channels */

	/* The manager thread's: a frame that has not arrived completely. */
	unsigned char *bytes;
	size_t length, capacity;
	int *descriptors;
	size_t descriptor_count, descriptor_capacity;
};

/* Locked. Takes fd over; ready is called on the manager thread. */
void xchannel_open(xpc_connection_t self, int fd, system_watch_handler ready);
/* Locked. NULL channel is fine. */
void xchannel_close(xpc_connection_t self);
/* Locked. Watches for the events that the connection can handle now. */
void xchannel_update(xpc_connection_t self);
/* Locked. Connects to the other side; 0, or -1 and the reason. */
int xchannel_connect(xpc_connection_t self, const char **reason);

/* receive.c */
void xreceive_ready(void *channel, uint32_t events);

/* listener.c */
void xlistener_activate(xpc_connection_t self);
/* A listening socket from launchd, or the reason why it gave none. */
void xlistener_start(xpc_connection_t self, int fd);
void xlistener_refuse(xpc_connection_t self, const char *reason);
/* Its first message has arrived. Not locked. */
void xlistener_announce(xpc_connection_t peer);
/* Peers of a cancelled anonymous listener. Not locked. */
void xlistener_drop_peers(uint64_t listener_id);

/* control.c */
void xcontrol_check_in(xpc_connection_t listener);
void xcontrol_transactions(size_t count);
int xcontrol_descriptor(void);

#pragma GCC visibility pop

#endif
