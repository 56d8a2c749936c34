// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * For tests that change networks.json while the broker runs: they write the
 * file, reload it, and compare the reply.
 */

#ifndef BROKER_RELOAD_FIXTURE_H
#define BROKER_RELOAD_FIXTURE_H

#include "broker-client.h"

#define TEST_RELOADED(name)                                                    \
	cmocka_unit_test_setup_teardown(name, set_up_reloaded, tear_down)

/* For the group: create and remove the file, and prepare the process. */
int open_config(void **state);
int close_config(void **state);

/* For a test: the broker has read "{}". */
int set_up_reloaded(void **state);

/* The broker's networks.json. */
extern char config_path[];

void write_file(const char *text);

/* Checks the status and the message of the reply, and releases it; "": no
 * error. */
void assert_error(xpc_object_t reply, const char *expected);

void assert_acquire(struct client *client, const char *name, const char *error);

/* Writes the file, reloads as root, and compares
 * "added|changed|pending|removed|problems". */
void reload(const char *text, const char *expected);

/* The same for a file without problems; its changes are not compared. */
void configure(const char *text);

/* Checks that vmnet got this setting since the last call. */
void assert_made(const char *setting);

#endif
