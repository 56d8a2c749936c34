// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Reads objects of networks.json by a table of their keys. Each error is
 * recorded as a problem with its position, and reading continues.
 *
 * The last functions read the parts of the file, each in the source of its
 * name.
 */

#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* State while one file is read. */
struct config_reader {
	const char *path;
	const char *text;               /* NUL-terminated */
	struct config *config;          /* what was read so far */
	struct config_network *network; /* that problems belong to, or NULL */
	char where[192]; /* "web.subnet": the subject of problems, or "" */
	bool no_memory;  /* the result is incomplete for that reason */
};

/* Maximum number of keys of an object. */
#define CONFIG_KEYS 32

/* A key of an object. */
struct config_key {
	const char *name;
	enum {
		CONFIG_STRING, /* handled only by read() */
		CONFIG_CHOICE, /* one of choices; its index is stored */
		CONFIG_NUMBER, /* min to max, stored */
		CONFIG_SWITCH, /* a bit of the stored value, see set_by */
		CONFIG_LIST,   /* only its position is stored */
		CONFIG_OBJECT, /* the same */
	} type;
	bool required;
	bool minor; /* an invalid value affects no network */
	const char *choices[2];
	const char *note; /* ends the problem with a choice, or NULL */
	uint32_t min;
	uint32_t max;
	uint32_t bit;
	char set_by;   /* 'f': false sets the bit, true clears it; or 't' */
	size_t offset; /* of what is stored, a uint32_t, in the struct */
	/* Further checks: at is the value in the text, string its content if it
	 * is a string. May be NULL. */
	void (*read)(struct config_reader *reader, void *into, const char *at,
	    const char *string);
};

/*
 * Reads an object into a struct. places, an array of CONFIG_KEYS, receives the
 * position of each key's value, or NULL. Returns false if there was a problem,
 * or if the value at `at` is not an object.
 */
bool config_reader_object(struct config_reader *reader, const char *at,
    const struct config_key *keys, size_t count, void *into,
    const char **places);

/* The content of a string, which the caller frees; NULL: out of memory. */
char *config_reader_string(struct config_reader *reader, const char *at);

/* Stores the number at `at`, which must be from the key's min to max. */
void config_reader_number(struct config_reader *reader,
    const struct config_key *key, void *into, const char *at);

/* The type of the value, such as "an array". */
const char *config_reader_type(const char *at);

/* Appends to reader->where; returns its previous length, to truncate it
 * again. */
size_t config_reader_enter(struct config_reader *reader, const char *format,
    ...) __attribute__((format(printf, 2, 3)));

/* Adds a problem at a position in the text. */
void config_reader_problem(struct config_reader *reader, const char *at,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds a problem that begins with the string, quoted. */
void config_reader_wrong(struct config_reader *reader, const char *at,
    const char *string, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Reads the entry at `at` into the network that the reader is reading. */
void config_network_read(struct config_reader *reader, const char *at);

/* Reads the object at `at` into the config's options and defaults. Problems are
 * recorded for the reader's network, except invalid numbers, which belong to no
 * network. */
void config_network_read_options(struct config_reader *reader, const char *at);

/* Each reads an array into the network of the reader; NULL, and anything that
 * is not an array, counts as empty. Read reservations first: a rule may name
 * one. */
void config_lists_read_reservations(
    struct config_reader *reader, const char *at);
void config_lists_read_rules(struct config_reader *reader, const char *at);

/* Reads the object at `at`, "allow", into the network: a config_key's
 * read(). */
void config_allow_read(struct config_reader *reader, void *network,
    const char *at, const char *string);

#endif
