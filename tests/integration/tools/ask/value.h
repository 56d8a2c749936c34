// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The values of ask.c, as text.
 */

#ifndef ASK_VALUE_H
#define ASK_VALUE_H

#include <xpc/xpc.h>

/* Ends the process. */
_Noreturn void usage(void);

/* A line for each value, which begins with path. */
void print_dictionary(const char *path, xpc_object_t dictionary);

/* type: one of those that ask.c lists; another one ends the process. */
xpc_object_t create_value(const char *type, const char *text);

#endif
