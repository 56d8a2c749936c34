// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Tests of networks.json while the broker runs: it is written, read again, and
 * what the broker replies is compared.
 */

#ifndef BROKER_RELOAD_FIXTURE_H
#define BROKER_RELOAD_FIXTURE_H

#include "broker-client.h"

#define TEST_RELOADED(name)                                                    \
	cmocka_unit_test_setup_teardown(name, set_up_reloaded, tear_down)

/* Of the group: the file, and what the broker needs once. */
int open_config(void **state);
int close_config(void **state);

/* Of a test: the broker has read "{}". */
int set_up_reloaded(void **state);

/* The broker's networks.json. */
extern char config_path[];

void write_file(const char *text);

/* Releases reply: its status and its sentence are expected, or "": no error. */
void assert_error(xpc_object_t reply, const char *expected);

void assert_acquire(struct client *client, const char *name, const char *error);

/* Writes the file, reloads as root, and compares
 * "added|changed|pending|removed|problems". */
void reload(const char *text, const char *expected);

/* The same of a file without problems, whatever it changes. */
void configure(const char *text);

/* vmnet was asked for this setting since the last time. */
void assert_made(const char *setting);

#endif
