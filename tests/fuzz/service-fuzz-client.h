// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The clients of service-fuzz.c: they connect, send requests, whose replies are
 * checked, and die. The arguments are those of its operations.
 */

#ifndef SERVICE_FUZZ_CLIENT_H
#define SERVICE_FUZZ_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#define CLIENTS 6
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An argument of an operation: '0' is the first of all. */
size_t pick(uint8_t byte, size_t count);

void client_connect(const uint8_t *arguments);
/* The broker may learn that the client died before it reads its requests. */
void client_die(const uint8_t *arguments);

void ask_acquire(const uint8_t *arguments);
void ask_status(const uint8_t *arguments);
/* All other commands. Those that change something are accepted only from root;
 * this may drain the broker. */
void ask_command(const uint8_t *arguments);
/* Sends these bytes as a command and as a name; neither is valid. */
void ask_bytes(const uint8_t *arguments);
/* Sends a value of another type, or an unknown key. */
void ask_value(const uint8_t *arguments);
void send_one_way(const uint8_t *arguments);

/* Waits until the broker has read everything that this client sent. */
void wait_read(const uint8_t *arguments);

#endif
