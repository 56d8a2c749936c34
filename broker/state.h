// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The subnets that the system chose, by network name, kept on disk: a network
 * that is made again, also by the next broker, asks for the same one first.
 *
 * One file, "subnets", in the state directory, with lines like
 *
 *	default 192.168.64.0/24
 *
 * What is lost with it is an address, so nothing here is fatal: a file that is
 * damaged is logged, ignored and written anew.
 */

#ifndef STATE_H
#define STATE_H

#include <stddef.h>

#include "protocol.h"
#include "subnet.h"

/* vmnet has no more than 255 networks at a time. The oldest is forgotten. */
#define STATE_MAX 256

struct state;

/* Reads the file in directory, and logs if it cannot. NULL: no memory. */
struct state *state_create(const char *directory);
void state_destroy(struct state *state);

/* 0, or -1: not known. */
int state_get(
    const struct state *state, const char *name, struct subnet *subnet);

/* Remembers subnet, in memory, if it is one that subnet_parse() would take. */
void state_put(
    struct state *state, const char *name, const struct subnet *subnet);

/*
 * The file's new content if something changed since the last call, else NULL
 * (or no memory: then the next call tries again). The caller frees it.
 */
char *state_copy_changes(struct state *state);

/*
 * Replaces the file, whole or not at all. Any thread, but one at a time; takes
 * as long as the disk does. 0, or -1 with errno.
 */
int state_write(const char *directory, const char *text);

#endif
