// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Writes a networks.json for each test, loads and removes it, and compares the
 * result.
 */

#ifndef BROKER_CONFIG_FIXTURE_H
#define BROKER_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"

/* The file, and its folder, which contains nothing else. */
extern char directory[];
extern char path[128];

/* For the group. */
int set_up(void **state);
int tear_down(void **state);

void write_file(const char *text, size_t length);

/* Loads the file at path, and removes it. */
enum config_result load(struct config **config);

/* Loads a text without problems. */
struct config *load_text(const char *text);

/* Checks the problems; each line follows the name of the file. */
void assert_problems(const struct config *config, const char *lines);

/* Checks that the file at path is refused with its name followed by `error`,
 * and that no part of it is used. Removes it. */
void assert_refused(const char *error);

/* subnet "": none is configured. */
void assert_network(const struct config *config, const char *name,
    enum config_mode mode, const char *subnet);

struct bad_text {
	const char *text;
	const char *error;
};

/* Loads each text, whose problems must be those of error. */
void assert_texts_have_problems(const struct bad_text *texts, size_t count);

#endif
