// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Properties of a connection, and the context of a connection.
 */

#include "connection.h"

#include <Block.h>
#include <errno.h>

void xpc_connection_set_event_handler(
    xpc_connection_t self, xpc_handler_t handler)
{
	xpc_handler_t copy = Block_copy(handler), old;

	xobject_require(
	    self, XPC_TYPE_CONNECTION, "xpc_connection_set_event_handler");
	pthread_mutex_lock(&self->lock);
	old = self->handler;
	self->handler = copy;
	pthread_mutex_unlock(&self->lock);
	if (old != NULL) {
		Block_release(old);
	}
}

void xpc_connection_set_target_queue(
    xpc_connection_t self, dispatch_queue_t targetq)
{
	dispatch_queue_t old;

	xobject_require(
	    self, XPC_TYPE_CONNECTION, "xpc_connection_set_target_queue");
	if (targetq == NULL) {
		targetq = dispatch_get_global_queue(
		    DISPATCH_QUEUE_PRIORITY_DEFAULT, 0);
	}
	dispatch_retain(targetq);
	pthread_mutex_lock(&self->lock);
	old = self->target;
	self->target = targetq;
	pthread_mutex_unlock(&self->lock);
	dispatch_release(old);
}

const char *xpc_connection_get_name(xpc_connection_t self)
{
	return self->name;
}

static struct ucred peer_of(xpc_connection_t self)
{
	struct ucred peer;

	pthread_mutex_lock(&self->lock);
	peer = self->peer;
	pthread_mutex_unlock(&self->lock);
	return peer;
}

uid_t xpc_connection_get_euid(xpc_connection_t self)
{
	return peer_of(self).uid;
}

gid_t xpc_connection_get_egid(xpc_connection_t self)
{
	return peer_of(self).gid;
}

pid_t xpc_connection_get_pid(xpc_connection_t self)
{
	const char *lie = getenv("STANDIN_PID");
	pid_t pid = peer_of(self).pid;

	/* For tests that nothing is decided by the pid of a peer. */
	if (lie != NULL && *lie != '\0' && self->kind == XPEER) {
		return (pid_t)strtol(lie, NULL, 10);
	}
	return pid;
}

au_asid_t xpc_connection_get_asid(xpc_connection_t self)
{
	return peer_of(self).pid == 0 ? AU_ASSIGN_ASID : AU_DEFAUDITSID;
}

void xpc_connection_set_context(xpc_connection_t self, void *context)
{
	pthread_mutex_lock(&self->lock);
	self->context = context;
	pthread_mutex_unlock(&self->lock);
}

void *xpc_connection_get_context(xpc_connection_t self)
{
	void *context;

	pthread_mutex_lock(&self->lock);
	context = self->context;
	pthread_mutex_unlock(&self->lock);
	return context;
}

void xpc_connection_set_finalizer_f(
    xpc_connection_t self, xpc_finalizer_t finalizer)
{
	pthread_mutex_lock(&self->lock);
	self->finalizer = finalizer;
	pthread_mutex_unlock(&self->lock);
}

char *xpc_connection_copy_invalidation_reason(xpc_connection_t self)
{
	char *copy = NULL;

	pthread_mutex_lock(&self->lock);
	if (self->reason != NULL) {
		copy = strdup(self->reason);
	}
	pthread_mutex_unlock(&self->lock);
	return copy;
}

static int require(xpc_connection_t self, const char *caller)
{
	bool again;

	xobject_require(self, XPC_TYPE_CONNECTION, caller);
	pthread_mutex_lock(&self->lock);
	again = self->required;
	self->required = true;
	pthread_mutex_unlock(&self->lock);
	if (again) {
		xmisuse("%s: the connection has a requirement already", caller);
	}
	return 0;
}

int xpc_connection_set_peer_code_signing_requirement(
    xpc_connection_t self, const char *requirement __attribute__((unused)))
{
	return require(
	    self, "xpc_connection_set_peer_code_signing_requirement");
}

int xpc_connection_set_peer_entitlement_exists_requirement(
    xpc_connection_t self, const char *entitlement __attribute__((unused)))
{
	return require(
	    self, "xpc_connection_set_peer_entitlement_exists_requirement");
}

int xpc_connection_set_peer_entitlement_matches_value_requirement(
    xpc_connection_t self, const char *entitlement __attribute__((unused)),
    xpc_object_t value)
{
	if (!xobject_is(value, XPC_TYPE_BOOL) &&
	    !xobject_is(value, XPC_TYPE_STRING) &&
	    !xobject_is(value, XPC_TYPE_INT64)) {
		return EINVAL;
	}
	return require(self,
	    "xpc_connection_set_peer_entitlement_matches_"
	    "value_requirement");
}

int xpc_connection_set_peer_team_identity_requirement(xpc_connection_t self,
    const char *signing_identifier __attribute__((unused)))
{
	return require(
	    self, "xpc_connection_set_peer_team_identity_requirement");
}

int xpc_connection_set_peer_platform_identity_requirement(xpc_connection_t self,
    const char *signing_identifier __attribute__((unused)))
{
	return require(
	    self, "xpc_connection_set_peer_platform_identity_requirement");
}

int xpc_connection_set_peer_lightweight_code_requirement(
    xpc_connection_t self, xpc_object_t lwcr)
{
	if (!xobject_is(lwcr, XPC_TYPE_DICTIONARY)) {
		return EINVAL;
	}
	return require(
	    self, "xpc_connection_set_peer_lightweight_code_requirement");
}
