// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Connections: how dictionaries travel between processes. What each call does
 * is documented in tests/linux/xpc/README.md and tested, rule by rule, by
 * tests/linux/test/xpc-*-test.c.
 */

#ifndef STANDIN_XPC_CONNECTION_H
#define STANDIN_XPC_CONNECTION_H

#ifndef __BLOCKS__
#error "XPC connections need blocks: compile with tests/linux/cc or -fblocks."
#endif

XPC_ASSUME_NONNULL_BEGIN
__BEGIN_DECLS

/* The other side died; the next message finds it again or starts it. */
#define XPC_ERROR_CONNECTION_INTERRUPTED                                       \
	XPC_GLOBAL_OBJECT(_xpc_error_connection_interrupted)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_connection_interrupted;

/* The connection is no longer usable; no event follows. */
#define XPC_ERROR_CONNECTION_INVALID                                           \
	XPC_GLOBAL_OBJECT(_xpc_error_connection_invalid)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_connection_invalid;

/* Sent to peers of a listener: this process should exit soon. */
#define XPC_ERROR_TERMINATION_IMMINENT                                         \
	XPC_GLOBAL_OBJECT(_xpc_error_termination_imminent)
XPC_EXPORT const struct _xpc_dictionary_s _xpc_error_termination_imminent;

/* Never delivered by the stand-in, which checks no code signatures. */
#define XPC_ERROR_PEER_CODE_SIGNING_REQUIREMENT                                \
	XPC_GLOBAL_OBJECT(_xpc_error_peer_code_signing_requirement)
XPC_EXPORT const struct _xpc_dictionary_s
    _xpc_error_peer_code_signing_requirement;

#define XPC_CONNECTION_MACH_SERVICE_LISTENER (1 << 0)
#define XPC_CONNECTION_MACH_SERVICE_PRIVILEGED (1 << 1)

/* Called with the connection's context when the connection is freed. */
typedef void (*xpc_finalizer_t)(void *_Nullable value);

/* name NULL: an anonymous listener. You own the result of all three. */
XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT xpc_connection_t
xpc_connection_create(
    const char *_Nullable name, dispatch_queue_t _Nullable targetq);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1
    xpc_connection_t
    xpc_connection_create_mach_service(
	const char *name, dispatch_queue_t _Nullable targetq, uint64_t flags);

XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL_ALL
    xpc_connection_t
    xpc_connection_create_from_endpoint(xpc_endpoint_t endpoint);

/* NULL: the default concurrent queue. A listener's peers do not inherit it. */
XPC_EXPORT XPC_NONNULL1 void xpc_connection_set_target_queue(
    xpc_connection_t connection, dispatch_queue_t _Nullable targetq);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_set_event_handler(
    xpc_connection_t connection, xpc_handler_t handler);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_activate(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_suspend(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_resume(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_send_message(
    xpc_connection_t connection, xpc_object_t message);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_send_barrier(
    xpc_connection_t connection, dispatch_block_t barrier);

/* replyq NULL: the connection's target queue. */
XPC_EXPORT XPC_NONNULL1 XPC_NONNULL2 XPC_NONNULL4 void
xpc_connection_send_message_with_reply(xpc_connection_t connection,
    xpc_object_t message, dispatch_queue_t _Nullable replyq,
    xpc_handler_t handler);

/* A dictionary or an error; yours, never NULL. */
XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT XPC_RETURNS_RETAINED xpc_object_t
xpc_connection_send_message_with_reply_sync(
    xpc_connection_t connection, xpc_object_t message);

XPC_EXPORT XPC_NONNULL_ALL void xpc_connection_cancel(
    xpc_connection_t connection);

/* NULL for a peer of a listener. */
XPC_EXPORT XPC_NONNULL_ALL
    XPC_WARN_RESULT const char *_Nullable xpc_connection_get_name(
	xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT uid_t xpc_connection_get_euid(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT gid_t xpc_connection_get_egid(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT pid_t xpc_connection_get_pid(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT au_asid_t xpc_connection_get_asid(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL1 void xpc_connection_set_context(
    xpc_connection_t connection, void *_Nullable context);

XPC_EXPORT
XPC_NONNULL_ALL XPC_WARN_RESULT void *_Nullable xpc_connection_get_context(
    xpc_connection_t connection);

XPC_EXPORT XPC_NONNULL1 void xpc_connection_set_finalizer_f(
    xpc_connection_t connection, xpc_finalizer_t _Nullable finalizer);

/*
 * Requirements on the peer's code signature. There are no signatures here: the
 * stand-in records that one was set, aborts on a second one as macOS does,
 * returns 0, and accepts every peer.
 */
XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT int
xpc_connection_set_peer_code_signing_requirement(
    xpc_connection_t connection, const char *requirement);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT int
xpc_connection_set_peer_entitlement_exists_requirement(
    xpc_connection_t connection, const char *entitlement);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT int
xpc_connection_set_peer_entitlement_matches_value_requirement(
    xpc_connection_t connection, const char *entitlement, xpc_object_t value);

XPC_EXPORT XPC_NONNULL1 XPC_WARN_RESULT int
xpc_connection_set_peer_team_identity_requirement(
    xpc_connection_t connection, const char *_Nullable signing_identifier);

XPC_EXPORT XPC_NONNULL1 XPC_WARN_RESULT int
xpc_connection_set_peer_platform_identity_requirement(
    xpc_connection_t connection, const char *_Nullable signing_identifier);

XPC_EXPORT XPC_NONNULL_ALL XPC_WARN_RESULT int
xpc_connection_set_peer_lightweight_code_requirement(
    xpc_connection_t connection, xpc_object_t lwcr);

/* Why the connection became invalid, or NULL; free() it. */
XPC_EXPORT XPC_NONNULL1
    XPC_WARN_RESULT char *_Nullable xpc_connection_copy_invalidation_reason(
	xpc_connection_t connection);

__END_DECLS
XPC_ASSUME_NONNULL_END

#endif
