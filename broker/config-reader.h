// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reading objects of networks.json by a table of their keys. Whatever is wrong
 * is kept as a problem with its place, and reading goes on.
 */

#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* What is known while one file is read. */
struct config_reader {
	const char *path;
	const char *text;               /* NUL-terminated */
	struct config *config;          /* what was read so far */
	struct config_network *network; /* whose problem it is, or NULL */
	char where[192]; /* "web.subnet": what problems are about, or "" */
	bool no_memory;  /* something is missing for that reason */
};

/* Keys of an object, at most. */
#define CONFIG_KEYS 32

/* A key of an object. */
struct config_key {
	const char *name;
	enum {
		CONFIG_STRING, /* only read() has it */
		CONFIG_CHOICE, /* one of choices; its index is stored */
		CONFIG_NUMBER, /* min to max, stored */
		CONFIG_SWITCH, /* bit of what is stored, see set_by */
		CONFIG_LIST,   /* only its place is known */
		CONFIG_OBJECT, /* the same */
	} type;
	bool required;
	bool minor; /* a bad value is no problem of any network */
	const char *choices[2];
	uint32_t min;
	uint32_t max;
	uint32_t bit;
	char set_by;   /* 'f': false sets the bit, true clears it; or 't' */
	size_t offset; /* of what is stored, a uint32_t, in the struct */
	/* What else has to be right: at is the value in the text, string what
	 * it says if it is a string. May be NULL. */
	void (*read)(struct config_reader *reader, void *into, const char *at,
	    const char *string);
};

/*
 * Reads an object into a struct. places, of CONFIG_KEYS, becomes where the value
 * of each key is, or NULL. False: there was a problem, or what `at` is is no
 * object.
 */
bool config_reader_object(struct config_reader *reader, const char *at,
    const struct config_key *keys, size_t count, void *into,
    const char **places);

/* What a string says, to be freed; or NULL, without memory. */
char *config_reader_string(struct config_reader *reader, const char *at);

/* Stores the number at `at`, of the key's min to max. */
void config_reader_number(struct config_reader *reader,
    const struct config_key *key, void *into, const char *at);

/* "an array": what the value is. */
const char *config_reader_type(const char *at);

/* Appends to reader->where; returns how long it was, to be cut there again. */
size_t config_reader_enter(struct config_reader *reader, const char *format,
    ...) __attribute__((format(printf, 2, 3)));

/* Adds a problem at a place of the text. */
void config_reader_problem(struct config_reader *reader, const char *at,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
