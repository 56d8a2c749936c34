// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The bytes between two processes. Everything is in the byte order of the
 * machine, because it never leaves the machine.
 *
 *     frame       header, then `length` bytes: one dictionary
 *     value       tag (1 byte), then
 *         null                         nothing
 *         bool                         1 byte, 0 or 1
 *         int64 uint64 double date     8 bytes
 *         uuid                         16 bytes
 *         data string                  4 bytes length, the bytes
 *         fd endpoint                  nothing: the next descriptor is its
 *         shmem                        8 bytes length; the next descriptor
 *         array                        4 bytes count, the values
 *         dictionary                   4 bytes count, then as often:
 *                                      4 bytes length, the key, the value
 *
 * Descriptors travel beside the bytes (SCM_RIGHTS), in the order in which
 * values name them; the first of a frame comes with its first byte or later,
 * the last one no later than its last byte.
 */

#ifndef XPC_WIRE_H
#define XPC_WIRE_H

#include <dispatch/dispatch.h>
#include <stddef.h>
#include <stdint.h>
#include <xpc/xpc.h>

#pragma GCC visibility push(hidden)

#define XWIRE_MAGIC 0x31435058 /* "XPC1" */

/* A longer or deeper one is never sent, and ends the peer that sends it. */
#define XWIRE_LENGTH_MAX (256u << 20)
#define XWIRE_DEPTH_MAX 16384u
#define XWIRE_DESCRIPTORS_MAX 65536u
/* What a frame can make the receiver allocate is bounded by this as well. */
#define XWIRE_OBJECTS_MAX (4u << 20)

enum xwire_kind {
	XWIRE_MESSAGE = 1, /* id is 0 */
	XWIRE_REQUEST = 2, /* id is what the reply will carry */
	XWIRE_REPLY = 3,
	XWIRE_DROPPED = 4, /* there will be no reply: an empty dictionary */
};

enum xwire_tag {
	XWIRE_NULL = 1,
	XWIRE_BOOL,
	XWIRE_INT64,
	XWIRE_UINT64,
	XWIRE_DOUBLE,
	XWIRE_DATE,
	XWIRE_DATA,
	XWIRE_STRING,
	XWIRE_UUID,
	XWIRE_FD,
	XWIRE_SHMEM,
	XWIRE_ENDPOINT,
	XWIRE_ARRAY,
	XWIRE_DICTIONARY,
};

struct xwire_header {
	uint32_t magic;
	uint32_t kind;
	uint64_t id;
	uint32_t length;      /* of what follows the header */
	uint32_t descriptors; /* that belong to this frame */
};

/* A frame on its way out. It holds references to what it sends. */
struct xframe {
	struct xframe *next;
	dispatch_block_t barrier; /* then it is no frame, but marks a place */
	bool transaction;         /* a reply's; ends when it has gone */
	bool reply;               /* or the lack of one: goes out at once */
	unsigned char *bytes;
	size_t length, sent;
	xpc_object_t *descriptors;
	size_t descriptor_count, descriptors_sent;
};

/* Aborts on what cannot be sent: connections, errors, too long, too deep. */
struct xframe *xwire_encode(
    xpc_object_t dictionary, enum xwire_kind kind, uint64_t id);
void xframe_destroy(struct xframe *frame);

/* Is this the beginning of an acceptable frame? */
bool xwire_check(const struct xwire_header *header);

/*
 * A dictionary that the caller owns, or NULL if the bytes do not encode one.
 * Descriptors are taken over in both cases. The bytes must name all of them.
 */
xpc_object_t xwire_decode(const unsigned char *bytes, size_t length,
    const int *descriptors, size_t count);

#pragma GCC visibility pop

#endif
