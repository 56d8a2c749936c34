// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A networks.json for each test, loaded and removed; and what is expected of it.
 */

#ifndef BROKER_CONFIG_FIXTURE_H
#define BROKER_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"

/* The file, and the folder that has nothing else. */
extern char directory[];
extern char path[128];

/* Of the group. */
int set_up(void **state);
int tear_down(void **state);

void write_file(const char *text, size_t length);

/* Loads what is at path now, and removes it. */
enum config_result load(struct config **config);

/* Loads a text that has no problems. */
struct config *load_text(const char *text);

/* The problems are those of the lines, each of which follows "FILE". */
void assert_problems(const struct config *config, const char *lines);

/* What is at path is refused with "FILE" and then error, nothing of it is taken,
 * and it is removed. */
void assert_refused(const char *error);

/* subnet "": it has none configured. */
void assert_network(const struct config *config, const char *name,
    enum config_mode mode, const char *subnet);

struct bad_text {
	const char *text;
	const char *error;
};

/* Loads each text, whose problems must be those of error. */
void assert_texts_have_problems(const struct bad_text *texts, size_t count);

#endif
