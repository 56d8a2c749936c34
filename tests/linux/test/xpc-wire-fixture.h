// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Raw bytes on the sockets of the stand-in's XPC, for the tests of what it does
 * with peers that do not use it; and the service that they attack, in this
 * process.
 */

#ifndef XPC_WIRE_FIXTURE_H
#define XPC_WIRE_FIXTURE_H

#include <stdbool.h>

#include "xpc-fixture-standin.h"
#include "../xpc/wire.h"

/* Bytes under construction. */
struct raw {
	unsigned char bytes[1 << 20];
	size_t length;
};

extern struct raw raw;

/* These append to it. */
void put(const void *bytes, size_t length);
void put_tag(enum xwire_tag tag);
void put_count(uint32_t count);
void put_key(const char *key);
void put_header(
    enum xwire_kind kind, uint64_t id, size_t length, uint32_t descriptors);

/* Everything after the header: {"n": number}. */
#define SMALL (1 + 4 + 4 + 1 + 1 + 8)

void put_small(int64_t number);

/* Header and body. */
void put_good(enum xwire_kind kind, uint64_t id, int64_t number);

/* Sets the length of the frame that begins at start, whatever it says. */
void fix_length(size_t start);

struct service {
	xpc_connection_t listener;
	struct mailbox events; /* of all peers */
};

void service_open(struct service *service);
void service_close(struct service *service);

/* An honest client is served. */
void service_check(struct service *service);

/* A client of it; the descriptor is the caller's. */
int raw_connect(void);

/* Sends what has been put, with one descriptor so often beside it: its own, or
 * the one that is given. */
void raw_send(int fd, int descriptors);
void raw_send_with(int fd, int descriptor, int descriptors);

/* Waits until the other side has closed the connection, and closes it. */
void raw_expect_end(int fd);

/*
 * Sends a valid message, then the prepared bytes: the peer receives the message
 * (and, if good, the valid message with which the prepared bytes begin), and
 * then INVALID.
 */
void expect_dropped_after(bool good, int descriptors);
void expect_dropped(int descriptors);

#endif
