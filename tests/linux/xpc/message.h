// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The message part of a dictionary: its connection, and the one reply that it
 * may get.
 */

#ifndef XPC_MESSAGE_H
#define XPC_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <xpc/xpc.h>

#pragma GCC visibility push(hidden)

enum xmessage_kind {
	XMESSAGE_RECEIVED, /* from connection; a request when id is not 0 */
	XMESSAGE_REPLY,    /* made by xpc_dictionary_create_reply() */
};

struct xmessage {
	enum xmessage_kind kind;
	xpc_connection_t connection; /* a reference */
	uint64_t id;
	/* Replies do not outlive the socket that their request came by. */
	uint32_t generation;
	bool transaction;
	/* A request: its reply was made. A reply: it was sent. */
	atomic_bool used;
};

struct xmessage *xmessage_create(enum xmessage_kind kind,
    xpc_connection_t connection, uint64_t id, uint32_t generation);
/* Ends its transaction, if it still has one. NULL is fine. */
void xmessage_destroy(struct xmessage *message);

/* The reply's context when message is one, else NULL; aborts if sent before. */
struct xmessage *xmessage_send_reply(xpc_object_t message);
void xmessage_end_transaction(struct xmessage *message);

/* transaction.c: of a message that is being handled */
void xtransaction_begin(void);
void xtransaction_end(void);
/* Starts reporting SIGTERM to listeners and peers. */
void xtransaction_watch(void);
/* send.c: the message will not be replied to. */
void xsend_dropped(struct xmessage *message);

#pragma GCC visibility pop

#endif
