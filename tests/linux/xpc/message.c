// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Messages and their replies.
 */

#include "message.h"

#include "connection.h"
#include "object.h"

struct xmessage *xmessage_create(enum xmessage_kind kind,
    xpc_connection_t connection, uint64_t id, uint32_t generation)
{
	struct xmessage *self = xallocate(sizeof(*self));

	self->kind = kind;
	self->connection = xpc_retain(connection);
	self->id = id;
	self->generation = generation;
	return self;
}

void xmessage_end_transaction(struct xmessage *self)
{
	if (self->transaction) {
		self->transaction = false;
		xtransaction_end();
	}
}

void xmessage_destroy(struct xmessage *self)
{
	if (self == NULL) {
		return;
	}
	/* The right to reply is dropped unused, and the sender is notified. */
	if (self->id != 0 && !atomic_load(&self->used)) {
		xsend_dropped(self);
	}
	xmessage_end_transaction(self);
	xpc_release(self->connection);
	free(self);
}

struct xmessage *xmessage_send_reply(xpc_object_t message)
{
	struct xmessage *self = ((struct _xpc_dictionary_s *)message)->message;

	if (self == NULL || self->kind != XMESSAGE_REPLY) {
		return NULL;
	}
	if (atomic_exchange(&self->used, true)) {
		xmisuse("xpc_connection_send_message: this reply was sent "
			"before");
	}
	return self;
}

xpc_object_t xpc_dictionary_create_reply(xpc_object_t original)
{
	struct _xpc_dictionary_s *self = original, *reply;
	struct xmessage *message;

	if (!xobject_is(original, XPC_TYPE_DICTIONARY) ||
	    self->message == NULL || self->message->kind != XMESSAGE_RECEIVED ||
	    self->message->id == 0 ||
	    atomic_exchange(&self->message->used, true)) {
		return NULL;
	}
	message = xmessage_create(XMESSAGE_REPLY, self->message->connection,
	    self->message->id, self->message->generation);
	message->transaction = self->message->transaction;
	self->message->transaction = false;
	reply = xpc_dictionary_create_empty();
	reply->message = message;
	return reply;
}

xpc_connection_t xpc_dictionary_get_remote_connection(xpc_object_t xdict)
{
	struct _xpc_dictionary_s *self = xdict;

	xobject_require(
	    xdict, XPC_TYPE_DICTIONARY, "xpc_dictionary_get_remote_connection");
	return self->message == NULL ? NULL : self->message->connection;
}
